"""Cards from a dated YAML that a user can extend."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.config import Document, read_document
from assay.errors import SettingsError, UnknownNameError, did_you_mean

SHIPPED = Path(__file__).with_name("cards.yaml")
FIELDS = ("memory_mib", "bf16_tflops", "bf16", "usd_per_hour", "as_of", "source")


@dataclass(frozen=True)
class Card:
    """memory in bytes; tflops dense; usd: lowest and highest price an hour, None where none is known."""

    name: str
    memory: int
    tflops: float
    computes_bf16: bool = True
    usd: tuple[float, float] | None = None
    as_of: str = ""
    source: str = ""


def load_cards(path: Path | None) -> tuple[Card, ...]:
    """The list that comes with assay, smallest first, and the user's before it. Raises SettingsError."""
    found = {card.name: card for card in _read(SHIPPED)}
    if path is not None:
        found |= {card.name: card for card in _read(path)}
    return tuple(sorted(found.values(), key=lambda card: (card.memory, card.name)))


def choose(cards: tuple[Card, ...], names: tuple[str, ...]) -> tuple[Card, ...]:
    """Those of the names, in their order; all without names. Raises UnknownNameError."""
    if not names:
        return cards
    known = {card.name: card for card in cards}
    for name in names:
        if name.lower() not in known:
            raise UnknownNameError(
                f"no card '{name}' is known",
                fix=f"{did_you_mean(name.lower(), known)} Or add it in a file with --cards",
            )
    return tuple(known[name.lower()] for name in names)


def _read(path: Path) -> tuple[Card, ...]:
    document = read_document(path)
    entries = document.data.get("cards")
    if not isinstance(entries, Mapping) or not entries:
        raise SettingsError("should hold `cards`, each with its memory_mib and bf16_tflops", where=str(path))
    return tuple(_card(str(name), entry, document) for name, entry in entries.items())


def _card(name: str, entry: Any, document: Document) -> Card:
    where = document.where(("cards", name))
    if not isinstance(entry, Mapping):
        raise SettingsError(f"card '{name}' should be a mapping", where=where, fix=f"of {', '.join(FIELDS)}")
    for key in entry:
        if key not in FIELDS:
            raise SettingsError(f"card '{name}' has no field '{key}'", where=where, fix=did_you_mean(str(key), FIELDS))
    memory, tflops = (_positive(name, key, entry.get(key), where) for key in ("memory_mib", "bf16_tflops"))
    usd = entry.get("usd_per_hour")
    as_of = entry.get("as_of", document.data.get("as_of"))
    return Card(
        name=name.lower(),
        memory=round(memory * 2**20),
        tflops=tflops,
        computes_bf16=bool(entry.get("bf16", True)),
        usd=None if usd is None else _range(name, usd, as_of, where),
        as_of=str(as_of or ""),
        source=str(entry.get("source", "")),
    )


def _range(name: str, usd: Any, as_of: Any, where: str) -> tuple[float, float]:
    """A price, or the lowest and the highest; not without the day that it was read."""
    pair = usd if isinstance(usd, list) else [usd, usd]
    if len(pair) != 2:
        raise SettingsError(f"card '{name}': usd_per_hour should be a price or two, the lowest first", where=where)
    low, high = (_positive(name, "usd_per_hour", value, where) for value in pair)
    if low > high:
        raise SettingsError(f"card '{name}': the lowest usd_per_hour {low} is above the highest {high}", where=where)
    if not isinstance(as_of, datetime.date):
        raise SettingsError(f"card '{name}' has a price without its day", where=where, fix="add as_of: YYYY-MM-DD")
    return low, high


def _positive(name: str, key: str, value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise SettingsError(f"card '{name}': {key} should be a number above 0 (it is {value!r})", where=where)
    return float(value)

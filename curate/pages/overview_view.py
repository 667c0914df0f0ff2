"""What the top of the HTML report shows: the answer for a purpose, and what it rests on, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.records import Record
from assay.text import message_text

from ..overview.composition import Lengths, Part
from ..overview.improvements import Improvement
from ..overview.overview import Overview
from ..settings import Purpose
from .concealment import conceal_record

PURPOSES: dict[Purpose, str] = {
    "style": "a style",
    "formatting": "a format",
    "domain": "to answer questions of a domain",
    "shift": "another domain altogether",
}
"""What the data is to teach, in a sentence."""

SHOWN_PARTS = 20
SHOWN_TO_READ = 20
MAX_CHARACTERS = 500
LONGEST_NAME = 60


@dataclass(frozen=True)
class Example:
    """A record, cut to what fits."""

    place: str
    prompt: str
    answer: str


@dataclass(frozen=True)
class Bar:
    """width in percent of the largest; share in percent of all usable records."""

    name: str
    records: int
    width: float
    share: float
    anchor: str
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Top:
    """The top of the report. improvements have anchors only where the page has them."""

    purpose: str
    fewest: int
    most: int
    usable: int
    filled: float
    reading: str
    read_at_all: bool
    to_read: tuple[Example, ...]
    left_to_read: int
    improvements: tuple[Improvement, ...]
    kind: str
    parts: tuple[Bar, ...]
    more_parts: int
    effective: float
    nearly_empty: int
    tables: tuple[tuple[str, tuple[Bar, ...]], ...]
    lengths: tuple[tuple[str, Lengths, tuple[Bar, ...]], ...]
    looked_at: int


def top_of(overview: Overview, *, redact: bool) -> Top:
    """With `redact` no text of a record is in it; the overview was made without text as well."""
    composition, reading = overview.composition, overview.reading
    unread = reading.unread
    few, many = overview.usual
    parts = _bars(composition.parts, composition.usable, composition.kind, redact)
    named = (("languages", composition.languages), ("sources", composition.sources), ("origins", composition.origins))
    return Top(
        purpose=PURPOSES.get(overview.purpose, overview.purpose),  # type: ignore[call-overload]
        fewest=few,
        most=many,
        usable=composition.usable,
        filled=min(100.0, 100 * composition.usable / few),
        reading=reading.sentence(),
        read_at_all=reading.read > 0,
        to_read=() if redact else tuple(_example(chosen.record) for chosen in unread[:SHOWN_TO_READ]),
        left_to_read=len(unread),
        improvements=overview.improvements,
        kind=composition.kind,
        parts=parts[:SHOWN_PARTS],
        more_parts=max(0, len(parts) - SHOWN_PARTS),
        effective=composition.effective,
        nearly_empty=len(composition.nearly_empty),
        tables=tuple((name, _bars(own, composition.usable, name, True)[:6]) for name, own in named),
        lengths=tuple(
            (name, own, _histogram(own))
            for name, own in (("prompt", composition.prompts), ("answer", composition.answers))
        ),
        looked_at=composition.looked_at,
    )


def _bars(parts: Sequence[Part], total: int, kind: str, redact: bool) -> tuple[Bar, ...]:
    largest = max((part.records for part in parts), default=1) or 1
    return tuple(
        Bar(
            _shortened(part.name),
            part.records,
            100 * part.records / largest,
            100 * part.records / max(1, total),
            f"{kind}-{number}",
            () if redact else tuple(map(_example, part.examples)),
        )
        for number, part in enumerate(parts, 1)
    )


def _shortened(name: str) -> str:
    """Of a long path the name of the file."""
    return (
        name if len(name) <= LONGEST_NAME else f".../{Path(name).name}" if "/" in name else f"{name[:LONGEST_NAME]} ..."
    )


def _histogram(lengths: Lengths) -> tuple[Bar, ...]:
    largest = max((records for _, records in lengths.bars), default=1) or 1
    total = sum(records for _, records in lengths.bars) or 1
    return tuple(
        Bar(f"up to {end:,}", records, 100 * records / largest, 100 * records / total, "", ())
        for end, records in lengths.bars
    )


def _example(record: Record) -> Example:
    hidden = conceal_record(record)
    prompt = "\n".join(f"{message.role}: {message_text(message)}" for message in hidden.prompt)
    return Example(str(record.source), _cut(prompt), _cut(hidden.answer))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS].rstrip()} ..."

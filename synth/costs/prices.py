"""The list of prices, `prices.yaml`: each with the day on which it was so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from assay.protocols import Price

LIST = Path(__file__).resolve().parent / "prices.yaml"
MOST_DAYS = 183
"""A price of half a year ago is a guess."""


@dataclass(frozen=True)
class Listed:
    price: Price
    as_of: date
    source: str

    def days_old(self, today: date) -> int:
        return (today - self.as_of).days


def listed_price(provider: str, model: str) -> Listed | None:
    """By the exact name of the model; None where the list does not have it."""
    import yaml

    document: dict[str, Any] = yaml.safe_load(LIST.read_text(encoding="utf-8"))
    section = document.get(provider, {})
    entry = dict(section.get("models", {}).get(model, {}))
    if not entry:
        return None
    as_of = entry.pop("as_of", section["as_of"])
    return Listed(Price(**entry), as_of, section["source"])

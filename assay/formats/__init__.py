"""Formats of instruction data, one file each: a reader, a writer, and how to tell it from the others.

docs/formats.md shows an example of each.
"""

from __future__ import annotations

from assay.errors import UnknownNameError, did_you_mean
from assay.formats import alpaca, messages, sharegpt
from assay.formats.format import Format, NotCarried, Parsed, Row, Unreadable
from assay.records import Json

FORMATS: dict[str, Format] = {
    item.name: item
    for item in (
        sharegpt.FORMAT,
        messages.FORMAT,
        alpaca.FORMAT,
    )
}
"""By name, in the order in which detection tries them: the most telling columns first."""

__all__ = ["FORMATS", "Format", "NotCarried", "Parsed", "Row", "Unreadable", "by_name", "detect"]


def detect(row: Json) -> Format | None:
    """The first format that a row fits, or None."""
    return next((item for item in FORMATS.values() if item.fits(row)), None) if isinstance(row, dict) else None


def by_name(name: str) -> Format:
    """Raises UnknownNameError with the nearest name."""
    if name not in FORMATS:
        raise UnknownNameError(f"no format is called '{name}'", fix=did_you_mean(name, FORMATS))
    return FORMATS[name]

"""Formats of instruction data, one file each: a reader, a writer, and how to tell it from the others.

docs/formats.md shows an example of each.
"""

from __future__ import annotations

from pathlib import Path

from assay.dataset import Dataset
from assay.errors import UnknownNameError, did_you_mean
from assay.formats import (
    alpaca,
    dolly,
    kto,
    message_table,
    messages,
    preference,
    preferred_output,
    prompt_completion,
    question_answer,
    self_instruct,
    sharegpt,
)
from assay.formats.format import Format, NotCarried, Parsed, Row, Unreadable
from assay.formats.writing import write_rows
from assay.records import Json

FORMATS: dict[str, Format] = {
    item.name: item
    for item in (
        preferred_output.FORMAT,
        preference.FORMAT,
        kto.FORMAT,
        sharegpt.FORMAT,
        messages.FORMAT,
        prompt_completion.FORMAT,
        self_instruct.FORMAT,
        alpaca.FORMAT,
        dolly.FORMAT,
        message_table.FORMAT,
        question_answer.FORMAT,
    )
}
"""By name, in the order in which detection tries them: the most telling columns first."""

ALIASES = {"openai": "messages", "chatml": "messages", "dpo": "preference"}
"""What else people call them."""

__all__ = ["FORMATS", "Format", "NotCarried", "Parsed", "Row", "Unreadable", "by_name", "detect", "write"]


def detect(row: Json) -> Format | None:
    """The first format that a row fits, or None."""
    return next((item for item in FORMATS.values() if item.fits(row)), None) if isinstance(row, dict) else None


def by_name(name: str) -> Format:
    """Raises UnknownNameError with the nearest name."""
    found = FORMATS.get(ALIASES.get(name, name))
    if found is None:
        raise UnknownNameError(f"no format is called '{name}'", fix=did_you_mean(name, [*FORMATS, *ALIASES]))
    return found


def write(dataset: Dataset, path: Path, format: str) -> None:  # noqa: A002
    """Writes every record in a format, atomically, in the container that the suffix of the path names.

    Raises SettingsError for a record that the format or container cannot hold, naming the first; StorageError.
    """
    write_rows(dataset, path, by_name(format))

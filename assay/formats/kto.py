"""Rated answers (KTO): a conversation or prompt/completion with a label, true for a good answer.

Read on request only; a row whose label is false has no chosen side and is unreadable.
"""

from __future__ import annotations

from typing import Any

from assay.formats import prompt_completion
from assay.formats.conversation import first_turn, read_conversation
from assay.formats.format import Format, NotCarried, Parsed, Row, Unreadable
from assay.records import Json, Record

LABELS = ("label", "kto_tag")


def fits(row: Row) -> bool:
    return _label(row) is not None and (prompt_completion.fits(row) or first_turn(row) is not None)


def read(row: Row) -> Parsed:
    label = _label(row)
    if label is None:
        raise Unreadable("no column 'label' that is true or false")
    if row[label] in (False, "false"):
        raise Unreadable(f"its {label} is false: an answer that is not wanted, so there is no chosen side")
    return prompt_completion.read(row) if prompt_completion.fits(row) else read_conversation(row)


def write(record: Record) -> list[dict[str, Any]]:
    if _label(record.meta) is None:
        raise NotCarried("a record without a label")
    return prompt_completion.write(record)


def _label(row: Row) -> str | None:
    for name in LABELS:
        if name in row and _is_label(row[name]):
            return name
    return None


def _is_label(value: Json) -> bool:
    """true or false, or their names as CSV cells hold them."""
    return isinstance(value, bool) or (isinstance(value, str) and value in ("true", "false"))


FORMAT = Format(
    name="kto",
    title="rated answers (KTO), wanted ones",
    fits=fits,
    read=read,
    write=write,
    columns={
        "messages": "conversations",
        "prompt": "prompt",
        "answer": "completion",
        "system": "system",
        "tools": "tools",
        "label": "label",
    },
    on_request=True,
)

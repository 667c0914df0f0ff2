"""Columns that the user names: `columns: {prompt: text, answer: category}`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from assay.errors import SettingsError, did_you_mean
from assay.formats import FORMATS, Format, Row, Unreadable, by_name, detect
from assay.records import Json

ALIASES = {
    "prompt": ("prompt", "instruction", "question", "user"),
    "input": ("input", "query", "context"),
    "answer": ("answer", "response", "output", "completion", "assistant"),
    "system": ("system",),
    "history": ("history",),
    "messages": ("messages", "conversations"),
    "tools": ("tools",),
    "chosen": ("chosen",),
    "rejected": ("rejected",),
    "label": ("label", "kto_tag"),
    "conversation": ("conversation", "conversation_id"),
    "time": ("time", "turn", "order"),
    "role": ("role",),
    "content": ("content",),
}
"""Canonical name of a column and what else it may be called as a key of `columns`."""

REQUIRED = ("prompt", "answer", "messages", "chosen", "role", "content", "conversation")
TEXT = ("prompt", "input", "answer", "system")
NUMBER_REMARK = "numbers in mapped columns are read as text"


class Mapped(NamedTuple):
    """A row under a format's own names. aside holds columns whose names those took; they belong to meta."""

    row: Row
    aside: dict[str, Json]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class ColumnMapping:
    """names: canonical name -> the column in the file. format is None where each row's turns decide it."""

    format: Format | None
    names: Mapping[str, str]

    def apply(self, row: Row) -> Mapped:
        """Raises Unreadable where a column that cannot be missed is missing."""
        own = self.format.columns if self.format is not None else FORMATS["messages"].columns
        used = set(self.names.values())
        out: dict[str, Json] = {key: value for key, value in row.items() if key not in used}
        aside: dict[str, Json] = {}
        remarks = {self._said()}
        for canonical, column in self.names.items():
            if column not in row:
                if canonical in REQUIRED:
                    raise Unreadable(f"no column '{column:.60}'")
                continue
            name = own[canonical]
            if name in out:
                aside[name] = out[name]
            value = row[column]
            if canonical in TEXT and not isinstance(value, str):
                value, remark = _as_text(value)
                remarks.update(remark)
            out[name] = value
        return Mapped(out, aside, tuple(sorted(remarks)))

    def _said(self) -> str:
        return ", ".join(f"'{column:.40}' as the {canonical}" for canonical, column in self.names.items())

    def form_of(self, row: Row) -> Format | None:
        """The format of a row that `apply` returned."""
        return self.format if self.format is not None else detect(row)


def column_mapping(columns: Mapping[str, str], form: str) -> ColumnMapping | None:
    """None when nothing is mapped. Raises SettingsError for a key that is no column or that the format lacks."""
    if not columns:
        return None
    names: dict[str, str] = {}
    for key, column in columns.items():
        canonical = next((name for name, aliases in ALIASES.items() if key in aliases), None)
        if canonical is None:
            known = [alias for aliases in ALIASES.values() for alias in aliases]
            raise SettingsError(f"columns: unknown name '{key}'", fix=did_you_mean(key, known))
        if canonical in names:
            raise SettingsError(f"columns: '{key}' and '{names[canonical]}' both name the {canonical}")
        names[canonical] = column
    chosen = by_name(form) if form != "auto" else _choose(names)
    own = chosen.columns if chosen is not None else FORMATS["messages"].columns
    foreign = next((name for name in names if name not in own), None)
    if foreign is not None:
        title = chosen.name if chosen is not None else "messages"
        raise SettingsError(f"columns: format {title} has no '{foreign}'", fix=did_you_mean(foreign, own))
    return ColumnMapping(chosen, names)


def _choose(names: Mapping[str, str]) -> Format | None:
    """The format that a mapping describes; None for lists of turns, which tell their own spelling."""
    if "chosen" in names:
        return FORMATS["preference"]
    if "label" in names:
        return FORMATS["kto"]
    if "messages" in names:
        return None
    if "role" in names or "content" in names or "conversation" in names:
        return FORMATS["message_table"]
    if "input" in names or "history" in names:
        return FORMATS["alpaca"]
    if "tools" in names:
        return FORMATS["prompt_completion"]
    return FORMATS["question_answer"]


def _as_text(value: Json) -> tuple[Json, set[str]]:
    if isinstance(value, bool):
        return ("true" if value else "false"), {NUMBER_REMARK}
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return str(value), {NUMBER_REMARK}
    return value, set()

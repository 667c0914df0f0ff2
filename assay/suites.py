"""Reads domain suites: a small YAML beside a JSONL file of items. docs/suites.md shows one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from assay.records import Json, Message


@dataclass(frozen=True, slots=True)
class SuiteItem:
    """One item. choices is empty unless the suite is multiple choice; cluster ties items that share a source."""

    id: str
    messages: tuple[Message, ...]
    reference: str
    choices: tuple[str, ...] = ()
    slice: str | None = None
    cluster: str | None = None


@dataclass(frozen=True)
class Suite:
    """A domain suite, validated."""

    name: str
    path: Path
    items: tuple[SuiteItem, ...]
    scorer: str
    scorer_settings: Mapping[str, Json] = field(default_factory=dict)
    max_new_tokens: int = 64
    apply_chat_template: bool = True
    data_sha256: str = ""

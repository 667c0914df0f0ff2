"""Which of several duplicates stays: an ordered list of named rules, the first that tells two records apart decides.

    curate:
      keep_of_duplicates: [longest_complete_answer, human, earlier]      # the default
      keep_of_duplicates: [reviewed_first, {source: [crm.jsonl, wiki.jsonl]}, later]

Where no rule tells them apart, the earlier row stays.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from assay.errors import SettingsError, did_you_mean
from assay.findings import Finding
from assay.records import Record

DEFAULT_RULE = ("longest_complete_answer", "human", "earlier")

INCOMPLETE = frozenset({"cut_off_answer", "repetition", "empty_turn"})
"""Checks whose findings make an answer incomplete."""


@dataclass(frozen=True)
class Candidate:
    """One of several duplicates.

    position  of the record in the data
    complete  no check found its answer cut off, looping or empty
    reviewed  a person decided to keep it
    """

    record: Record
    position: int
    complete: bool
    reviewed: bool = False


Key: TypeAlias = tuple[Any, ...]
"""Compared element by element; of two candidates the one with the greater key stays."""

Rule: TypeAlias = tuple[Callable[[Candidate], Any], ...]


def rank(record: Record, position: int, findings: Iterable[Finding], rule: Rule, reviewed: Collection[str] = ()) -> Key:
    """Of several duplicates the one with the greatest key stays.

    position  of the record in the data, from 0
    findings  those about this row
    reviewed  ids of records that a person decided to keep
    """
    complete = not any(finding.check in INCOMPLETE for finding in findings)
    candidate = Candidate(record, position, complete, record.id in reviewed)
    return (*(part(candidate) for part in rule), -position)


def keeper_rule(names: Sequence[Any]) -> Rule:
    """The rule that a setting names. Raises SettingsError for an unknown name, and for one that is given twice."""
    if isinstance(names, str) or not names:
        raise SettingsError("'keep_of_duplicates' should be a list of rules", fix=f"write [{', '.join(DEFAULT_RULE)}]")
    parts: dict[str, Callable[[Candidate], Any]] = {}
    for item in names:
        name, part = _part(item)
        if name in parts:
            raise SettingsError(f"'keep_of_duplicates' names {name} twice", fix="the second one decides nothing")
        parts[name] = part
    return tuple(parts.values())


def _part(item: Any) -> tuple[str, Callable[[Candidate], Any]]:
    if isinstance(item, Mapping) and len(item) == 1:
        name, value = next(iter(item.items()))
        if name == "source":
            return "source", _by_source(value)
        if name in _RULES:
            raise SettingsError(f"'keep_of_duplicates': {name} takes no value", fix=f"write {name}")
        item = name
    if item == "source":
        raise SettingsError("'keep_of_duplicates': source needs files", fix="write {source: [first.jsonl, next.jsonl]}")
    if not isinstance(item, str) or item not in _RULES:
        fix = did_you_mean(str(item), [*_RULES, "source"])
        raise SettingsError(f"'keep_of_duplicates' has no rule {item!r:.60}", fix=fix)
    return item, _RULES[item]


def _by_source(files: Any) -> Callable[[Candidate], int]:
    """Files in order of preference, each as a path or its end; all others come after them."""
    wanted = [files] if isinstance(files, str) else files
    if not isinstance(wanted, Sequence) or not wanted or not all(isinstance(name, str) and name for name in wanted):
        fix = "write {source: [first.jsonl, next.jsonl]}"
        raise SettingsError(f"'keep_of_duplicates': source is {files!r:.60}, but should be a list of files", fix=fix)

    def preference(candidate: Candidate) -> int:
        file = candidate.record.source.file
        matching = (index for index, name in enumerate(wanted) if file == name or file.endswith(f"/{name}"))
        return -next(matching, len(wanted))

    return preference


_RULES: Mapping[str, Callable[[Candidate], Any]] = {
    "longest_complete_answer": lambda it: (it.complete, len(it.record.answer.strip())),
    "shortest": lambda it: (it.complete, -len(it.record.answer.strip())),
    "human": lambda it: it.record.origin == "human",
    "earlier": lambda it: -it.position,
    "later": lambda it: it.position,
    "reviewed_first": lambda it: it.reviewed,
}

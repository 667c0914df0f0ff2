"""What was found in a record, in words, and the groups that it is in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import NamedTuple

from assay.findings import Finding, Severity
from assay.records import Json, Record, Source

from ..pages.pieces import MAX_DIFF_WORDS, Piece, difference
from .places import find_all, findings_at, ledger_rows, records_at, rows_with
from .record_turns import cut, marked, place_of, pretty

FINDINGS = "findings.parquet"
CONTEXT = 160
"""Characters before and after a span that are shown with it."""

COMPARED = 4
"""Members of a group whose text is shown beside the record's."""

LISTED = 60
"""Members of a group that are named."""

SHARES = frozenset({"similarity", "share", "confidence", "probability", "given_probability", "usual_share"})
NAMES = {"message": "turn", "kind": "what", "text": "its text"}
ASIDE = frozenset({"spans", "other", "others", "row_id", "row_ids", "reviewed", "reviewed_before", "dissenter"})
"""Keys of evidence that are shown in another way: beside the text, or as a link."""


class Fact(NamedTuple):
    name: str
    text: str


@dataclass(frozen=True)
class Found:
    """One finding. quoted: its span with some text around it; other: the row that it names."""

    check: str
    severity: str
    message: str
    quoted: tuple[Piece, ...]
    facts: tuple[Fact, ...]
    other: str


@dataclass(frozen=True)
class Member:
    """Another row of a group. fate: "" where no ledger says it."""

    row_id: str
    place: str
    fate: str


@dataclass(frozen=True)
class Side:
    """One record of a comparison, turn by turn. same: turns that are not shown, since both have them."""

    member: Member
    heading: str
    said: str
    turns: tuple[tuple[str, tuple[Piece, ...]], ...]
    same: int


@dataclass(frozen=True)
class Group:
    """members: all of them that are named, this row left out; sure: how sure the check is of it."""

    check: str
    sure: str
    size: int
    members: tuple[Member, ...]
    sides: tuple[Side, ...]
    clash: bool


def findings_of(folder: Path, row_id: str) -> list[Finding]:
    """Of one row, errors first."""
    path = folder / FINDINGS
    found = findings_at(path, rows_with(path, row_id=row_id))
    return sorted(found, key=lambda finding: list(Severity).index(finding.severity))


def place_name(source: Source) -> str:
    """File and line without the folders before the file: the whole path is among the facts."""
    return str(replace(source, file=PurePath(source.file.replace("\\", "/")).name or source.file))


def found_of(findings: Sequence[Finding], record: Record | None) -> list[Found]:
    return [
        Found(
            finding.check,
            str(finding.severity),
            finding.message,
            tuple(_quoted(finding, record)),
            tuple(facts_of(finding.evidence)),
            str(finding.evidence.get("other") or "") if isinstance(finding.evidence.get("other"), str) else "",
        )
        for finding in findings
    ]


def _quoted(finding: Finding, record: Record | None) -> Iterator[Piece]:
    span = finding.span
    if span is None:
        return
    if record is None or not 0 <= span.message < len(record.messages):
        if span.text:
            yield Piece(span.text, "hit")
        return
    text = record.messages[span.message].content or ""
    start, end = max(0, span.start - CONTEXT), min(len(text), span.end + CONTEXT)
    if start:
        yield Piece("… ")
    yield from cut(marked(text[start:end], [(span.start - start, span.end - start)]), False).pieces
    if end < len(text):
        yield Piece(" …")


def facts_of(evidence: Mapping[str, Json]) -> Iterator[Fact]:
    """The evidence of a finding, one fact a key, as words."""
    for key, value in evidence.items():
        if key in ASIDE or value in (None, "", [], {}):
            continue
        yield Fact(NAMES.get(key, key.replace("_", " ")), _words(key, value))
    for key, before in (("reviewed", "kept by a person"), ("reviewed_before", "decided before")):
        said = evidence.get(key)
        if isinstance(said, Mapping):
            parts = [str(said.get(name, "")) for name in ("decision", "who", "when", "note")]
            yield Fact(before, ", ".join(filter(None, parts)))


def _words(key: str, value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{100 * value:.3g} %" if key in SHARES and 0 <= value <= 1 else f"{value:,}"
    if isinstance(value, str):
        return value.replace("_", " ") if key == "kind" else value
    if isinstance(value, Mapping) and all(isinstance(item, str | int | float) for item in value.values()):
        return ", ".join(f"{name} {_words(str(name), item)}" for name, item in value.items())
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(_words(key, item) for item in value)
    return pretty(value) if len(json.dumps(value, default=str)) > 100 else json.dumps(value, ensure_ascii=False)


def groups_of(
    folder: Path, findings: Sequence[Finding], record: Record | None, shown_as: Callable[[Record], Record]
) -> list[Group]:
    """Every group that the row is in, contradictions first; one a check and group, however many findings say so.

    shown_as  what other records are shown as: themselves, or without their personal data
    """
    own: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        if finding.group is not None:
            own.setdefault((finding.check, finding.group), []).append(finding)
    groups = [_group(folder, said, record, shown_as) for said in own.values()]
    return sorted((group for group in groups if group.size > 1), key=lambda group: not group.clash)


def _group(folder: Path, said: Sequence[Finding], record: Record | None, shown_as: Callable[[Record], Record]) -> Group:
    finding = said[0]
    path = folder / FINDINGS
    rows = rows_with(path, check=finding.check, group=finding.group or "")
    others = [item for item in findings_at(path, rows[: LISTED + 1]) if item.row_id != finding.row_id]
    fates = {row.row_id: str(row.fate) for row in ledger_rows(folder, [item.row_id for item in others])}
    rows_of = {item.row_id: item for item in others}
    members = [Member(row_id, place_name(item.source), fates.get(row_id, "")) for row_id, item in rows_of.items()]
    clash = "spans" in finding.evidence
    named = [item.evidence.get("other") for item in said]
    members.sort(key=lambda member: member.row_id not in named)
    compared = members[:COMPARED]
    texts = {text.row_id: shown_as(text) for text in _texts(folder, [member.row_id for member in compared])}
    sides = []
    for member in compared:
        other = texts.get(member.row_id)
        if record is None or other is None:
            continue
        sides.append(
            _clashing(said, member, rows_of[member.row_id], other) if clash else _beside(member, record, other)
        )
    size = len({finding.row_id, *(item.row_id for item in others)}) + max(0, len(rows) - LISTED - 1)
    return Group(finding.check, _sure(finding), size, tuple(members), tuple(sides), clash)


def _texts(folder: Path, row_ids: Sequence[str]) -> list[Record]:
    return records_at(find_all(folder, row_ids))


def _sure(finding: Finding) -> str:
    evidence = finding.evidence
    for key, words in (("confidence", "the check is {} sure"), ("similarity", "{} alike")):
        value = evidence.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return words.format(_words(key, value))
    return ""


def _clashing(said: Sequence[Finding], member: Member, theirs: Finding, other: Record) -> Side:
    """The other answer with what clashes with this record's marked."""
    words = next((_text_at(item, 1) for item in said if item.evidence.get("other") == member.row_id), None)
    words = words or _text_at(theirs, 0) or ""
    place = place_of(other, words)
    pieces = marked(other.answer, [place] if place is not None else [])
    note = "dissents from most records" if theirs.evidence.get("dissenter") else ""
    heading = f"“{words}”" if words else ""
    return Side(member, heading, note, (("assistant", cut(pieces, False).pieces),), 0)


def _text_at(finding: Finding, index: int) -> str | None:
    spans = finding.evidence.get("spans")
    if isinstance(spans, list) and len(spans) > index and isinstance(spans[index], Mapping):
        return str(spans[index].get("text", ""))
    return None


def _beside(member: Member, record: Record, other: Record) -> Side:
    """The other record with the words that this one lacks and has besides; turns that both have are counted."""
    before, after = record.messages, other.messages
    turns: list[tuple[str, tuple[Piece, ...]]] = []
    same = long = 0
    for number in range(max(len(before), len(after))):
        mine = _said(record, number) if number < len(before) else ""
        theirs = _said(other, number) if number < len(after) else ""
        if mine == theirs:
            same += 1
            continue
        long += max(len(mine.split()), len(theirs.split())) > MAX_DIFF_WORDS
        role = (after[number] if number < len(after) else before[number]).role
        turns.append((role, cut(tuple(difference(mine, theirs)), False).pieces))
        if len(turns) == 8:
            break
    said = f"the first {MAX_DIFF_WORDS} words of each turn" if long else ""
    return Side(member, "the same in every turn" if not turns else "", said, tuple(turns), same)


def _said(record: Record, number: int) -> str:
    from assay.text import message_text

    return message_text(record.messages[number])

"""The groups that a record is in: duplicates with what differs, contradictions with what clashes, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.findings import Finding
from assay.records import Record
from assay.text import message_text

from ..pages.pieces import MAX_DIFF_WORDS, Piece, difference
from .places import find_all, findings_at, ledger_rows, records_at, rows_with
from .record_findings import FINDINGS, place_name, share
from .record_turns import cut, marked, place_of

COMPARED = 4
"""Members of a group whose text is shown beside the record's."""

USUAL = 2
"""Records of the usual kind that are shown beside one of another."""

LISTED = 60
"""Members of a group that are named."""

TURNS = 8
"""Turns of a record that are shown in a comparison."""

ALIKE = 0.4
"""Share of the shorter text that has to stand in both for a comparison word by word."""

DISSENTS = "dissents from most records"

ShownAs = Callable[[Record], Record]
"""What other records are shown as: themselves, or without their personal data."""


@dataclass(frozen=True)
class Member:
    """Another row of a group. fate: "" where no ledger says it."""

    row_id: str
    place: str
    fate: str


@dataclass(frozen=True)
class Side:
    """One record of a comparison, turn by turn.

    same     turns that are not shown, since both have them
    differs  whether words that only one of the two has are marked
    """

    member: Member
    heading: str
    turns: tuple[tuple[str, tuple[Piece, ...]], ...]
    same: int
    differs: bool


@dataclass(frozen=True)
class Group:
    """sure: how sure the check is of it; size: with this row; members: those that are named without their text."""

    check: str
    sure: str
    size: int
    members: tuple[Member, ...]
    sides: tuple[Side, ...]
    clash: bool


def groups_of(folder: Path, findings: Sequence[Finding], record: Record | None, shown_as: ShownAs) -> list[Group]:
    """Every group that the row is in, contradictions first; one a check and group, however many findings say so."""
    own: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        if finding.group is not None:
            own.setdefault((finding.check, finding.group), []).append(finding)
    groups = [_group(folder, said, record, shown_as) for said in own.values()]
    return sorted((group for group in groups if group.size > 1), key=lambda group: not group.clash)


def _group(folder: Path, said: Sequence[Finding], record: Record | None, shown_as: ShownAs) -> Group:
    finding, path = said[0], folder / FINDINGS
    rows = rows_with(path, check=finding.check, group=finding.group or "")
    theirs = {item.row_id: item for item in findings_at(path, rows[: LISTED + 1]) if item.row_id != finding.row_id}
    fates = _fates(folder, list(theirs))
    named = [item.evidence.get("other") for item in said]
    members = [Member(row_id, place_name(item.source), fates.get(row_id, "")) for row_id, item in theirs.items()]
    members.sort(key=lambda member: member.row_id not in named)
    clash = "spans" in finding.evidence
    if isinstance(named[0], list):
        sides = _usual(folder, finding, shown_as)
    else:
        texts = {text.row_id: shown_as(text) for text in _texts(folder, [item.row_id for item in members[:COMPARED]])}
        pairs = [(member, texts[member.row_id]) for member in members if member.row_id in texts]
        sides = [
            _clashing(said, member, theirs[member.row_id], other) if clash else _beside(member, record, other)
            for member, other in pairs
        ]
    shown = {side.member.row_id for side in sides}
    size = len(theirs) + 1 + max(0, len(rows) - LISTED - 1)
    rest = tuple(member for member in members if member.row_id not in shown)
    return Group(finding.check, _sure(finding), size, rest, tuple(sides), clash)


def _fates(folder: Path, row_ids: Sequence[str]) -> dict[str, str]:
    return {row.row_id: str(row.fate) for row in ledger_rows(folder, row_ids)}


def _texts(folder: Path, row_ids: Sequence[str]) -> list[Record]:
    return records_at(find_all(folder, row_ids))


def _sure(finding: Finding) -> str:
    for key, words in (("confidence", "The check is {} sure"), ("similarity", "{} alike")):
        value = finding.evidence.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return words.format(share(value))
    return ""


def _usual(folder: Path, finding: Finding, shown_as: ShownAs) -> list[Side]:
    """Records outside the group that a finding names, as what is usual: prompt and answer."""
    named = [str(row) for row in finding.evidence["other"]][:USUAL]
    fates, usual = _fates(folder, named), finding.evidence.get("usual")
    heading = f"as most are: {usual}" if usual else "held against it"
    return [
        Side(
            Member(other.row_id, place_name(other.source), fates.get(other.row_id, "")),
            heading,
            tuple((turn.role, _plain(message_text(turn))) for turn in other.messages[-2:]),
            0,
            False,
        )
        for other in map(shown_as, _texts(folder, named))
    ]


def _plain(text: str) -> tuple[Piece, ...]:
    return cut((Piece(text),), False).pieces


def _clashing(said: Sequence[Finding], member: Member, theirs: Finding, other: Record) -> Side:
    """The other answer with what clashes with this record's marked."""
    against = next((_text_at(item, 1) for item in said if item.evidence.get("other") == member.row_id), None)
    words = against or _text_at(theirs, 0) or ""
    place = place_of(other, words)
    pieces = cut(marked(other.answer, [place] if place is not None else []), False).pieces
    own = {(_text_at(item, 0) or "").casefold() for item in said}
    agrees = bool(words) and words.casefold() in own
    note = "says the same as this record" if agrees else DISSENTS if theirs.evidence.get("dissenter") else ""
    return Side(member, note, (("assistant", pieces),), 0, False)


def _text_at(finding: Finding, index: int) -> str | None:
    spans = finding.evidence.get("spans")
    if isinstance(spans, list) and len(spans) > index and isinstance(spans[index], Mapping):
        return str(spans[index].get("text", ""))
    return None


def _beside(member: Member, record: Record | None, other: Record) -> Side:
    """The other record with the words that this one lacks and has besides; turns that both have are counted.

    record: None where its text is not at hand; then the other is shown as it is.
    """
    after = other.messages
    if record is None:
        turns = [(turn.role, _plain(message_text(turn))) for turn in after[:TURNS]]
        return Side(member, "", tuple(turns), 0, False)
    before = record.messages
    turns, same, longest = [], 0, 0
    for number in range(max(len(before), len(after))):
        mine = message_text(before[number]) if number < len(before) else ""
        theirs = message_text(after[number]) if number < len(after) else ""
        if mine == theirs:
            same += 1
        elif len(turns) < TURNS:
            role = (after[number] if number < len(after) else before[number]).role
            turns.append((role, _compared(mine, theirs)))
            longest = max(longest, len(mine.split()), len(theirs.split()))
    differs = any(piece.mark for _, pieces in turns for piece in pieces)
    heading = f"the first {MAX_DIFF_WORDS} words of each turn" if differs and longest > MAX_DIFF_WORDS else ""
    return Side(member, heading if turns else "the same in every turn", tuple(turns), same, differs)


def _compared(mine: str, theirs: str) -> tuple[Piece, ...]:
    """Word by word; where little is alike, the other text as it is."""
    pieces = cut(tuple(difference(mine, theirs)), False).pieces
    alike = sum(len(piece.text) for piece in pieces if not piece.mark)
    changed = sum(len(piece.text) for piece in pieces if piece.mark)
    return pieces if alike >= ALIKE * (alike + changed / 2) else _plain(theirs)

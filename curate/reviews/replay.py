"""Decisions of people, applied to the next version of the data.

First the edits, so that the checks see the content that will be trained on; then, when the checks have spoken,
what people said about their findings:

- kept: the finding becomes a fact (severity info), which moves nothing, as long as the check finds the same; of a
  group as long as the same records are in it
- dropped: the record gets the finding `reviewed`, for which it is dropped; where all but one of a contradiction or of
  duplicates were dropped, nothing speaks against the one any more, as if the others had never been in the data
- decided before, but about other evidence or another group: the finding stands, and says so

For one subject the latest decision holds; of several about one record the strongest: drop, then edit, then keep.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from assay.dataset import Dataset
from assay.findings import Finding, Severity
from assay.records import Json, Record
from assay.reviews.review import EDITS, READING, Review, Subject, Verdict, evidence_digest, group_digest, latest

from ..corpus import Corpus
from .kinds import OPPOSED

REVIEWED = "reviewed"
"""The finding about a record that a person dropped, and the reason in the ledger for what people decided."""

REVIEWED_SUMMARY = "a person decided on this record"


@dataclass(frozen=True)
class Edited:
    """data: the same rows, those that people edited with their new content. before: {row id: the record before it}."""

    data: Dataset
    before: Mapping[str, Record]

    @property
    def originals(self) -> dict[str, str]:
        """{row id: id before the edit}"""
        return {row: record.id for row, record in self.before.items()}


@dataclass(frozen=True)
class Replayed:
    """findings: as they count now, those of REVIEWED last. counts: decisions by what became of them.

    counts  kept, dropped, edited, read: in force; offered_again: the evidence or the group has changed; not_found: the
            check finds nothing any more; not_here: the record is not in this data
    """

    findings: tuple[Finding, ...]
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Reviewed:
    """What people had said when the data was judged. before, counts: as in `Edited` and `Replayed`."""

    reviews: tuple[Review, ...] = ()
    before: Mapping[str, Record] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


def apply_edits(data: Dataset, reviews: Sequence[Review]) -> Edited:
    """The data with what people wrote in place of what they read; an edit of an edit is applied too."""
    edits = {s.record_id: review for s, review in latest(reviews).items() if review.verdict in EDITS}
    if not edits:
        return Edited(data, {})
    rows = rows_with(data, edits)
    changed: dict[int, Record] = {}
    before: dict[str, Record] = {}
    for position, record in rows:
        now = _edit(record, edits)
        if now.id != record.id:
            changed[position] = now
            before[record.row_id] = record
    return Edited(replace_rows(data, changed), before)


def kept_by_people(reviews: Sequence[Review]) -> frozenset[str]:
    """Ids of records that a person kept or found right, whatever it was about."""
    kept = (Verdict.KEEP, Verdict.RIGHT)
    return frozenset(subject.record_id for subject, review in latest(reviews).items() if review.verdict in kept)


def _edit(record: Record, edits: Mapping[str, Review]) -> Record:
    """As often as there is an edit for what it has become, but for a circle."""
    seen = set()
    while record.id in edits and record.id not in seen:
        seen.add(record.id)
        record = edits[record.id].edited(record)
    return record


def replay(
    data: Dataset, findings: Iterable[Finding], reviews: Sequence[Review], edited: Mapping[str, str] | None = None
) -> Replayed:
    """Findings as they count once people have spoken.

    data    as the checks saw it: after `apply_edits`
    edited  {row id: id before the edit}, as `apply_edits` gives it
    """
    edited = edited or {}
    found = tuple(findings)
    about: dict[str, list[Review]] = defaultdict(list)
    for subject, review in latest(reviews).items():
        about[subject.record_id].append(review)
    if not about:
        return Replayed(found, {})
    subjects = subjects_of(found, set(about))
    rows: dict[str, list[Record]] = defaultdict(list)
    for _, record in rows_with(data, about):
        rows[record.id].append(record)
    told = [
        _waived(finding, about[finding.record_id], subjects[index], rows) if index in subjects else finding
        for index, finding in enumerate(found)
    ]
    dropped = [
        _dropped(record, review)
        for record_id, own in rows.items()
        for review in about[record_id]
        if review.verdict in (Verdict.DROP, Verdict.WRONG)
        for record in _to_drop(review, own, subjects.values())
    ]
    told = _without_opponents(told, dropped)
    return Replayed((*told, *_once_a_row(dropped)), _count(about, rows, subjects.values(), edited))


def subjects_of(findings: Sequence[Finding], record_ids: set[str] | None = None) -> dict[int, Subject]:
    """{position of a finding: what a decision about it is about}; only of the records named, where some are."""
    wanted = [i for i, item in enumerate(findings) if record_ids is None or item.record_id in record_ids]
    groups = {(findings[i].check, findings[i].group) for i in wanted if findings[i].group is not None}
    members: dict[tuple[str, str | None], list[str]] = defaultdict(list)
    record_of: dict[str, str] = {}
    for finding in findings:
        if finding.group is not None and (finding.check, finding.group) in groups:
            members[finding.check, finding.group].append(finding.record_id)
            record_of[finding.row_id] = finding.record_id
    digests = {key: group_digest(ids) for key, ids in members.items()}
    return {
        i: Subject(
            findings[i].record_id,
            findings[i].check,
            digests.get((findings[i].check, findings[i].group), ""),
            evidence_digest(findings[i], record_of),
        )
        for i in wanted
    }


def _waived(finding: Finding, reviews: Sequence[Review], subject: Subject, rows: Mapping[str, list[Record]]) -> Finding:
    """The finding as a fact where a person kept the record, else as it was; told of a decision that holds no more."""
    if finding.severity is Severity.INFO:
        return finding
    copies = subject.group == group_digest([finding.record_id])
    for review in reviews:
        whole = review.subject.check == "" and not copies
        if review.verdict is Verdict.KEEP and (whole or review.subject == subject):
            message = f"{finding.message} (kept by {review.who or 'a person'})"
            return replace(
                finding, severity=Severity.INFO, message=message, evidence=_with(finding, "reviewed", review)
            )
    for review in reviews:
        if review.subject.check == finding.check and review.subject != subject:
            why = "other records are in the group" if review.subject.group != subject.group else "it is another finding"
            message = f"{finding.message} (a person said {review.verdict} before; asked again, since {why} now)"
            return replace(finding, message=message, evidence=_with(finding, "reviewed_before", review))
    return finding


def _without_opponents(found: Sequence[Finding], dropped: Sequence[Finding]) -> list[Finding]:
    """The findings, those as facts of which people dropped every other record of the group."""
    by_row = {finding.row_id: finding for finding in dropped}
    touched: dict[tuple[str, str | None], Finding] = {
        (item.check, item.group): by_row[item.row_id] for item in found if item.group and item.row_id in by_row
    }
    left: dict[tuple[str, str | None], set[str]] = defaultdict(set)
    for item in found:
        if (item.check, item.group) in touched and item.row_id not in by_row:
            left[item.check, item.group].add(item.record_id)
    alone = {group for group, ids in left.items() if len(ids) == 1 and group[0] in OPPOSED}
    return [
        _unopposed(item, touched[item.check, item.group])
        if (item.check, item.group) in alone and item.row_id not in by_row and item.severity is not Severity.INFO
        else item
        for item in found
    ]


def _unopposed(finding: Finding, dropped: Finding) -> Finding:
    said = f"{finding.message} (nothing stands against it any more: the other was {dropped.message})"
    return replace(finding, severity=Severity.INFO, message=said)


def _with(finding: Finding, key: str, review: Review) -> dict[str, Json]:
    said = {"decision": str(review.verdict), "who": review.who, "when": review.when, "note": review.note}
    return {**finding.evidence, key: {name: value for name, value in said.items() if value}}


def _to_drop(review: Review, rows: Sequence[Record], found: Iterable[Subject]) -> Sequence[Record]:
    """The rows that a drop takes: of identical copies all but the first, of a group none when the group has changed."""
    if not review.subject.group:
        return rows
    if review.subject not in set(found):
        return ()
    return rows[1:] if review.subject.group == group_digest([review.subject.record_id]) else rows


def _dropped(record: Record, review: Review) -> Finding:
    said = f"dropped by {review.who or 'a person'}" + (f": {review.note}" if review.note else "")
    evidence = {"decision": str(review.verdict), "who": review.who, "when": review.when, "check": review.subject.check}
    return Finding.about(record, REVIEWED, Severity.ERROR, said, evidence=evidence)


def _once_a_row(findings: Iterable[Finding]) -> list[Finding]:
    return list({finding.row_id: finding for finding in findings}.values())


def _count(
    about: Mapping[str, Sequence[Review]],
    rows: Mapping[str, Sequence[Record]],
    found: Iterable[Subject],
    edited: Mapping[str, str],
) -> dict[str, int]:
    """Decisions by what became of them; "right" is no decision about a finding, and counts as read."""
    found = set(found)
    checks_of = {(subject.record_id, subject.check) for subject in found}
    before = set(edited.values())
    counts: Counter[str] = Counter()
    for record_id, reviews in about.items():
        for review in reviews:
            subject = review.subject
            if review.verdict in EDITS:
                counts["edited" if record_id in before else "not_here"] += 1
            elif subject.check == READING and record_id in before:
                counts["read"] += 1
            elif record_id not in rows:
                counts["not_here"] += 1
            elif review.verdict in (Verdict.DROP, Verdict.WRONG) and (not subject.group or subject in found):
                counts["dropped"] += 1
            elif subject.check == READING:
                counts["read"] += 1
            elif not subject.check or subject in found:
                counts["kept"] += 1
            else:
                counts["offered_again" if (record_id, subject.check) in checks_of else "not_found"] += 1
    return dict(counts)


def rows_with(data: Dataset, record_ids: Iterable[str]) -> list[tuple[int, Record]]:
    """(position, record) of the rows with these ids; only they are decoded."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pa.array(list(record_ids), pa.string())
    positions = np.flatnonzero(pc.is_in(data.table.column("record_id"), value_set=wanted).to_numpy()).tolist()
    return list(zip(positions, Corpus(data.table).take(positions), strict=True))


def replace_rows(data: Dataset, changed: Mapping[int, Record]) -> Dataset:
    """The data with other records at some positions; what is between them is not decoded."""
    import pyarrow as pa

    if not changed:
        return data
    parts, start = [], 0
    for position in sorted(changed):
        parts += [data.table.slice(start, position - start), Dataset.from_records([changed[position]]).table]
        start = position + 1
    return replace(data, table=pa.concat_tables([*parts, data.table.slice(start)]).combine_chunks())

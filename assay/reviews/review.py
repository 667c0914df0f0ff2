"""A person's decision about a record, kept by the record's content and replayed on the next version of the data.

What a decision is about is named by content alone, so that it is found again when rows move, files are renamed
and checks get other settings:

    record    its id, which is a hash of its content
    check     whose finding was judged; "" when it was the record as a whole; READING when it was drawn to be read
    group     a hash of the ids of all records of the group that was judged (duplicates, a contradiction)
    evidence  a hash of what the check had found: see `evidence_digest`
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

from assay.errors import SourceError, did_you_mean
from assay.findings import Finding
from assay.records import Json, Message, Record, message_from_json, message_to_json


class Verdict(StrEnum):
    """What a person said.

    keep     it is no fault: the record is not dropped or held for this again
    drop     it must not be trained on
    repair   it is right with other content, which is given
    relabel  the same, where the answer is a label
    right    about a record that was read: it is right; says nothing about what a check may find later
    wrong    about a record that was read: it is wrong; dropped, and counted as an error of what no check found
    undo     the decision about the same thing before this one does not hold
    skip     it was looked at and not decided; a decision before this one does not hold
    """

    KEEP = "keep"
    DROP = "drop"
    REPAIR = "repair"
    RELABEL = "relabel"
    RIGHT = "right"
    WRONG = "wrong"
    UNDO = "undo"
    SKIP = "skip"


UNDECIDED = frozenset({Verdict.UNDO, Verdict.SKIP})


EDITS = frozenset({Verdict.REPAIR, Verdict.RELABEL})

READING = "reading"
"""In place of a check: the record was drawn at random from those that no check flagged, and read."""

SECOND_READING = "second_reading"
"""In place of a check: another person read what was decided, without seeing how. It measures, and decides nothing."""


class Subject(NamedTuple):
    """What a decision is about; the latest decision about a subject holds."""

    record_id: str
    check: str = ""
    group: str = ""
    evidence: str = ""


@dataclass(frozen=True)
class Review:
    """One decision.

    messages  new content of the whole record, for repair and relabel
    answer    in its place, new text of the last assistant turn
    shown     what the person saw, for whoever asks later; with which press of a key it was said (see steps.py)
    """

    subject: Subject
    verdict: Verdict
    who: str = ""
    when: str = ""
    note: str = ""
    messages: tuple[Message, ...] = ()
    answer: str | None = None
    shown: Json = None

    def edited(self, record: Record) -> Record:
        """The record with the content that this review gives it."""
        if self.messages:
            return record.with_messages(self.messages)
        last = record.last_assistant_index
        if self.answer is None or last is None:
            return record
        turn = replace(record.messages[last], content=self.answer)
        return record.with_messages((*record.messages[:last], turn, *record.messages[last + 1 :]))

    def to_json(self) -> dict[str, Json]:
        """With only the keys that say something."""
        out: dict[str, Json] = {"record_id": self.subject.record_id, "decision": str(self.verdict)}
        named = {**self.subject._asdict(), "who": self.who, "when": self.when, "note": self.note}
        out |= {key: value for key, value in named.items() if value and key != "record_id"}
        if self.messages:
            out["messages"] = [message_to_json(message) for message in self.messages]
        if self.answer is not None:
            out["answer"] = self.answer
        if self.shown is not None:
            out["shown"] = self.shown
        return out


def review_from_json(data: Any, where: str) -> Review:
    """Raises SourceError, one line, for what is no decision."""
    if not isinstance(data, Mapping):
        raise SourceError("is no decision", where=where, fix='write {"record_id": ..., "decision": ...}')
    known = (
        "record_id",
        "decision",
        "check",
        "group",
        "evidence",
        "who",
        "when",
        "note",
        "messages",
        "answer",
        "shown",
    )
    for key in data:
        if key not in known:
            raise SourceError(f"a decision has no '{key}'", where=where, fix=did_you_mean(str(key), known))
    texts = ("record_id", "decision", "check", "group", "evidence", "who", "when", "note")
    for key in texts:
        if not isinstance(data.get(key, ""), str):
            raise SourceError(f"'{key}' should be text", where=where)
    if not data.get("record_id"):
        raise SourceError("names no record", where=where, fix="record_id is in findings.parquet and ledger.parquet")
    verdict = verdict_from_text(data.get("decision", ""), where)
    subject = Subject(*(data.get(key, "") for key in Subject._fields))
    review = Review(
        _read(subject) if verdict in (Verdict.RIGHT, Verdict.WRONG) else subject,
        verdict,
        data.get("who", ""),
        data.get("when", ""),
        data.get("note", ""),
        _messages(data.get("messages"), where),
        _text_or_none(data.get("answer"), where),
        data.get("shown"),
    )
    if review.verdict in EDITS and not review.messages and review.answer is None:
        raise SourceError(f"{review.verdict} without new content", where=where, fix="give `answer` or `messages`")
    return review


def _read(subject: Subject) -> Subject:
    return Subject(subject.record_id, SECOND_READING if subject.check == SECOND_READING else READING)


def verdict_from_text(text: str, where: str) -> Verdict:
    """Raises SourceError with the nearest known word."""
    word = text.strip().casefold()
    if word not in list(Verdict):
        raise SourceError(f"{text!r:.40} is no decision", where=where, fix=did_you_mean(word, list(Verdict)))
    return Verdict(word)


def _messages(value: Any, where: str) -> tuple[Message, ...]:
    if value is None:
        return ()
    try:
        messages = tuple(message_from_json(item) for item in value)
    except (KeyError, TypeError, AttributeError) as error:
        raise SourceError("'messages' is no conversation", where=where, fix="each needs role and content") from error
    if not all(isinstance(m.role, str) and isinstance(m.content, str | None) for m in messages):
        raise SourceError("'messages' is no conversation", where=where, fix="role and content are text")
    return messages


def _text_or_none(value: Any, where: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise SourceError("'answer' should be text", where=where)
    return value


def latest(reviews: Iterable[Review]) -> dict[Subject, Review]:
    """The decision that holds for each subject: the last one, unless it was undone or skipped. No second readings."""
    held: dict[Subject, Review] = {}
    for review in reviews:
        if review.subject.check == SECOND_READING:
            continue
        held.pop(review.subject, None)
        if review.verdict not in UNDECIDED:
            held[review.subject] = review
    return held


def skipped(reviews: Iterable[Review]) -> frozenset[str]:
    """Ids of records that were looked at last without a decision."""
    last = {review.subject: review.verdict for review in reviews}
    return frozenset(subject.record_id for subject, verdict in last.items() if verdict is Verdict.SKIP)


def readings(reviews: Iterable[Review]) -> dict[str, bool]:
    """{record id: whether a reader found it right}."""
    held = latest(reviews)
    return {s.record_id: review.verdict is Verdict.RIGHT for s, review in held.items() if s.check == READING}


def group_digest(record_ids: Iterable[str]) -> str:
    """Equal for groups of the same records, in whatever order and however often each occurs."""
    return _digest("\n".join(sorted(set(record_ids))))


def evidence_digest(finding: Finding, record_of: Mapping[str, str]) -> str:
    """Equal when a check finds the same in the same content again.

    Words count: the kind, the quoted text, the suggested label. Numbers do not, since they may depend on the rest
    of the data (a median, a number of copies); row ids, which change with the file, stand for their record ids.

    record_of  {row id: record id} of rows that evidence may name
    """
    return digest_of_evidence(finding.span.text if finding.span is not None else "", finding.evidence, record_of)


def digest_of_evidence(quoted: str, evidence: Json, record_of: Mapping[str, str]) -> str:
    """The same, of a finding whose span quotes this text."""
    return _digest(json.dumps([quoted, _words(evidence, record_of)], sort_keys=True, ensure_ascii=True))


def _words(value: Json, record_of: Mapping[str, str]) -> Json:
    if isinstance(value, str):
        return record_of.get(value, value)
    if isinstance(value, Mapping):
        return {str(key): _words(item, record_of) for key, item in value.items() if key not in _ASIDE}
    if isinstance(value, list | tuple):
        return [_words(item, record_of) for item in value]
    return None


_ASIDE = frozenset({"other", "others", "row_id", "row_ids", "reviewed", "reviewed_before"})
"""Keys of evidence that name rows (who else is in it is in the hash of the group), and what people said of it."""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]

"""One press of a key, written whole or not at all, known again when it is sent twice, and taken back by whoever did it.

A step is named `SESSION.NUMBER`, where the session is that of one browser or one terminal; each line of the journal
that it wrote keeps the name in `shown`. So the journal alone says what a session did last, after a reload or a crash
of the server, too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from assay.records import Json, Message

from .journal import append_knowing
from .review import READING, SECOND_READING, UNDECIDED, Review, Subject, Verdict
from .standing import Standing, journal_at
from .who import now

STEP, UNDOES = "step", "undoes"
"""Keys of `Review.shown`: the step that wrote the line, and the one that it takes back."""


class Action(StrEnum):
    """What a person does with an item."""

    KEEP = "keep"
    DROP = "drop"
    EDIT = "edit"
    RELABEL = "relabel"
    SKIP = "skip"


class About(NamedTuple):
    """What a decision is about. noted: kept beside it."""

    record_id: str
    subjects: tuple[Subject, ...]
    noted: Mapping[str, Json] | None = None


@dataclass(frozen=True)
class Decision:
    """messages: new content, for EDIT. answer: the answer with another label, for RELABEL."""

    about: About
    action: Action
    note: str = ""
    messages: tuple[Message, ...] = ()
    answer: str | None = None


@dataclass(frozen=True)
class Author:
    """who decides, and the session in which; clock: UTC as text."""

    who: str
    session: str
    clock: Callable[[], str] = field(default=now)


class Written(NamedTuple):
    """written: by this call. before: what held of the records until then. again: the step had been written earlier."""

    written: bool
    before: tuple[Review, ...] = ()
    again: bool = False


class Undone(NamedTuple):
    """records: whose decisions were taken back. by: what somebody else said of them since, in place of that."""

    step: str = ""
    records: tuple[str, ...] = ()
    by: tuple[Review, ...] = ()


def seen_digest(standing: Standing, about: Iterable[About]) -> str:
    """Of what holds of some records: equal as long as nobody says anything else. "" where nothing holds."""
    held = [review for one in about for review in _held(standing, one)]
    if not held:
        return ""
    text = json.dumps([review.to_json() for review in held], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def held_of(standing: Standing, about: About) -> tuple[Review, ...]:
    """What holds of what a decision is about, by anybody."""
    return tuple(_held(standing, about))


def write(
    path: Path,
    decisions: Sequence[Decision],
    author: Author,
    step: str,
    expected: str | None = None,
    shown: Sequence[About] | None = None,
) -> Written:
    """Writes the decisions as one step. Raises StorageError, SourceError.

    expected  `seen_digest` of what the person was shown: when something else holds by now, nothing is written. None
              writes in any case.
    shown     what that was, where it is more than what the decisions are about: both sides of a contradiction
    """
    outcome = Written(False)
    seen = [one.about for one in decisions] if shown is None else shown

    def say() -> list[Review]:
        nonlocal outcome
        reviews, standing = journal_at(path).now()
        if any(_shown(review, STEP) == step for review in reviews):
            outcome = Written(False, again=True)
            return []
        before = tuple(review for one in decisions for review in _held(standing, one.about))
        if expected is not None and expected != seen_digest(standing, seen):
            outcome = Written(False, before)
            return []
        outcome = Written(True, before)
        return [line for one in decisions for line in _lines(one, standing, author, step)]

    append_knowing(path, say)
    return outcome


def second_reading(path: Path, record_id: str, verdict: Verdict, author: Author, step: str, note: str = "") -> None:
    """What another person says of a record that was decided: RIGHT as it is, or WRONG. Raises StorageError."""
    line = Review(Subject(record_id, SECOND_READING), verdict, author.who, author.clock(), note, shown={STEP: step})

    def say() -> list[Review]:
        reviews, _ = journal_at(path).now()
        return [] if any(_shown(review, STEP) == step for review in reviews) else [line]

    append_knowing(path, say)


def _any_record(record_id: str) -> bool:
    return True


def undo(
    path: Path, author: Author, passed: Sequence[str] = (), concerns: Callable[[str], bool] = _any_record
) -> Undone:
    """Takes the last step of the session back; what held before holds again. Raises StorageError, SourceError.

    passed    steps to leave alone, since they cannot be taken back
    concerns  whether a record of this id is one of those in front of the person: steps about others are left alone
    Where somebody decided otherwise since, theirs stays, nothing is written, and `by` says what.
    """
    outcome = Undone()

    def say() -> list[Review]:
        nonlocal outcome
        reviews, standing = journal_at(path).now()
        found = _last_step(reviews, author.session, passed, concerns)
        if found is None:
            return []
        outcome, back = _taking_back(reviews, *found, standing, author)
        return back

    append_knowing(path, say)
    return outcome


def take_back(path: Path, author: Author, step: str) -> Undone:
    """Takes any step of this person back, as `undo` does the last of a session. Raises StorageError, SourceError.

    Nothing is written where there is no such step by this name, or where it was taken back already.
    """
    outcome = Undone()

    def say() -> list[Review]:
        nonlocal outcome
        reviews, standing = journal_at(path).now()
        start = next((place for place, review in enumerate(reviews) if step_of(review) == step), None)
        if not step or start is None or any(undoes(review) == step for review in reviews):
            return []
        lines = tuple(takewhile(lambda line: step_of(line) == step, reviews[start:]))
        if any(line.who != author.who for line in lines):
            return []
        outcome, back = _taking_back(reviews, start, lines, standing, author)
        return back

    append_knowing(path, say)
    return outcome


def step_of(review: Review) -> str:
    """The step that wrote the line, "" for a line that something else wrote."""
    return _shown(review, STEP)


def undoes(review: Review) -> str:
    """The step that the line takes back, "" for one that takes back none."""
    return _shown(review, UNDOES)


def last_step(path: Path, session: str, concerns: Callable[[str], bool] = _any_record) -> tuple[Review, ...]:
    """The lines of the step that `undo` would take back. Raises SourceError."""
    found = _last_step(journal_at(path).now()[0], session, (), concerns)
    return () if found is None else found[1]


def taken_back(path: Path, step: str) -> tuple[Review, ...]:
    """The lines of a step that was taken back; none of one that was not. Raises SourceError."""
    reviews, _ = journal_at(path).now()
    if not step or all(_shown(review, UNDOES) != step for review in reviews):
        return ()
    return tuple(review for review in reviews if _shown(review, STEP) == step)


def _last_step(
    reviews: Sequence[Review], session: str, passed: Sequence[str], concerns: Callable[[str], bool]
) -> tuple[int, tuple[Review, ...]] | None:
    """Where its lines begin in the journal, and the lines."""
    undone = {_shown(review, UNDOES) for review in reviews} | set(passed)
    for review in reversed(reviews):
        step = _shown(review, STEP)
        if step.startswith(f"{session}.") and step not in undone and review.verdict is not Verdict.SKIP:
            if not concerns(review.subject.record_id):
                continue
            start = next(place for place, other in enumerate(reviews) if _shown(other, STEP) == step)
            lines = takewhile(lambda line: _shown(line, STEP) == step, reviews[start:])  # noqa: B023
            return start, tuple(lines)
    return None


def _taking_back(
    reviews: Sequence[Review], start: int, lines: Sequence[Review], standing: Standing, author: Author
) -> tuple[Undone, list[Review]]:
    """What becomes of it, and what is to be written. start: where the lines of the step begin"""
    step = _shown(lines[0], STEP)
    others = _others(lines, standing)
    if others:
        return Undone(step, (), others), []
    back = [
        Review(line.subject, Verdict.UNDO, author.who, author.clock(), shown={UNDOES: step})
        for line in lines
        if line.verdict not in UNDECIDED
    ]
    records = tuple(dict.fromkeys(line.subject.record_id for line in lines))
    return Undone(step, records), [*back, *_before(reviews[:start], lines)]


def _before(reviews: Sequence[Review], lines: Sequence[Review]) -> list[Review]:
    """What held of the subjects of the lines when only `reviews` had been written."""
    records = {line.subject.record_id for line in lines}
    held = Standing.of(review for review in reviews if review.subject.record_id in records)
    subjects = dict.fromkeys(line.subject for line in lines if line.subject.check != SECOND_READING)
    return [own[subject] for subject in subjects if subject in (own := held.about(subject.record_id))]


def _others(lines: Iterable[Review], standing: Standing) -> tuple[Review, ...]:
    """What holds of the same subjects in place of what the lines say; of nothing that holds any more, the lines."""
    found = []
    for line in lines:
        if line.verdict in UNDECIDED or line.subject.check == SECOND_READING:
            continue
        now_held = standing.about(line.subject.record_id).get(line.subject)
        if now_held != line:
            found.append(now_held or line)
    return tuple(found)


def _held(standing: Standing, about: About) -> list[Review]:
    own = standing.about(about.record_id)
    return [own[subject] for subject in _subjects(about) if subject in own]


def _subjects(about: About) -> tuple[Subject, ...]:
    return tuple(dict.fromkeys((*about.subjects, Subject(about.record_id))))


def _lines(one: Decision, standing: Standing, author: Author, step: str) -> list[Review]:
    """What the journal gets: what held and is not said anew does not hold any more."""
    said = _said(one)
    held = {review.subject for review in _held(standing, one.about)}
    if one.action is Action.SKIP:
        if held:  # a look at what is decided leaves it so
            return []
    else:
        said = {**{subject: Verdict.UNDO for subject in _subjects(one.about) if subject in held - set(said)}, **said}
    return [_line(one, subject, verdict, author, step) for subject, verdict in said.items()]


def _said(one: Decision) -> dict[Subject, Verdict]:
    if one.action is Action.SKIP:
        return dict.fromkeys(one.about.subjects, Verdict.SKIP)
    if one.action in (Action.EDIT, Action.RELABEL):
        edit = Verdict.REPAIR if one.action is Action.EDIT else Verdict.RELABEL
        wrong = {subject: Verdict.WRONG for subject in one.about.subjects if subject.check == READING}
        return {Subject(one.about.record_id): edit, **wrong}
    kept = one.action is Action.KEEP
    return {subject: _judged(subject, kept) for subject in one.about.subjects}


def _judged(subject: Subject, kept: bool) -> Verdict:
    if subject.check == READING:
        return Verdict.RIGHT if kept else Verdict.WRONG
    return Verdict.KEEP if kept else Verdict.DROP


def _line(one: Decision, subject: Subject, verdict: Verdict, author: Author, step: str) -> Review:
    noted = {} if verdict in UNDECIDED else dict(one.about.noted or {})
    note = "" if verdict in UNDECIDED else one.note
    is_edit = verdict in (Verdict.REPAIR, Verdict.RELABEL)
    return Review(
        subject,
        verdict,
        author.who,
        author.clock(),
        note,
        one.messages if is_edit else (),
        one.answer if is_edit else None,
        {**noted, STEP: step},
    )


def _shown(review: Review, key: str) -> str:
    return str(review.shown.get(key) or "") if isinstance(review.shown, Mapping) else ""

"""What was decided, newest first: who, when, what, about which record, and whether it still holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from assay.reviews.review import READING, SECOND_READING, UNDECIDED, Review, Verdict
from assay.reviews.standing import Standing, journal_at
from assay.reviews.steps import step_of, undoes

from .view import holds_of, strongest, when_words

HOLDS, REPLACED, TAKEN_BACK, OPEN = "holds", "replaced", "taken back", "open"
STATES = (HOLDS, REPLACED, TAKEN_BACK, OPEN)
"""open: it was looked at without a decision, and nobody has decided since."""

WHOLE = "the whole record"
ABOUT = {"": WHOLE, READING: "drawn to be read", SECOND_READING: "second reading"}

LONGEST = 200
"""Characters of a value in an address that are looked at."""


class Made(NamedTuple):
    """One decision about one record: what one press of a key said of it.

    step    that wrote it, "" for a line that something else wrote; size: records of that step
    checks  whose findings it was about, in words
    since   what became of it, in words; "" where it holds
    text    in lower case, what is searched
    """

    record_id: str
    verdict: str
    who: str
    when: str
    note: str
    checks: tuple[str, ...]
    step: str
    size: int
    state: str
    since: str
    text: str

    @property
    def at(self) -> str:
        return self.when.replace("T", " ").removesuffix("Z")


def made_in(reviews: Sequence[Review], standing: Standing) -> list[Made]:
    """Newest first. A line that was written again, since what replaced it was taken back, is one with the first."""
    taken = {undoes(review): review for review in reviews if undoes(review)}
    lines: dict[tuple[str, str], list[Review]] = {}
    for place, review in enumerate(reviews):
        if review.verdict is not Verdict.UNDO:
            lines.setdefault((step_of(review) or f"\n{place}", review.subject.record_id), []).append(review)
    sizes = Counter(step for step, _ in lines)
    made = [_made(step, sizes[step], own, taken.get(step), standing) for (step, _), own in lines.items()]
    return made[::-1]


def _made(step: str, size: int, lines: Sequence[Review], back: Review | None, standing: Standing) -> Made:
    said = strongest(lines) or lines[0]
    subjects = dict.fromkeys(line.subject for line in lines if line.verdict not in UNDECIDED or said is lines[0])
    checks = tuple(dict.fromkeys(ABOUT.get(subject.check, subject.check) for subject in subjects))
    state, since = _state(lines, back, standing)
    text = "\n".join((said.subject.record_id, said.note, said.who)).lower()
    return Made(
        said.subject.record_id,
        str(said.verdict),
        said.who,
        said.when,
        said.note,
        checks,
        "" if step.startswith("\n") else step,
        size,
        state,
        since,
        text,
    )


def _state(lines: Sequence[Review], back: Review | None, standing: Standing) -> tuple[str, str]:
    record = lines[0].subject.record_id
    if any(_holds(line, standing) for line in lines):
        return HOLDS, ""
    if back is not None:
        return TAKEN_BACK, f"{back.who or 'somebody'} took it back {when_words(back.when)}"
    now = holds_of(standing.about(record).values())
    if now is None and all(line.verdict is Verdict.SKIP for line in lines) and standing.was_skipped(record):
        return OPEN, "not decided yet"
    return REPLACED, now.words if now is not None else "it was taken back"


def _holds(line: Review, standing: Standing) -> bool:
    if line.verdict in UNDECIDED:
        return False
    if line.subject.check == SECOND_READING:
        return standing.second.get((line.subject.record_id, line.who)) == line
    return standing.about(line.subject.record_id).get(line.subject) == line


@dataclass(frozen=True)
class Asked:
    """What the list shows, as it stands in its address; "" for what is not asked. q: in ids, notes and names"""

    q: str = ""
    who: str = ""
    decision: str = ""
    about: str = ""
    state: str = ""

    def address(self, **changed: str) -> str:
        made = replace(self, **changed)
        pairs = [(field.name, getattr(made, field.name)) for field in fields(made)]
        return urlencode([(name, value) for name, value in pairs if value])

    def shows(self, one: Made) -> bool:
        return (
            (not self.who or one.who == self.who)
            and (not self.decision or one.verdict == self.decision)
            and (not self.state or one.state == self.state)
            and (not self.about or self.about in one.checks)
            and (not self.q or self.q.lower() in one.text)
        )


def asked_in(given: Mapping[str, str]) -> Asked:
    """Unknown names are passed over."""
    return Asked(**{field.name: given.get(field.name, "")[:LONGEST] for field in fields(Asked)})


class All(NamedTuple):
    """Every decision of a journal, and {filter: {value: how many}}, most frequent first."""

    made: Sequence[Made]
    counts: Mapping[str, Mapping[str, int]]


@lru_cache(maxsize=4)
def _at(path: Path, version: int) -> All:
    reviews, standing = journal_at(path).now()
    made = made_in(reviews, standing)
    return All(
        made,
        {
            "who": _counted(one.who for one in made),
            "decision": _counted(one.verdict for one in made),
            "about": _counted(check for one in made for check in one.checks),
            "state": _counted(one.state for one in made),
        },
    )


def decisions_at(path: Path) -> All:
    """As the journal is now: read once a version of it. Raises SourceError."""
    journal = journal_at(path)
    journal.now()
    return _at(path, journal.version)


def _counted(values: Iterable[str]) -> dict[str, int]:
    return {value: number for value, number in Counter(values).most_common() if value}

"""An item as the page draws it: sides with turns in pieces, what is known of it, and where to go from here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from assay.reviews.item import Shown, Turn
from assay.reviews.pieces import Piece, pieces
from assay.reviews.queue import KINDS, Key, Progress, of_kind, progress
from assay.reviews.review import Review, Verdict

from .desk import Desk

PLAIN_TURNS, FEW_TURNS = 6, 2
"""Last turns of a conversation that are open when nothing stands beside it and nothing earlier is marked; and else."""

LOW_TURN = 120
"""Characters of a system turn that is open, of a record that stands alone."""

SAID = {
    Verdict.KEEP: "kept {}",
    Verdict.DROP: "dropped {}",
    Verdict.REPAIR: "edited {}",
    Verdict.RELABEL: "relabelled {}",
    Verdict.RIGHT: "found {} right",
    Verdict.WRONG: "found {} wrong",
}
STRONGEST = (Verdict.REPAIR, Verdict.RELABEL, Verdict.DROP, Verdict.WRONG, Verdict.KEEP, Verdict.RIGHT)


class TurnView(NamedTuple):
    """closed: behind its first words, since it is not what the decision turns on."""

    role: str
    pieces: list[Piece]
    closed: bool
    beginning: str


class Block(NamedTuple):
    """Turns that are open, or a run of closed ones behind one line."""

    turns: list[TurnView]
    closed: bool


class Side(NamedTuple):
    """A record or passage. name: of its key, where it can be decided on its own."""

    heading: str
    blocks: list[Block]
    name: str = ""
    is_own: bool = False


class Tab(NamedTuple):
    name: str
    href: str
    waiting: int
    is_open: bool


@dataclass(frozen=True)
class Holds:
    """What somebody said of it: in words, such as "ana kept this at 12:03"."""

    who: str
    verdict: Verdict
    when: str
    note: str

    @property
    def words(self) -> str:
        note = f" ({self.note})" if self.note else ""
        return f"{self.who or 'somebody'} {SAID[self.verdict].format('this')} {_at(self.when)}{note}"


def sides_of(shown: Shown, *, whole: bool) -> list[Side]:
    """The record first, then what it is held against."""
    alone = not shown.beside
    own = Side("This record", _turns(shown.turns, whole, PLAIN_TURNS if alone else FEW_TURNS), is_own=True)
    return [own, *(Side(part.heading, _turns(part.turns, whole, FEW_TURNS), part.name) for part in shown.beside)]


def _turns(turns: Sequence[Turn], whole: bool, most: int) -> list[Block]:
    if len(turns) > most and any(turn.marks for turn in turns[:-2]):
        most = FEW_TURNS
    drawn = [
        TurnView(
            turn.role,
            pieces(turn, whole=whole),
            not whole and _closes(turns, place, most),
            " ".join(turn.text.split())[:90],
        )
        for place, turn in enumerate(turns)
    ]
    return [Block(list(run), closed) for closed, run in groupby(drawn, key=lambda turn: turn.closed)]


def _closes(turns: Sequence[Turn], place: int, most: int) -> bool:
    """Neither the last, nor marked, nor what a marked answer answers."""
    turn, count = turns[place], len(turns)
    if turn.marks or place == count - 1:
        return False
    if turn.role in ("system", "developer"):
        return len(turn.text) > LOW_TURN or most < PLAIN_TURNS
    return place < count - most and not turns[place + 1].marks


def tabs_of(desk: Desk) -> list[Tab]:
    """All that waits, then each kind that there is; a check that was asked for by name last. Counts: what waits."""
    asked = desk.asked
    names = [("", "All"), *((kind, words) for kind, words in KINDS.items() if _has(desk, kind))]
    if asked.kind and asked.kind not in KINDS:
        names.append((asked.kind, asked.kind.replace("_", " ")))
    shown = None if asked.second else asked.kind
    return [
        Tab(words, desk.with_kind(kind).address(), _progress(desk, kind).waiting, kind == shown)
        for kind, words in names
    ]


def _has(desk: Desk, kind: str) -> bool:
    return any(key.kind == kind for key in desk.queue.keys)


def _progress(desk: Desk, kind: str) -> Progress:
    return progress(of_kind(desk.queue.keys, kind), desk.states)


def holds_of(reviews: Iterable[Review]) -> Holds | None:
    """The strongest of what holds."""
    said = [review for review in reviews if review.verdict in STRONGEST]
    held = sorted(said, key=lambda review: STRONGEST.index(review.verdict))
    if not held:
        return None
    first = held[0]
    return Holds(first.who, first.verdict, first.when, first.note)


def last_words(lines: Sequence[Review]) -> str:
    """What the last press of this browser did: "You dropped one record (wrong fact)". "" for none."""
    said: dict[str, Review] = {}
    for line in lines:
        old = said.get(line.subject.record_id)
        if line.verdict in STRONGEST and (old is None or STRONGEST.index(line.verdict) < STRONGEST.index(old.verdict)):
            said[line.subject.record_id] = line
    parts = []
    for verdict in STRONGEST:
        own = [line for line in said.values() if line.verdict is verdict]
        if own:
            named = f"record {own[0].subject.record_id}" if len(own) == 1 else f"{len(own)} records"
            note = f" ({own[0].note})" if own[0].note else ""
            parts.append(f"{SAID[verdict].format(named)}{note}")
    return "You " + " and ".join(parts) if parts else ""


def neighbours(keys: Sequence[Key], name: str) -> tuple[Key | None, Key | None, int]:
    """Earlier and later one, and the place, from 1; 0 where it is not among them."""
    place = next((at for at, key in enumerate(keys) if key.name == name), -1)
    if place < 0:
        return None, keys[0] if keys else None, 0
    return (
        keys[place - 1] if place > 0 else None,
        keys[place + 1] if place + 1 < len(keys) else None,
        place + 1,
    )


def _at(when: str) -> str:
    """UTC, to the minute; with the day where it is another."""
    from assay.reviews.who import now

    day, _, time = when.partition("T")
    if len(time) < 5:
        return "earlier"
    return f"at {time[:5]} UTC" if day == now()[:10] else f"on {day} at {time[:5]} UTC"

"""An item as the page draws it: sides with turns in pieces, what is known of it, and where to go from here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from assay.reviews.item import Item, Shown, Turn, shown_item
from assay.reviews.pieces import Piece, pieces
from assay.reviews.queue import KINDS, Key, of_kind
from assay.reviews.review import Review, Verdict
from assay.reviews.waiting import waiting_of
from assay.text import shortened

from .desk import Desk

PLAIN_TURNS, FEW_TURNS = 6, 2
"""Last turns of a conversation that are open when nothing stands beside it and nothing earlier is marked; and else."""

NAMED = 3
"""Records of one press that are named in the line that says what it did."""

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


class Tab(NamedTuple):
    """waiting: cases. words: with the records in them."""

    name: str
    href: str
    waiting: int
    words: str
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
        return f"{self.who or 'somebody'} {SAID[self.verdict].format('this')} {when_words(self.when)}{note}"


class Buttons(NamedTuple):
    """What decides on one side of a screen by itself.

    label    that is suggested, "" for none
    at_once  whether it is stored as it is; else the edit opens with it
    """

    step: str
    words: tuple[str, str]
    label: str
    can_edit: bool
    at_once: bool = True


class Side(NamedTuple):
    """A record or passage.

    name     of its key, where it can be decided on its own
    is_own   the keys of the page are about it
    fate     what curate made of it, "" where nothing is said of that
    holds    what somebody has decided
    settled  nobody is asked about it, since nothing is left that speaks against it
    arrow    the key that chooses it
    """

    heading: str
    blocks: list[Block]
    name: str = ""
    is_own: bool = False
    source: str = ""
    fate: str = ""
    holds: Holds | None = None
    settled: bool = False
    buttons: Buttons | None = None
    arrow: str = ""


def shown_of(item: Item) -> Shown:
    """With masks over personal data and secrets, as everywhere."""
    from assay.stages import conceal_record, conceal_text

    return shown_item(item, conceal_record, conceal_text)


def blocks_of(turns: Sequence[Turn], whole: bool, most: int) -> list[Block]:
    """most: last turns that are open when nothing earlier is marked."""
    if len(turns) > most and any(turn.marks for turn in turns[:-2]):
        most = FEW_TURNS
    drawn = [
        TurnView(
            turn.role,
            pieces(turn, whole=whole),
            not whole and _closes(turns, place, most),
            shortened(" ".join(turn.text.split()), 90),
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
    """All that waits, then each kind that there is; a check that was asked for by name last."""
    asked = desk.asked
    names = [("", "All"), *((kind, words) for kind, words in KINDS.items() if _has(desk, kind))]
    if asked.kind and asked.kind not in KINDS:
        names.append((asked.kind, asked.kind.replace("_", " ")))
    shown = None if asked.second else asked.kind
    tabs = []
    for kind, words in names:
        waits = waiting_of(of_kind(desk.queue.keys, kind), desk.states)
        tabs.append(Tab(words, desk.with_kind(kind).address(), waits.cases, waits.words, kind == shown))
    return tabs


def tab_name(kind: str) -> str:
    return KINDS.get(kind, kind.replace("_", " ")) if kind else "All"


def _has(desk: Desk, kind: str) -> bool:
    return any(key.kind == kind for key in desk.queue.keys)


def strongest(reviews: Iterable[Review]) -> Review | None:
    """Of what holds."""
    said = [review for review in reviews if review.verdict in STRONGEST]
    return min(said, key=lambda review: STRONGEST.index(review.verdict), default=None)


def holds_of(reviews: Iterable[Review]) -> Holds | None:
    """The strongest of what holds."""
    first = strongest(reviews)
    return None if first is None else Holds(first.who, first.verdict, first.when, first.note)


def last_words(lines: Sequence[Review]) -> str:
    """What the last press of this browser did: "You dropped record 3f (wrong fact)". "" for none."""
    done = _done(lines)
    return f"You {done}" if done else ""


def undone_words(lines: Sequence[Review]) -> str:
    """What was taken back: "Taken back: you had dropped record 3f (wrong fact)". "" for none."""
    done = _done(lines)
    return f"Taken back: you had {done}" if done else ""


def _done(lines: Sequence[Review]) -> str:
    said: dict[str, Review] = {}
    for line in lines:
        old = said.get(line.subject.record_id)
        if line.verdict in STRONGEST and (old is None or STRONGEST.index(line.verdict) < STRONGEST.index(old.verdict)):
            said[line.subject.record_id] = line
    parts = []
    for verdict in STRONGEST:
        own = [line for line in said.values() if line.verdict is verdict]
        if own:
            named = _named([line.subject.record_id for line in own])
            note = f" ({own[0].note})" if own[0].note else ""
            parts.append(f"{SAID[verdict].format(named)}{note}")
    return " and ".join(parts)


def _named(ids: Sequence[str]) -> str:
    """Each by its id, as long as one line holds them."""
    if len(ids) > NAMED:
        return f"{len(ids)} records"
    return "record " + ids[0] if len(ids) == 1 else f"records {', '.join(ids[:-1])} and {ids[-1]}"


def neighbours(keys: Sequence[Key], case: str) -> tuple[Key | None, Key | None, int]:
    """The first key of the case before and of the one behind, and its place, from 1; 0 where it is not among them."""
    firsts: dict[str, Key] = {}
    for key in keys:
        firsts.setdefault(key.case, key)
    cases = list(firsts)
    if case not in firsts:
        return None, keys[0] if keys else None, 0
    place = cases.index(case)
    earlier = firsts[cases[place - 1]] if place > 0 else None
    later = firsts[cases[place + 1]] if place + 1 < len(cases) else None
    return earlier, later, place + 1


def when_words(when: str) -> str:
    """UTC, to the minute; with the day where it is another."""
    from assay.reviews.who import now

    day, _, time = when.partition("T")
    if len(time) < 5:
        return "earlier"
    return f"at {time[:5]} UTC" if day == now()[:10] else f"on {day} at {time[:5]} UTC"

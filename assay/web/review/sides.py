"""What is on one screen: a record alone beside what it is held against, or all sides of a contradiction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from assay.reviews.item import Item, Shown
from assay.reviews.queue import ANY, GENERATED, READ, Key, is_decided
from assay.reviews.queue import Side as Found
from assay.reviews.steps import About, held_of, seen_digest

from .desk import Desk
from .view import FEW_TURNS, PLAIN_TURNS, Buttons, Holds, Side, blocks_of, holds_of, shown_of


@dataclass(frozen=True)
class Screen:
    """What is shown at once. anchor: the key that the address names; chosen: the one that the keys decide on."""

    desk: Desk
    anchor: Key
    found: Sequence[Found]
    chosen: Key

    @property
    def item(self) -> Item:
        return next(side.item for side in self.found if side.key.name == self.chosen.name)

    @cached_property
    def shown(self) -> Shown:
        return shown_of(self.item)

    @property
    def is_pair(self) -> bool:
        """Whether there is more than one record to decide on."""
        return len(self.found) > 1

    @property
    def keys(self) -> list[Key]:
        return [side.key for side in self.found]

    @property
    def place(self) -> int:
        """Of the chosen one among the sides, from 0."""
        return next(at for at, side in enumerate(self.found) if side.key.name == self.chosen.name)

    @property
    def about(self) -> list[About]:
        """All that the person sees decided or not."""
        return [self.desk.about(key) for key in self.keys]

    @property
    def seen(self) -> str:
        return seen_digest(self.desk.standing, self.about)

    def holds(self, key: Key) -> Holds | None:
        return holds_of(held_of(self.desk.standing, self.desk.about(key)))

    @property
    def settled(self) -> list[Key]:
        """Those that nobody has decided on, and of which nobody is asked: nothing is left that speaks against them."""
        return [key for key in self._undecided if is_decided(self.desk.queue, key, self.desk.standing)]

    @property
    def open(self) -> list[Key]:
        """Those that wait."""
        return [key for key in self._undecided if not is_decided(self.desk.queue, key, self.desk.standing)]

    @property
    def _undecided(self) -> list[Key]:
        return [key for key in self.keys if key.kind != ANY and not key.settled and self.holds(key) is None]

    def sides(self, step: str, *, whole: bool) -> list[Side]:
        if not self.is_pair:
            return _alone(self.desk, self.shown, whole=whole)
        settled = {key.name for key in self.settled}
        blind = self.desk.asked.second
        out = []
        for at, side in enumerate(self.found):
            key, shown = side.key, shown_of(side.item)
            can_edit = bool(side.item.record.messages) and not shown.masked
            label = side.item.suggestion.label if side.item.suggestion is not None and can_edit else ""
            at_once = side.item.suggestion is None or side.item.suggestion.stands_alone
            out.append(
                Side(
                    f"Side {at + 1}",
                    blocks_of(shown.turns, whole, FEW_TURNS),
                    key.name,
                    key.name == self.chosen.name,
                    str(shown.record.source),
                    "" if blind else self.desk.queue.fate(key),
                    None if blind else self.holds(key),
                    key.name in settled and not blind,
                    None if blind else Buttons(f"{step}{at}", words_of(key), label, can_edit, at_once),
                    {self.place - 1: "ArrowLeft", self.place + 1: "ArrowRight"}.get(at, ""),
                )
            )
        return out


def screen_of(desk: Desk, anchor: Key, chosen: str = "") -> Screen:
    """chosen: name of the side that the address asks for; else the anchor, or, where it is settled, one that waits.

    Raises NoSuchRunError for a name that is not in the run, SourceError.
    """
    if desk.asked.second:
        return Screen(desk, anchor, desk.queue.sides(anchor), anchor)
    found = desk.queue.sides(anchor)
    key = next((side.key for side in found if side.key.name == chosen), None)
    if key is None and chosen:
        key = desk.key(chosen)
        return Screen(desk, key, desk.queue.sides(key), key)
    return Screen(desk, anchor, found, key or anchor)


def _alone(desk: Desk, shown: Shown, *, whole: bool) -> list[Side]:
    """The record first, then what it is held against."""
    most = FEW_TURNS if shown.beside else PLAIN_TURNS
    own = Side("This record", blocks_of(shown.turns, whole, most), is_own=True, source=str(shown.record.source))
    out = [own]
    for part in shown.beside:
        holds = None
        if part.name and not desk.asked.second:
            holds = holds_of(held_of(desk.standing, desk.about(desk.key(part.name))))
        out.append(Side(part.heading, blocks_of(part.turns, whole, FEW_TURNS), part.name, holds=holds))
    return out


def words_of(key: Key) -> tuple[str, str]:
    """How to say yes and no."""
    return ("Right", "Wrong") if key.kind in (READ, GENERATED) else ("Keep", "Drop")

"""How much waits, in the same words on every page and in the terminal: "57 pairs, 114 records"."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .queue import Key, States


class Waiting(NamedTuple):
    """What nobody has decided.

    cases    a pair, a group, or a record that stands alone: what is on one screen
    records  in them that wait
    smallest, largest  records of a case, those that do not wait included; 0 for none
    """

    cases: int = 0
    records: int = 0
    smallest: int = 0
    largest: int = 0

    @property
    def noun(self) -> str:
        """What one case is called."""
        if self.largest <= 1:
            return "record"
        return "pair" if self.smallest == self.largest == 2 else "group" if self.smallest > 1 else "case"

    @property
    def words(self) -> str:
        """
        >>> Waiting(57, 114, 2, 2).words, Waiting(1, 3, 3, 3).words, Waiting(9, 9, 1, 1).words
        ('57 pairs, 114 records', '1 group, 3 records', '9 records')
        """
        records = _counted(self.records, "record")
        return records if self.largest <= 1 else f"{_counted(self.cases, self.noun)}, {records}"


def waiting_of(keys: Iterable[Key], states: States) -> Waiting:
    """Of these keys; what a rule of curate settled waits for nobody."""
    left = [key for key in keys if not key.settled and key.name not in states.decided]
    return _waiting(left)


def cases_of(keys: Iterable[Key]) -> Waiting:
    """The same over all of them, decided or not."""
    return _waiting(list(keys))


def _waiting(keys: list[Key]) -> Waiting:
    sizes = {key.case: key.size for key in keys}
    return Waiting(len(sizes), len(keys), min(sizes.values(), default=0), max(sizes.values(), default=0))


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")

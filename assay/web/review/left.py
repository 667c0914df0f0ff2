"""What is left to decide in a run, for pages that lead to its queue."""

from __future__ import annotations

from typing import NamedTuple

from assay.reviews.queue import CONTRADICTION, GENERATED, KINDS, of_kind
from assay.reviews.standing import journal_at
from assay.reviews.waiting import Waiting, waiting_of

from ..site import Site
from .desk import opened_run, states_at


class Left(NamedTuple):
    """all: of every kind. kinds: {kind: of that kind}, those that the run has alone. decided: records of the run."""

    all: Waiting
    kinds: dict[str, Waiting]
    decided: int

    @property
    def contradictions(self) -> Waiting:
        return self.kinds.get(CONTRADICTION, Waiting())

    @property
    def generated(self) -> Waiting:
        return self.kinds.get(GENERATED, Waiting())

    @property
    def others(self) -> Waiting:
        """Of a curate run, what is no contradiction."""
        rest = [found for kind, found in self.kinds.items() if kind not in (CONTRADICTION, GENERATED)]
        sizes = [found for found in rest if found.records]
        return Waiting(
            sum(found.cases for found in sizes),
            sum(found.records for found in sizes),
            min((found.smallest for found in sizes), default=0),
            max((found.largest for found in sizes), default=0),
        )


def left_in(site: Site, name: str) -> Left:
    """Raises SourceError for a run whose queue cannot be opened, NoSuchRunError."""
    opened = opened_run(site.folder(name), site.seeds)
    journal = journal_at(site.journal)
    journal.now()
    states = states_at(opened, site.journal, journal.version)
    keys = opened.queue.keys
    own = {kind: [key for key in keys if key.kind == kind] for kind in KINDS}
    return Left(
        waiting_of(of_kind(keys, ""), states),
        {kind: waiting_of(found, states) for kind, found in own.items() if found},
        sum(key.name in states.decided for key in keys),
    )

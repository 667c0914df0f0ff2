"""The items that moved most, with both answers side by side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..statistics.e_process import order
from .pairs import PairedSuite


@dataclass(frozen=True)
class Mover:
    """One item on which base and candidate differ."""

    suite: str
    item_id: str
    slice: str | None
    reference: str | None
    base_output: str | None
    candidate_output: str | None
    base: float
    candidate: float

    @property
    def change(self) -> float:
        return self.candidate - self.base


def movers(suites: Iterable[PairedSuite], most: int = 3) -> tuple[list[Mover], list[Mover]]:
    """The largest gains and the largest losses; equal ones in an order that depends on their names alone."""
    found = [mover for suite in suites for mover in _of_suite(suite)]
    shuffled = [found[i] for i in order([f"{mover.suite}\0{mover.item_id}" for mover in found], "movers")]
    gains = sorted((mover for mover in shuffled if mover.change > 0), key=lambda mover: -mover.change)
    losses = sorted((mover for mover in shuffled if mover.change < 0), key=lambda mover: mover.change)
    return gains[:most], losses[:most]


def _of_suite(suite: PairedSuite) -> list[Mover]:
    return [
        Mover(
            suite.result.suite,
            suite.item_ids[i],
            suite.slices[i],
            suite.references[i],
            suite.base.outputs[i],
            suite.candidate.outputs[i],
            float(suite.base.scores[i]),
            float(suite.candidate.scores[i]),
        )
        for i in np.flatnonzero(suite.differences)
    ]

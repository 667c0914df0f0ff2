"""How far two people agree: the share of records on which they say the same, and Cohen's kappa.

What is compared is what the first said and what another said of the same record without seeing it (a second reading).
Later changes do not count: whoever has seen the other's verdict does not read independently any more.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from assay.records import Json

from .review import SECOND_READING, UNDECIDED, Review, Verdict
from .standing import Standing

GOOD = frozenset({Verdict.KEEP, Verdict.RIGHT})
LEVEL = 1.96
"""Standard errors on both sides of kappa that make a 95 % interval."""


class Kappa(NamedTuple):
    """value and its standard error; both None where it is not defined."""

    value: float | None
    error: float | None

    @property
    def interval(self) -> tuple[float, float] | None:
        if self.value is None or self.error is None:
            return None
        return max(-1.0, self.value - LEVEL * self.error), min(1.0, self.value + LEVEL * self.error)


class Both(NamedTuple):
    """A record that two people read. first_good, second_good: whether they found it good as it is."""

    record_id: str
    first: str
    second: str
    first_good: bool
    second_good: bool
    note: str = ""


class Agreement(NamedTuple):
    """Of two people, over the records that both read.

    first, second  names; table  [[both good, only the first], [only the second, neither]]
    """

    first: str
    second: str
    table: tuple[tuple[int, int], tuple[int, int]]

    @property
    def records(self) -> int:
        return sum(map(sum, self.table))

    @property
    def share(self) -> float:
        return (self.table[0][0] + self.table[1][1]) / self.records if self.records else 0.0

    @property
    def kappa(self) -> Kappa:
        return cohens_kappa(self.table)

    def sentence(self) -> str:
        names = f"{self.first or 'somebody'} and {self.second or 'somebody'}"
        head = f"{names} agree on {self.share:.0%} of {self.records:,} records that both read"
        kappa = self.kappa
        if kappa.value is None:
            return f"{head}; kappa is not defined, since both said the same of all of them"
        low, high = kappa.interval or (0.0, 0.0)
        around = f"standard error {kappa.error:.2f}, 95 % {low:.2f} to {high:.2f}"
        return f"{head}; Cohen's kappa {kappa.value:.2f} ({around})"

    def to_json(self) -> dict[str, Json]:
        kappa = self.kappa
        return {
            "first": self.first,
            "second": self.second,
            "records": self.records,
            "share": round(self.share, 4),
            "kappa": None if kappa.value is None else round(kappa.value, 4),
            "standard_error": None if kappa.error is None else round(kappa.error, 4),
            "sentence": self.sentence(),
        }


def cohens_kappa(table: Sequence[Sequence[int]]) -> Kappa:
    """Of a square table of counts: rows what the first said, columns what the second said.

    kappa = (p_o - p_e) / (1 - p_e), Cohen 1960. Its large-sample standard error is that of Fleiss, Cohen and Everitt
    1969 (equation 13), which is not the one under independence. Not defined for an empty table, nor where both put
    everything into the same class, since no agreement by chance can be told from any other then.
    """
    total = sum(map(sum, table))
    if total == 0:
        return Kappa(None, None)
    size = range(len(table))
    share = [[count / total for count in row] for row in table]
    rows = [sum(share[i]) for i in size]
    columns = [sum(share[i][j] for i in size) for j in size]
    observed = sum(share[i][i] for i in size)
    expected = sum(rows[i] * columns[i] for i in size)
    if expected >= 1.0 - 1e-12:
        return Kappa(None, None)
    kappa = (observed - expected) / (1.0 - expected)
    agreed = sum(share[i][i] * (1.0 - (rows[i] + columns[i]) * (1.0 - kappa)) ** 2 for i in size)
    apart = sum(share[i][j] * (columns[i] + rows[j]) ** 2 for i in size for j in size if i != j)
    spread = agreed + (1.0 - kappa) ** 2 * apart - (kappa - expected * (1.0 - kappa)) ** 2
    return Kappa(kappa, math.sqrt(max(0.0, spread) / total) / (1.0 - expected))


def read_by_two(reviews: Iterable[Review], records: Iterable[str] | None = None) -> list[Both]:
    """Records with a second reading, each with what held of it when that was given.

    records  only these; None for all
    """
    wanted = None if records is None else set(records)
    standing = Standing()
    found: dict[tuple[str, str], Both] = {}
    for review in reviews:
        record = review.subject.record_id
        if review.subject.check == SECOND_READING and (wanted is None or record in wanted):
            found.pop((record, review.who), None)
            first = tuple(standing.about(record).values())
            if review.verdict not in UNDECIDED and first:
                good = all(one.verdict in GOOD for one in first)
                found[record, review.who] = Both(
                    record, first[-1].who, review.who, good, review.verdict in GOOD, review.note
                )
        standing.add(review)
    return list(found.values())


def agreements(both: Iterable[Both]) -> list[Agreement]:
    """One for each pair of names, those with the most records first."""
    counts: dict[tuple[str, str], list[list[int]]] = defaultdict(lambda: [[0, 0], [0, 0]])
    for one in both:
        counts[one.first, one.second][not one.first_good][not one.second_good] += 1
    found = [
        Agreement(first, second, ((table[0][0], table[0][1]), (table[1][0], table[1][1])))
        for (first, second), table in counts.items()
    ]
    return sorted(found, key=lambda agreement: -agreement.records)

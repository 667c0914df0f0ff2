"""What people find in a random sample of records that no check flagged, and what that says of all of them.

The sample is drawn by the hash of each record and the seed, so that the next version of the data draws the same
records again as far as they are still there, and what was read stays read. Where answers are labels it is spread over
them in proportion (records of small ones are pooled), and the records of each stratum stand for that stratum. It is not
spread over topics: they are found anew in every version, and the sample would be another one with each.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from assay.dataset import Dataset
from assay.findings import Fate, Finding, Severity
from assay.records import Json, Record
from assay.reviews.interval import Interval, clopper_pearson
from assay.reviews.review import Review, readings

from ..corpus import Corpus
from ..reviews.replay import REVIEWED, replace_rows

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

DRAWN = 1_000
"""A simple random sample that is first drawn and put into strata, whatever the size of the data."""

SMALLEST_STRATUM = 2
"""Strata that would get fewer records than this are pooled."""


class Chosen(NamedTuple):
    """One record to read. stratum: its label, where answers are labels."""

    record: Record
    stratum: str


@dataclass(frozen=True)
class Reading:
    """The sample and what people said of it.

    frame    records that no check flagged and that would train, those aside that a reader found wrong
    records  the sample, in random order, with the stratum of each
    shares   {stratum: share of the frame}
    said     {record id: True where it was found right}
    """

    frame: int
    records: tuple[Chosen, ...]
    shares: Mapping[str, float]
    said: Mapping[str, bool]

    @property
    def read(self) -> int:
        return sum(chosen.record.id in self.said for chosen in self.records)

    @property
    def wrong(self) -> int:
        return sum(not self.said.get(chosen.record.id, True) for chosen in self.records)

    @property
    def unread(self) -> tuple[Chosen, ...]:
        return tuple(chosen for chosen in self.records if chosen.record.id not in self.said)

    def error_rate(self) -> tuple[float, Interval] | None:
        """Share of the frame that is wrong, with its 95 % interval; None where nobody has read anything.

        Strata are weighted by their share. The interval is Clopper and Pearson's at the effective size of the sample
        (Kish); that the strata are alike within is not taken credit for, so it is rather too wide than too narrow.
        """
        read, wrong = Counter[str](), Counter[str]()
        for record, stratum in self.records:
            if record.id in self.said:
                read[stratum] += 1
                wrong[stratum] += not self.said[record.id]
        if not read:
            return None
        weight = {stratum: self.shares[stratum] / count for stratum, count in read.items()}
        total = sum(self.shares[stratum] for stratum in read)
        rate = sum(weight[stratum] * wrong[stratum] for stratum in read) / total
        effective = total**2 / sum(count * weight[stratum] ** 2 for stratum, count in read.items())
        return rate, clopper_pearson(rate * effective, effective)

    def sentence(self) -> str:
        """What is known of the records that no check flagged, in one sentence."""
        found = self.error_rate()
        if not self.frame:
            return "no record is left that no check flagged"
        if found is None:
            unread = f"of {self.frame:,} records that no check flagged, 0 of {len(self.records)} drawn were read"
            return f"nobody has read this data: {unread}"
        rate, (low, high) = found
        whole = (
            f"all {self.read} drawn" if self.read == len(self.records) else f"{self.read} of {len(self.records)} drawn"
        )
        return (
            f"{rate:.1%} of the {self.frame:,} records that no check flagged are wrong (95 % interval {low:.1%} to "
            f"{high:.1%}; {whole} were read, {self.wrong} of them wrong)"
        )

    def to_json(self) -> dict[str, Json]:
        found = self.error_rate()
        return {
            "unflagged": self.frame,
            "drawn": len(self.records),
            "read": self.read,
            "wrong": self.wrong,
            "error_rate": None if found is None else round(found[0], 4),
            "ci": None if found is None else [round(end, 4) for end in found[1]],
            "sentence": self.sentence(),
        }


def draw(
    data: Dataset,
    fates: pa.ChunkedArray,
    findings: Sequence[Finding],
    reviews: Sequence[Review],
    count: int,
    seed: int,
    strata: Callable[[Sequence[Record]], Sequence[str]],
    before: Mapping[str, Record] | None = None,
) -> Reading:
    """Draws `count` records that no check flagged.

    data    as the checks saw it: with what people edited
    fates   of the rows, in the order of the data
    strata  the label of each of some records
    before  {row id: the record before a person edited it}
    """
    said = readings(reviews)
    data = _as_read(data, {row: record for row, record in (before or {}).items() if record.id in said})
    positions = _unflagged(data, fates, findings, said)
    keys = _keys(data, positions, seed)
    drawn = positions[keys.argsort(kind="stable")][:DRAWN]
    records = _at(data, drawn)
    names = _pooled(list(strata(records)), count)
    shares = {name: number / len(names) for name, number in Counter(names).items()} if names else {}
    quota = _quota(shares, min(count, len(records)))
    chosen = []
    for record, name in zip(records, names, strict=True):
        if quota[name] > 0:
            quota[name] -= 1
            chosen.append(Chosen(record, name))
    return Reading(len(positions), tuple(chosen), shares, said)


def _unflagged(
    data: Dataset, fates: pa.ChunkedArray, findings: Sequence[Finding], said: Mapping[str, bool]
) -> npt.NDArray[np.int64]:
    """Positions of records that would train and that no check has anything to say of above a fact.

    A record that a reader found wrong is dropped, and is still one of those that no check flagged.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    flagged = {f.row_id for f in findings if f.severity is not Severity.INFO and f.check != REVIEWED}
    clean = pc.invert(pc.is_in(data.table.column("row_id"), value_set=pa.array(list(flagged), pa.string())))
    trains = pc.is_in(fates.slice(0, len(data)), value_set=pa.array([str(Fate.KEPT), str(Fate.REPAIRED)]))
    read = pc.is_in(data.table.column("record_id"), value_set=pa.array(list(said), pa.string()))
    return np.flatnonzero(pc.and_(clean, pc.or_(trains, read)).to_numpy())


def _as_read(data: Dataset, before: Mapping[str, Record]) -> Dataset:
    """With records as they were read: one that a reader mended was wrong, and is not drawn anew."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if not before:
        return data
    wanted = pa.array(list(before), pa.string())
    positions = np.flatnonzero(pc.is_in(data.table.column("row_id"), value_set=wanted).to_numpy())
    rows = data.table.column("row_id").take(positions).to_pylist()
    return replace_rows(data, {position: before[row] for position, row in zip(positions.tolist(), rows, strict=True)})


def _keys(data: Dataset, positions: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.uint64]:
    """A random number for each record, by its content and the seed alone."""
    import numpy as np

    ids = data.table.column("record_id").take(positions).to_pylist()
    mixed = np.array([int(name, 16) & (2**64 - 1) for name in ids], np.uint64) ^ np.uint64(
        seed * 0x9E3779B97F4A7C15 % 2**64
    )
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):  # splitmix64
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))


def _at(data: Dataset, positions: npt.NDArray[np.int64]) -> list[Record]:
    return Corpus(data.table).take(positions.tolist())


def _pooled(names: list[str], count: int) -> list[str]:
    """Strata too small for a record or two of the sample, as one."""
    sizes = Counter(names)
    return [name if sizes[name] * count >= SMALLEST_STRATUM * len(names) else "other" for name in names]


def _quota(shares: Mapping[str, float], count: int) -> dict[str, int]:
    """Whole numbers in proportion that add up: the largest remainders are rounded up."""
    quota: dict[str, int] = defaultdict(int, {name: int(share * count) for name, share in shares.items()})
    rest = sorted(shares, key=lambda name: (quota[name] - shares[name] * count, name))
    for name in rest[: count - sum(quota.values())]:
        quota[name] += 1
    return quota

"""General records among those of the task, so that the model forgets less of what it could before.

Rehearsal, also called replay: a share of what trains is not about the task (Robins 1995, "Catastrophic forgetting,
rehearsal and pseudorehearsal"; for instruction-tuned models Scialom et al. 2022, arXiv:2205.12393).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from assay.dataset import Dataset
from assay.errors import SourceError
from assay.families import assign_families
from assay.findings import Fate, LedgerRow
from assay.records import Source
from assay.split import TRAIN, VALIDATION

if TYPE_CHECKING:
    import pyarrow as pa

    from .recipe import Recipe

DEFAULT_RATIO = 0.3
"""Near the one share that was measured: docs/decisions/0022."""

SHARED_VALIDATION, SHARED_DATA = "shared_with_validation", "shared_with_data"
REPEATED, NOT_DRAWN, UNREADABLE, OVER_LONG = "repeated", "not_drawn", "unreadable_row", "over_long"

_IN_WORDS = {
    SHARED_VALIDATION: "share a family with the validation set",
    SHARED_DATA: "share a family with the data",
    REPEATED: "repeat another one",
    UNREADABLE: "cannot be read",
    OVER_LONG: "are too long",
}


@dataclass(frozen=True)
class GeneralFile:
    """One source of general data, as the settings name it."""

    name: str
    data: Dataset


class Share(NamedTuple):
    """What of one source was read and drawn, in rows, too long ones included; digest as `Dataset` has it."""

    name: str
    digest: str
    read: int
    drawn: int


@dataclass(frozen=True)
class Mixture:
    """What was read, drawn and left of the general data, in rows.

    ratio      of general records among all that train, as it was asked for
    task       records of the data that train
    wanted     general records that the ratio asks for beside them
    drawn      those that train
    not_drawn  rows that could have been drawn too
    left_out   {reason: rows} that could not
    """

    ratio: float
    task: int
    wanted: int
    drawn: int
    not_drawn: int
    left_out: Mapping[str, int]
    files: tuple[Share, ...]

    @property
    def read(self) -> int:
        return sum(file.read for file in self.files)

    @property
    def reached(self) -> float:
        """The share of general records that was reached."""
        return self.drawn / max(self.task + self.drawn, 1)

    @property
    def line(self) -> str:
        """What was read, drawn and left, for people."""
        reasons = ", ".join(f"{count:,} {_in_words(reason)}" for reason, count in self.left_out.items())
        return (
            f"general data: {self.read:,} rows read, {self.drawn:,} drawn, {self.reached:.1%} of the "
            f"{self.task + self.drawn:,} that train; {self.not_drawn:,} not drawn, {sum(self.left_out.values()):,} "
            f"left out{f' ({reasons})' if reasons else ''}"
        )

    @property
    def ground(self) -> str:
        """Beside the ratio that the recipe states."""
        return f"{self.drawn:,} general records beside {self.task:,}, {self.ratio:g} asked for"

    @property
    def shortage(self) -> str | None:
        """A warning where there are fewer than the ratio asks for."""
        if self.drawn >= self.wanted or self.not_drawn:
            return None
        return (
            f"general_ratio {self.ratio:g} asks for {self.wanted:,} general records beside {self.task:,} of the data, "
            f"and {self.wanted - self.drawn:,} of them are missing: all {self.drawn:,} train, none twice, and the "
            f"ratio is {self.reached:.3f}"
        )

    def without(self, too_long: int) -> Mixture:
        """Where drawn rows do not train because they are too long."""
        if not too_long:
            return self
        return replace(self, drawn=self.drawn - too_long, left_out={**self.left_out, OVER_LONG: too_long})

    def to_json(self) -> dict[str, Any]:
        return {
            "ratio": self.ratio,
            "reached": round(self.reached, 4),
            "task": self.task,
            "wanted": self.wanted,
            "read": self.read,
            "drawn": self.drawn,
            "not_drawn": self.not_drawn,
            "left_out": dict(self.left_out),
            "files": [file._asdict() for file in self.files],
        }


@dataclass(frozen=True)
class Mixed:
    """drawn: the rows that train. others: the fate of every other row."""

    drawn: Dataset
    others: tuple[LedgerRow, ...]
    mixture: Mixture


def read_general(names: str | Sequence[str], root: Path, *, offline: bool = False) -> tuple[GeneralFile, ...]:
    """Files, folders or hub ids in any format, each once; paths start from `root`.

    Raises SourceError for what cannot be read or holds no valid row.
    """
    from assay.sources import ReadSettings, read

    found = []
    for name in dict.fromkeys((names,) if isinstance(names, str) else names):
        path = root / name
        data = read([str(path) if path.exists() else name], ReadSettings(), offline=offline)
        if len(data) == 0:
            raise SourceError(
                "no valid row in general_data", where=name, fix="`assay audit` says what is wrong with each"
            )
        found.append(GeneralFile(name, data))
    return tuple(found)


def general_digests(files: Sequence[GeneralFile]) -> dict[str, str]:
    """As inputs of a run, one a source."""
    return {f"general_data {file.name}": file.data.digest for file in files}


def with_general(recipe: Recipe, mixture: Mixture) -> Recipe:
    """The recipe with the ratio that was reached, and the ground of it."""
    return replace(
        recipe,
        general_ratio=round(mixture.reached, 4),
        grounds={**recipe.grounds, "general_ratio": mixture.ground},
    )


def general_row_ids(files: Sequence[GeneralFile]) -> list[str]:
    """Of all rows read, for the ledger."""
    return [row_id for file in files for row_id in file.data.row_ids()]


def mix(task: Dataset, trained: int, files: Sequence[GeneralFile], ratio: float, seed: int) -> Mixed:
    """Draws whole families, the same for the same seed on any machine, until general records are `ratio` of all.

    task     the data with its split; general rows that share a record, a prompt or a family with it are left out
    trained  records of the task that train
    ratio    0 <= ratio < 1; what is reached differs by at most half a family, or is less where rows are too few

    Rows that a general file gives to another split than "train" are held: the validation loss stays about the task.
    """
    import pyarrow as pa

    rows = _general_rows(task, files)
    others, candidates = _sorted_out(rows, _splits_of_families(task, rows.families_of_task))
    wanted = round(trained * ratio / (1 - ratio))
    chosen = _choose(candidates, wanted, seed)
    not_drawn = sorted(at for family in candidates.values() for at in family if at not in chosen)
    others |= {at: rows.fate(at, Fate.HELD, NOT_DRAWN) for at in not_drawn}
    faults = [
        LedgerRow(fault.row_id, "", fault.source, Fate.DROPPED, (UNREADABLE,))
        for file in files
        for fault in file.data.faults
    ]
    fates = (*(others[at] for at in sorted(others)), *faults)
    mixture = Mixture(
        ratio=ratio,
        task=trained,
        wanted=wanted,
        drawn=len(chosen),
        not_drawn=len(not_drawn),
        left_out=dict(sorted(Counter(fate.reasons[0] for fate in fates if fate.reasons[0] != NOT_DRAWN).items())),
        files=_shares(files, chosen),
    )
    return Mixed(Dataset(rows.table.take(pa.array(sorted(chosen), pa.int64()))), fates, mixture)


class _GeneralRows(NamedTuple):
    """General rows with the families that they have together with the rows of the task.

    table             general rows, `family` set anew; a row's place in it is `at` below
    families_of_task  the new family of each row of the task
    """

    table: pa.Table
    families_of_task: list[str]

    def column(self, name: str) -> list[Any]:
        values: list[Any] = self.table.column(name).to_pylist()
        return values

    def fate(self, at: int, fate: Fate, reason: str, kept: str | None = None) -> LedgerRow:
        row = self.table.slice(at, 1).to_pylist()[0]
        source = Source(row["source_file"], row["source_line"], row["source_row"])
        return LedgerRow(row["row_id"], row["record_id"], source, fate, (reason,), kept)


def _general_rows(task: Dataset, files: Sequence[GeneralFile]) -> _GeneralRows:
    import pyarrow as pa

    both = Dataset(pa.concat_tables([task.table, *(file.data.table for file in files)]))
    named: dict[str, list[str]] = {}
    columns = (both.table.column(name).to_pylist() for name in ("row_id", "family"))
    for row_id, family in zip(*columns, strict=True):
        if family:
            named.setdefault(family, []).append(row_id)
    joined = assign_families(both, named.values()).table
    return _GeneralRows(joined.slice(len(task)), joined.column("family").slice(0, len(task)).to_pylist())


def _splits_of_families(task: Dataset, families: Sequence[str]) -> dict[str, set[str]]:
    """{family: splits of the task's rows in it}"""
    found: dict[str, set[str]] = {}
    for family, split in zip(families, task.table.column("split").to_pylist(), strict=True):
        found.setdefault(family, set()).add(split)
    return found


def _sorted_out(rows: _GeneralRows, taken: Mapping[str, set[str]]) -> tuple[dict[int, LedgerRow], dict[str, list[int]]]:
    """The fate of rows that cannot be drawn, by their place, and the places of the others by family."""
    fates: dict[int, LedgerRow] = {}
    candidates: dict[str, list[int]] = {}
    first: dict[str, str] = {}
    columns = (rows.column(name) for name in ("row_id", "record_id", "family", "split"))
    for at, (row_id, record_id, family, split) in enumerate(zip(*columns, strict=True)):
        if split not in ("", TRAIN):
            fates[at] = rows.fate(at, Fate.HELD, f"split_{split}")
        elif family in taken:
            reason = SHARED_VALIDATION if VALIDATION in taken[family] else SHARED_DATA
            fates[at] = rows.fate(at, Fate.DROPPED, reason)
        elif record_id in first:
            fates[at] = rows.fate(at, Fate.DROPPED, REPEATED, first[record_id])
        else:
            first[record_id] = row_id
            candidates.setdefault(family, []).append(at)
    return fates, candidates


def _choose(candidates: Mapping[str, Sequence[int]], wanted: int, seed: int) -> frozenset[int]:
    """The places of whole families, in an order that the seed gives, as near to `wanted` as they allow."""
    chosen: set[int] = set()
    for family in sorted(candidates, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest()):
        if len(chosen) + len(candidates[family]) / 2 <= wanted:
            chosen.update(candidates[family])
    return frozenset(chosen)


def _shares(files: Sequence[GeneralFile], chosen: frozenset[int]) -> tuple[Share, ...]:
    shares, start = [], 0
    for file in files:
        end = start + len(file.data)
        drawn = sum(start <= at < end for at in chosen)
        shares.append(Share(file.name, file.data.digest, file.data.rows_read, drawn))
        start = end
    return tuple(shares)


def _in_words(reason: str) -> str:
    return _IN_WORDS.get(reason, f"of the split {reason.removeprefix('split_')}")

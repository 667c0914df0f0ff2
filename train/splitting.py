"""The split of data that was not curated: its own column, or families set aside for validation."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from assay.dataset import Dataset
from assay.families import assign_families
from assay.split import TRAIN, VALIDATION, split

from .settings import TrainSettings

TEST = "test"
NAMES = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("validation", "valid", "val", "dev", "eval", "evaluation"), VALIDATION),
    **dict.fromkeys(("test", "testing"), TEST),
}


def with_split(data: Dataset, settings: TrainSettings) -> tuple[Dataset, str | None]:
    """The data as it is where `assay curate` split it; else by a column `split` of its own, else as `assay curate`
    does; and a line that says so.

    Families here are equal records, equal prompts, parents and children; only `curate` knows near duplicates.
    """
    if any(data.table.column("split").to_pylist()):
        return data, None
    own = _own_split(data, settings)
    if own is not None:
        return own
    if not settings.validation:
        return data, None
    apart = split(assign_families(data), settings.validation, settings.seed)
    count = len(apart.select_split("validation"))
    if not count:
        return data, "the data has no split, and is too small to set records aside for validation"
    return apart, f"the data has no split: {count} of {len(apart)} records, in whole families, validate"


def _own_split(data: Dataset, settings: TrainSettings) -> tuple[Dataset, str] | None:
    """By a column `split` that the reader kept as it did not know it; None where it is something else, or says no more
    than that all rows train. Where it names no row that validates, families of those that train are set aside."""
    said = [str(record.meta.get("split") or "").strip().lower() for record in data.records()]
    if any(name and name not in NAMES for name in said):
        return None
    sides = [NAMES.get(name, TRAIN) for name in said]
    if set(sides) == {TRAIN}:
        return None
    apart = assign_families(data)
    if VALIDATION not in sides and TRAIN in sides:
        trained = dataclasses.replace(apart, table=apart.table.filter([side == TRAIN for side in sides]))
        chosen = iter(split(trained, settings.validation, settings.seed).table.column("split").to_pylist())
        sides = [next(chosen) if side == TRAIN else side for side in sides]
    held = f", {sides.count(TEST):,} are held" if TEST in sides else ""
    note = f"{sides.count(TRAIN):,} rows train, {sides.count(VALIDATION):,} validate{held}"
    return _with_sides(apart, sides), f"the data's own column `split`: {note}"


def _with_sides(data: Dataset, sides: Sequence[str]) -> Dataset:
    import pyarrow as pa

    place = data.table.schema.get_field_index("split")
    field = data.table.schema.field(place)
    return dataclasses.replace(data, table=data.table.set_column(place, field, pa.array(sides, field.type)))

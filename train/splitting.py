"""A validation split for data that has none."""

from __future__ import annotations

from assay.dataset import Dataset
from assay.families import assign_families
from assay.split import split

from .settings import TrainSettings


def with_split(data: Dataset, settings: TrainSettings) -> tuple[Dataset, str | None]:
    """The data as it is where any row names a split; else split as `assay curate` does, and a line that says so.

    Families here are equal records, equal prompts, parents and children; only `curate` knows near duplicates.
    """
    if any(data.table.column("split").to_pylist()) or not settings.validation:
        return data, None
    apart = split(assign_families(data), settings.validation, settings.seed)
    count = len(apart.select_split("validation"))
    if not count:
        return data, "the data has no split, and is too small to set records aside for validation"
    return apart, f"the data has no split: {count} of {len(apart)} records, in whole families, validate"

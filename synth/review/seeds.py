"""The records that accepted ones were made from, kept beside them for whoever reads these."""

from __future__ import annotations

from pathlib import Path

from assay.dataset import Dataset

SEEDS = "seeds.parquet"


def write_seeds(seeds: Dataset, accepted: Dataset, folder: Path) -> None:
    """Those of the seeds that are parents of an accepted record. Raises StorageError."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parents = pa.array({name for names in accepted.table.column("parents").to_pylist() for name in names}, pa.string())
    Dataset(seeds.table.filter(pc.is_in(seeds.table.column("record_id"), value_set=parents))).write_parquet(
        folder / SEEDS
    )

"""Records whose answers are weighed: given, or those that validated when the adapter trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from assay.errors import AssayError, SourceError
from assay.lineage import lineage, store_of
from assay.runs import RunStore
from assay.split import VALIDATION

from ..adapter import RECORDS
from .provenance import Trained

if TYPE_CHECKING:
    from assay.dataset import Dataset


def read_records(data: Sequence[str], *, offline: bool) -> Dataset:
    """Raises SourceError where there is no valid row."""
    from assay.sources import ReadSettings, read

    found = read(data, ReadSettings(), offline=offline)
    if not len(found):
        raise SourceError("no valid row", where=", ".join(data), fix="`assay audit` says what is wrong with each")
    return found


def records_of_training(
    trained: Trained, store: RunStore, say: Callable[[str], None] = lambda _: None
) -> Dataset | None:
    """The validation records, where the curate run that made them is still in the store; None where it is not."""
    import pyarrow.parquet as pq

    from assay.dataset import Dataset

    try:
        found = lineage(trained.folder, store_of(trained.folder) or store)
    except AssayError:
        return None
    if found.origins is None:
        return None
    table = pq.read_table(trained.folder / RECORDS, columns=["row_id", "split"]).to_pylist()
    rows = [row["row_id"] for row in table if row["split"] == VALIDATION]
    if not rows:
        return None
    say(f"weighed on the records that validated when {trained.folder} trained")
    return Dataset.read_parquet(found.origins.data).select_rows(rows)

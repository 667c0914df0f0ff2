"""One version of the data: what `assay curate` left in a folder or a run, or data files as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from assay.dataset import Dataset
from assay.errors import SourceError
from assay.findings import ledger_schema
from assay.runs import RunStore
from assay.sources import read

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Version:
    """name     as the user wrote it
    rows     row_id, record_id, fate, reasons of every row; fate is "" for data that was not curated
    texts    the rows whose content is known: of a curated version those that were dropped are not there
    training what would train, with family and split; empty for data that was not curated
    checks   {check: records it found something in}
    """

    name: str
    rows: pa.Table
    texts: Dataset
    training: Dataset
    checks: Mapping[str, int] = field(default_factory=dict)

    @property
    def curated(self) -> bool:
        return bool(self.checks) or len(self.training) > 0


def read_version(name: str, *, offline: bool = False) -> Version:
    """A folder that `assay curate -o` wrote, the id of a run, or a file or folder of data. Raises SourceError."""
    folder = Path(name)
    if not folder.exists() and (run := RunStore().root / "runs" / name).is_dir():
        folder = run
    if (folder / "ledger.parquet").is_file():
        return _curated(name, folder)
    return _plain(name, read([name], offline=offline))


def _curated(name: str, folder: Path) -> Version:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        ledger = pq.read_table(folder / "ledger.parquet").select(ledger_schema().names)
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        checks = {check: int(counts["records"]) for check, counts in summary["findings"].items()}
    except (OSError, KeyError, ValueError, TypeError, AttributeError, pa.ArrowInvalid) as error:
        fix = "curate it again, or compare the data files"
        raise SourceError("is no folder that `assay curate -o` wrote", where=str(folder), fix=fix) from error
    training = Dataset.read_parquet(folder / "data.parquet")
    held = Dataset.read_parquet(folder / "held.parquet")
    texts = Dataset(pa.concat_tables([training.table, held.table]))
    return Version(name, ledger.select(["row_id", "record_id", "fate", "reasons"]), texts, training, checks)


def _plain(name: str, data: Dataset) -> Version:
    import pyarrow as pa

    rows = pa.table(
        {
            "row_id": data.table.column("row_id"),
            "record_id": data.table.column("record_id"),
            "fate": pa.array([""] * len(data), pa.string()),
            "reasons": pa.array([[]] * len(data), pa.list_(pa.string())),
        }
    )
    has_split = any(item["values"] for item in data.table.column("split").value_counts().to_pylist())
    training = data if has_split else Dataset(data.table.slice(0, 0))
    return Version(name, rows, data, training)

"""What curate held, and which of it contradicts what: read from the folder that `assay curate` wrote."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assay.dataset import Dataset
from assay.errors import SourceError
from assay.records import Record

CHECKS = ("contradiction", "conflicting_answers")


@dataclass(frozen=True)
class Contradiction:
    """Records of one group of findings, in the order of the data; two at least."""

    group: str
    records: tuple[Record, ...]


def contradictions(folder: str) -> list[Contradiction]:
    """Groups of held records, each record in one of them, in the order in which their first records stand.

    Raises SourceError for what is no such folder.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    held = {record.row_id: record for record in Dataset.read_parquet(Path(folder) / "held.parquet").records()}
    path = Path(folder) / "findings.parquet"
    try:
        table = pq.read_table(path, columns=["check", "row_id", "group"])
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        raise SourceError("cannot be read", where=str(path), fix="name a folder that `assay curate` wrote") from error
    groups: dict[str, set[str]] = {}
    taken: set[str] = set()
    for row in table.to_pylist():
        if row["check"] in CHECKS and row["group"] and row["row_id"] in held and row["row_id"] not in taken:
            groups.setdefault(row["group"], set()).add(row["row_id"])
            taken.add(row["row_id"])
    order = {row_id: place for place, row_id in enumerate(held)}
    found = []
    for group, rows in groups.items():
        records = tuple(held[row_id] for row_id in sorted(rows, key=order.__getitem__))
        usable = tuple(record for record in records if record.last_assistant_index is not None)
        if len(usable) > 1:
            found.append(Contradiction(group, usable))
    return sorted(found, key=lambda contradiction: order[contradiction.records[0].row_id])

"""What a generation run of the pipeline leaves to the stages after it: new records, and the account of others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from assay.dataset import Dataset
from assay.findings import Fate, Ledger, LedgerRow
from assay.records import Json
from assay.reviews.acceptance import Acceptance, acceptance_of
from assay.reviews.review import Review
from assay.reviews.rule import check_accepted
from assay.reviews.sample import reading_order
from assay.storage import write_table

REPLACED = "replaced.parquet"
"""In the folder of a synth run: the account of records whose place accepted ones take."""


@dataclass(frozen=True)
class Generated:
    """The accepted records of a run as they were generated, and what people said of them.

    required  `synth.require_acceptance`
    """

    run: Path
    accepted: Dataset
    reviews: Sequence[Review]
    required: float | None

    @cached_property
    def found(self) -> Acceptance:
        return acceptance_of(reading_order(list(self.accepted.records())), self.reviews)

    def check(self) -> None:
        """Raises NotAcceptedError where too few records were read, or found good."""
        check_accepted(self.found, self.required, f"assay review {self.run} --terminal", str(self.run))

    def to_json(self) -> dict[str, Json]:
        return self.found.to_json(self.required)


def write_replaced(data: Dataset, row_ids: Collection[str], folder: Path) -> None:
    """The account of the records that an accepted one takes the place of. Raises StorageError."""
    records = data.select_rows(row_ids).records()
    rows = [LedgerRow(r.row_id, r.id, r.source, Fate.DROPPED, ("replaced_by_synth",)) for r in records]
    write_table(Ledger.of(rows).to_arrow(), folder / REPLACED)


def without_replaced(data: Dataset, folder: Path) -> Dataset:
    import pyarrow.parquet as pq

    gone = set(pq.read_table(folder / REPLACED, columns=["row_id"])["row_id"].to_pylist())
    return data.select_rows([row for row in data.row_ids() if row not in gone]) if gone else data

"""Some rows of the data, decoded once for all checks that look at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from assay.records import Record
from assay.text import conversation_text

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Batch:
    """records in the order of the data; start is the position of the first."""

    records: Sequence[Record]
    start: int = 0

    @classmethod
    def decode(cls, rows: pa.RecordBatch, start: int) -> Batch:
        """From rows in the schema of `assay.records.arrow_schema`."""
        from assay.dataset import Dataset

        return cls(Dataset.decode(rows), start)

    @cached_property
    def conversations(self) -> list[str]:
        """Of each record the text of its turns but for system turns, which are settings more than content."""
        return [conversation_text(m for m in record.messages if m.role != "system") for record in self.records]

    @cached_property
    def answers(self) -> list[str]:
        """Of each record the text of all assistant turns."""
        return [conversation_text(m for m in record.messages if m.role == "assistant") for record in self.records]

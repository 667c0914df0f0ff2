"""Answers that were already given, by content: what a killed evaluation, or a second candidate, need not ask again.

One file a part; a part is all the answers of one model to one suite. Its name is a digest of everything that decides
them: weights, adapter, tokenizer, template, items, scorer, data type, batching, and the libraries that compute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from assay.runs import library_versions
from assay.storage import write_table

from .examination import Answer, digest

ENGINE = 5
"""To be raised when scoring changes so that answers could differ."""


def part_key(**decides: Any) -> str:
    """The name of a part."""
    return digest({"engine": ENGINE, "libraries": library_versions(), **decides})[:32]


@dataclass(frozen=True)
class PartStore:
    folder: Path

    def get(self, key: str, items: int) -> list[Answer] | None:
        """The answers, or None when there is no such part or it is not whole."""
        path = self.folder / f"{key}.parquet"
        try:
            columns: Mapping[str, list[Any]] = pq.read_table(path).to_pydict()
            rows = zip(*(columns[name] for name in Answer._fields), strict=True)
            answers = [
                Answer(score, output, logprob, None if options is None else tuple(options), ended)
                for score, output, logprob, options, ended in rows
            ]
        except (OSError, pa.ArrowInvalid, KeyError):
            return None
        return answers if len(answers) == items else None

    def put(self, key: str, answers: Sequence[Answer]) -> None:
        """Raises StorageError."""
        table = pa.table(
            {
                "score": pa.array([answer.score for answer in answers], pa.float64()),
                "output": pa.array([answer.output for answer in answers], pa.string()),
                "logprob": pa.array([answer.logprob for answer in answers], pa.float64()),
                "option_logprobs": pa.array([answer.option_logprobs for answer in answers], pa.list_(pa.float64())),
                "ended": pa.array([answer.ended for answer in answers], pa.bool_()),
            }
        )
        write_table(table, self.folder / f"{key}.parquet")

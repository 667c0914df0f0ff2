"""Answers of models to items, put together as an evaluation holds them: results of suites, and a row an answer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..evaluation import ITEM_COLUMNS, ModelName, ModelScore, SuiteResult
from ..evaluation_files import ITEM_SCHEMA, option_text
from ..statistics.intervals import mean_interval
from ..wording import count
from .examination import Answer, Examination

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Sheet:
    """The answers of one model to the chosen items of one examination."""

    examination: Examination
    model: ModelName
    numbers: Sequence[int]
    answers: Sequence[Answer]


def suite_result(examination: Examination, sheets: Iterable[Sheet]) -> SuiteResult:
    """Scores of every model; sheets of other examinations are passed over, and answers that a judge gave no score."""
    own = [sheet for sheet in sheets if sheet.examination is examination]
    scores = []
    for sheet in own:
        scored = [
            (answer.score, examination.items[number].cluster)
            for number, answer in zip(sheet.numbers, sheet.answers, strict=True)
            if not math.isnan(answer.score)
        ]
        values = [score for score, _ in scored]
        interval = mean_interval(values, [cluster for _, cluster in scored])
        mean = sum(values) / len(values) if values else 0.0
        scores.append(ModelScore(sheet.model, len(values), mean, interval.low, interval.high))
    return SuiteResult(
        suite=examination.name,
        kind=examination.kind,
        scores=tuple(scores),
        chance=examination.chance,
        binary=all(answer.score in (0.0, 1.0) or math.isnan(answer.score) for sheet in own for answer in sheet.answers),
        data_sha256=examination.data_sha256,
        scorer=dict(examination.scorer),
    )


def items_table(sheets: Iterable[Sheet]) -> pa.Table:
    """One row a suite, model and item, with ITEM_COLUMNS."""
    import pyarrow as pa

    columns: dict[str, list[Any]] = {name: [] for name in ITEM_COLUMNS}
    for sheet in sheets:
        for number, answer in zip(sheet.numbers, sheet.answers, strict=True):
            item = sheet.examination.items[number]
            row: dict[str, Any] = {
                "suite": sheet.examination.name,
                "item_id": item.id,
                "prompt_hash": item.prompt_hash,
                "model": sheet.model,
                "slice": item.slice,
                "cluster": item.cluster,
                "reference": item.reference,
                "context": item.context,
                **answer._asdict(),
                "score": None if math.isnan(answer.score) else answer.score,
                "option_logprobs": option_text(answer.option_logprobs),
                "ended": answer.ended,
            }
            for name in ITEM_COLUMNS:
                columns[name].append(row[name])
    return pa.table(columns, schema=ITEM_SCHEMA)


def cut_off(sheets: Iterable[Sheet]) -> list[str]:
    """`9 of 9 answers of base to free`, for each model whose generated answers reached their length without an end."""
    found = []
    for sheet in sheets:
        lengths = sum(answer.ended is False for answer in sheet.answers)
        if lengths and sheet.model in ("base", "previous", "candidate"):
            found.append(
                f"{lengths} of {count(len(sheet.answers), 'answer')} of {sheet.model} to {sheet.examination.name}"
            )
    return found

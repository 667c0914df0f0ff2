"""The items of an evaluation as pairs: the same item answered by base and candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from assay.errors import SuiteError

from ..evaluation import ITEM_COLUMNS, Evaluation, ModelName, SuiteResult, is_judged
from ..statistics.clusters import FloatArray

MODELS: tuple[ModelName, ...] = get_args(ModelName)
PAIR: tuple[ModelName, ...] = ("base", "candidate")


@dataclass(frozen=True)
class Answers:
    """What one model said on the items of a suite; NaN and None where it was not asked.

    logprobs  of the chosen options, None for generated text
    ended     False where generated text was cut off at its length, None where that is not known
    """

    scores: FloatArray
    outputs: tuple[str | None, ...]
    logprobs: tuple[float | None, ...] = ()
    ended: tuple[bool | None, ...] = ()

    @property
    def asked(self) -> Any:
        return ~np.isnan(self.scores)


@dataclass(frozen=True)
class PairedSuite:
    """Items that base and candidate both answered, in the order of the evaluation; all sequences run in parallel.

    unpaired  items that only one of the two answered
    leaked    items left out because they are in the data that the candidate was trained on
    unscored  items left out because a judge gave no score to the answer of base or candidate
    dtype     in which the models computed: below float32, which other items share a batch may change an answer
    """

    result: SuiteResult
    item_ids: tuple[str, ...]
    references: tuple[str | None, ...]
    contexts: tuple[str | None, ...]
    prompt_hashes: tuple[str | None, ...]
    slices: tuple[str | None, ...]
    clusters: tuple[str | None, ...]
    answers: Mapping[ModelName, Answers]
    unpaired: tuple[str, ...]
    leaked: tuple[str, ...]
    unscored: tuple[str, ...] = ()
    dtype: str = "float32"

    @property
    def n(self) -> int:
        return len(self.item_ids)

    @property
    def base(self) -> Answers:
        return self.answers["base"]

    @property
    def candidate(self) -> Answers:
        return self.answers["candidate"]

    @property
    def differences(self) -> FloatArray:
        """[n] candidate less base."""
        return self.candidate.scores - self.base.scores

    @property
    def binary(self) -> bool:
        return bool(np.isin(np.concatenate([self.base.scores, self.candidate.scores]), (0.0, 1.0)).all())

    @property
    def clustered(self) -> bool:
        named = [cluster for cluster in self.clusters if cluster is not None]
        return len(set(named)) < len(named)


def pair(evaluation: Evaluation) -> dict[str, PairedSuite]:
    """Suites by name. Raises SuiteError for an item scored twice, or a score that is no number from 0 to 1."""
    rows: dict[str, list[dict[str, Any]]] = {result.suite: [] for result in evaluation.suites}
    for row in evaluation.items.select([name for name in ITEM_COLUMNS if name != "option_logprobs"]).to_pylist():
        if row["suite"] in rows:
            rows[row["suite"]].append(row)
    leaked: dict[str, set[str]] = {}
    for leak in evaluation.leaks or ():
        leaked.setdefault(leak.suite, set()).add(leak.item_id)
    base = evaluation.identity.get("base")
    dtype = str(base.get("dtype") or "float32") if isinstance(base, Mapping) else "float32"
    return {
        result.suite: _pair_suite(result, rows[result.suite], leaked.get(result.suite, set()), dtype)
        for result in evaluation.suites
    }


def _pair_suite(result: SuiteResult, rows: Sequence[Mapping[str, Any]], leaked: set[str], dtype: str) -> PairedSuite:
    by_item: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        _check_score(row, judged=is_judged(result))
        models = by_item.setdefault(str(row["item_id"]), {})
        if row["model"] in models:
            raise SuiteError(
                f"item '{row['item_id']}' was scored twice for {row['model']}",
                where=f"suite {result.suite}",
                fix="item ids must be unique in a suite; evaluate again",
            )
        models[row["model"]] = row
    answered = [item for item, models in by_item.items() if {"base", "candidate"} <= models.keys()]
    paired = [item for item in answered if all(by_item[item][arm]["score"] is not None for arm in PAIR)]
    kept = [item for item in paired if item not in leaked]
    first = [by_item[item]["base"] for item in kept]
    return PairedSuite(
        result=result,
        item_ids=tuple(kept),
        references=tuple(row["reference"] for row in first),
        contexts=tuple(row["context"] for row in first),
        prompt_hashes=tuple(row["prompt_hash"] for row in first),
        slices=tuple(row["slice"] for row in first),
        clusters=tuple(row["cluster"] for row in first),
        answers={name: _answers([by_item[item].get(name) for item in kept]) for name in MODELS},
        unpaired=tuple(item for item, models in by_item.items() if len({"base", "candidate"} & models.keys()) == 1),
        leaked=tuple(item for item in paired if item in leaked),
        unscored=tuple(item for item in answered if item not in set(paired)),
        dtype=dtype,
    )


def _answers(rows: Sequence[Mapping[str, Any] | None]) -> Answers:
    scores = [float("nan") if row is None or row["score"] is None else float(row["score"]) for row in rows]

    def column(name: str) -> tuple[Any, ...]:
        return tuple(None if row is None else row[name] for row in rows)

    return Answers(np.array(scores, dtype=float), column("output"), column("logprob"), column("ended"))


def _check_score(row: Mapping[str, Any], *, judged: bool) -> None:
    """A judge may have given no score; nobody else may."""
    score = row["score"]
    if score is None and judged:
        return
    if score is None or not 0.0 <= score <= 1.0:
        raise SuiteError(
            f"the score of item '{row['item_id']}' for {row['model']} is {score}, not a number from 0 to 1",
            where=f"suite {row['suite']}",
            fix="a model with NaN weights or a broken scorer does this; evaluate again",
        )

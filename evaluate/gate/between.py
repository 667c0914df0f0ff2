"""Two adapters held against each other: the gate's judgement of a suite, with one of them in the base's place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..evaluation import Evaluation, ModelScore, SuiteResult
from .decision import SuiteDecision
from .gate import gate
from .policy import Policy, SuitePolicy


def judge_between(evaluation: Evaluation, policy: Policy) -> tuple[SuiteDecision, ...]:
    """Each suite as a domain suite, the candidate against the adapter `previous` and not against the base.

    The answers of the base are left out, and so are those of the adapter that adds nothing, which is told by the base.
    There is no verdict over all suites, since no general one is among them.
    Raises SuiteError, and SettingsError where nothing was scored.
    """
    suites = {result.suite: SuitePolicy(role="domain") for result in evaluation.suites}
    rules = replace(policy, suites=suites, previous="ignore", on_missing_check="warn")
    return gate(_between(evaluation), rules).suites


def _between(evaluation: Evaluation) -> Evaluation:
    import pyarrow as pa
    import pyarrow.compute as pc

    models = evaluation.items.column("model")
    items = evaluation.items.filter(pc.invert(pc.is_in(models, value_set=pa.array(["base", "zero"]))))
    named = ["base" if name == "previous" else name for name in items.column("model").to_pylist()]
    place = items.schema.get_field_index("model")
    items = items.set_column(place, items.schema.field(place), pa.array(named, items.schema.field(place).type))
    return replace(evaluation, items=items, suites=tuple(_result(result) for result in evaluation.suites))


def _result(result: SuiteResult) -> SuiteResult:
    return replace(result, scores=tuple(_scores(result.scores)))


def _scores(scores: Sequence[ModelScore]) -> list[ModelScore]:
    kept = [score for score in scores if score.model not in ("base", "zero")]
    return [replace(score, model="base") if score.model == "previous" else score for score in kept]

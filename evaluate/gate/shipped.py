"""A model as it ships held against the one that was gated: the gate's non-inferiority, with the latter in the base's
place. Neither is loaded here: whoever asks hands in what answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from assay.findings import Verdict
from assay.suites import Suite

from ..asking.answer_sheets import Sheet, items_table, suite_result
from ..asking.domain_suite import DomainSuite, prepare
from ..evaluation import Evaluation, ModelName
from ..models.engine import Done, Limits
from ..models.generation import Generated, Prompt, Stopping
from ..models.likelihood import Likelihood, Request
from .gate import gate
from .policy import Policy, SuitePolicy

if TYPE_CHECKING:
    from assay.chat import ChatTarget

BATCH_TOKENS = 4096
CONTEXT = 2048
"""Tokens, for a model whose config names no length."""


class Handed(Protocol):
    """A model that someone else holds."""

    def scores(self, ids: Sequence[int], answer: Sequence[int]) -> tuple[Sequence[float], Sequence[int]]:
        """Of the tokens at the places `answer`: log-probabilities, and the likeliest token in place of each."""
        ...

    def answers(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> list[tuple[int, ...]]:
        """Greedy, without the token that ended each."""
        ...


@dataclass(frozen=True)
class HandedEngine:
    """An `Engine` over it, one request at a time."""

    model: Handed

    def likelihoods(self, requests: Sequence[Request], done: Done) -> list[Likelihood]:
        found = []
        for request in requests:
            ids = (*request.context, *request.continuation)
            places = range(len(request.context), len(ids))
            logprobs, likeliest = self.model.scores(ids, places)
            greedy = all(ids[place] == token for place, token in zip(places, likeliest, strict=True))
            found.append(Likelihood(float(np.sum(logprobs)), greedy))
            done(1)
        return found

    def generate(self, prompts: Sequence[Prompt], stopping: Stopping, done: Done) -> list[Generated]:
        found = []
        for prompt in prompts:
            (ids,) = self.model.answers([prompt.ids], prompt.max_new_tokens)
            finished = stopping.finish(ids)
            found.append(Generated(finished.ids, finished.text, len(ids) < prompt.max_new_tokens))
            done(1)
        return found


@dataclass(frozen=True)
class ShippedSuite:
    """One suite. Shares of 1; difference is shipped less gated.

    changed  items whose score is another; answers: whose answer is
    """

    suite: str
    n: int
    gated: float
    shipped: float
    difference: float
    ci: tuple[float, float]
    changed: int
    answers: int
    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class Shipped:
    """verdict: that the mean over the suites is not worse by more than the margin, each within its guardrail.

    at_worst  lower limit of the difference by the test of p_value: above the margin's loss where that is excluded
    """

    suites: tuple[ShippedSuite, ...]
    verdict: Verdict
    difference: float
    ci: tuple[float, float]
    at_worst: float
    p_value: float
    items_needed: int | None


def compare_shipped(
    suites: Sequence[Suite],
    target: ChatTarget,
    gated: Any,
    shipped: Any,
    *,
    margin: float,
    allow_code: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Shipped:
    """Both answer every item of the suites.

    gated, shipped  a model of transformers that is held here, or `Handed`

    Raises SuiteError for a suite that cannot be asked, ModelError.
    """
    asked = [prepare(suite, target, allow_code=allow_code) for suite in suites]
    sheets = []
    named: tuple[tuple[ModelName, Any, str], ...] = (("base", gated, "gated"), ("candidate", shipped, "shipped"))
    for name, model, word in named:
        for one in asked:
            say(f"{word}: {len(one.items)} items of {one.name}")
            sheets.append(_sheet(one, name, model, target))
    evaluation = Evaluation(
        suites=tuple(suite_result(one, sheets) for one in asked),
        items=items_table(sheets),
        identity={},
        evidence={},
        leaks=(),
    )
    rules = Policy(
        margin=margin,
        guardrail=max(2.5 * margin, 0.05),
        previous="ignore",
        on_missing_check="warn",
        suites={one.name: SuitePolicy(role="general") for one in asked},
    )
    return _judged(evaluation, sheets, rules)


def _sheet(asked: DomainSuite, name: ModelName, model: Any, target: ChatTarget) -> Sheet:
    from ..models.causal_model import CausalModel
    from ..models.lm_eval_model import AssayLM

    engine: Any = CausalModel(model) if hasattr(model, "forward") else HandedEngine(model)
    lm = AssayLM(engine, target, Limits(BATCH_TOKENS, target.context_length or CONTEXT))
    numbers = range(len(asked.items))
    return Sheet(asked, name, numbers, asked.answer(lm, numbers, lambda _: None))


def _judged(evaluation: Evaluation, sheets: Sequence[Sheet], rules: Policy) -> Shipped:
    decision = gate(evaluation, rules)
    macro = decision.macro
    found = tuple(
        ShippedSuite(
            suite=one.suite,
            n=one.n,
            gated=one.base,
            shipped=one.candidate,
            difference=one.difference,
            ci=(one.ci[0], one.ci[1]),
            changed=_other_scores(one.suite, sheets),
            answers=one.answers_changed,
            verdict=one.verdict,
            reason=one.reason,
        )
        for one in decision.suites
    )
    verdicts = {one.verdict for one in found}
    if Verdict.INVALID in verdicts or macro is None:
        verdict = Verdict.INVALID
    else:
        verdict = Verdict.BLOCK if Verdict.BLOCK in verdicts else macro.verdict
    return Shipped(
        suites=found,
        verdict=verdict,
        difference=macro.difference if macro is not None else 0.0,
        ci=(macro.ci[0], macro.ci[1]) if macro is not None else (0.0, 0.0),
        at_worst=macro.limits.at_worst if macro is not None and macro.limits is not None else -1.0,
        p_value=macro.p_value if macro is not None else 1.0,
        items_needed=macro.items_needed if macro is not None else None,
    )


def _other_scores(suite: str, sheets: Sequence[Sheet]) -> int:
    gated, shipped = (sheet.answers for sheet in sheets if sheet.examination.name == suite)
    return sum(a.score != b.score for a, b in zip(gated, shipped, strict=True))

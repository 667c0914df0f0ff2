"""Suite scores of both, by evaluate's gate, which is asked for by name: this stage does not import it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay import stages
from assay.findings import Verdict
from assay.points import signed
from assay.records import Json
from assay.suites import read_suites

from .artefact import Artefact, Passage, UnprovedError
from .checks import SUITES, Check, Outcome, same_weights

if TYPE_CHECKING:
    from assay.chat import ChatTarget

    from .parity import Judge


ALPHA = 0.05
"""Of the gate that is asked, one-sided."""


@dataclass(frozen=True)
class _Asked:
    """An artefact as evaluate asks a model that someone else holds."""

    artefact: Artefact

    def scores(self, ids: Sequence[int], answer: Sequence[int]) -> tuple[list[float], list[int]]:
        (found,) = self.artefact.token_scores([Passage(tuple(ids), tuple(answer))])
        return [float(value) for value in found.logprobs], [int(token) for token in found.likeliest]

    def answers(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> list[tuple[int, ...]]:
        return self.artefact.answers(prompts, max_new_tokens)


def judge_on(
    suites: Sequence[Path],
    target: ChatTarget,
    margin: float,
    *,
    limit: int | None = None,
    allow_code: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Judge:
    """Of the same weights in float32 no score may differ; of all else the gate must prove that it is not worse by more
    than `margin`.

    limit  at most so many items of each suite, from the front
    Raises SuiteError for a suite that cannot be read.
    """
    read = [replace(suite, items=suite.items[:limit]) for suite in read_suites(suites)]

    def judge(gated: Artefact, shipped: Artefact) -> Check:
        exact = same_weights(gated.held, shipped.held) and shipped.held.dtype == "float32"
        try:
            found = stages.compare_shipped(
                read, target, _model_of(gated), _model_of(shipped), margin=margin, allow_code=allow_code, say=say
            )
        except UnprovedError as error:
            return Check(SUITES, Outcome.UNPROVED, str(error))
        check = _exact(found) if exact else _not_worse(found, margin)
        return replace(check, numbers={**check.numbers, "data_sha256": {one.name: one.data_sha256 for one in read}})

    return judge


def _model_of(artefact: Artefact) -> Any:
    """The model itself where transformers holds it, for evaluate asks that in batches."""
    memory = getattr(artefact, "memory", None)
    return memory.model if memory is not None else _Asked(artefact)


def _exact(found: Any) -> Check:
    changed = sum(suite.changed for suite in found.suites)
    answers = sum(suite.answers for suite in found.suites)
    items = sum(suite.n for suite in found.suites)
    if changed:
        worst = max(found.suites, key=lambda suite: suite.changed)
        sentence = f"{changed} of {items} items score otherwise, {worst.changed} of them in {worst.suite}"
        return Check(SUITES, Outcome.FAIL, sentence, _numbers(found))
    said = f"all {items} items score the same ({_scores(found)}); {answers} answers are worded otherwise"
    return Check(SUITES, Outcome.PASS, said, _numbers(found))


def _not_worse(found: Any, margin: float) -> Check:
    bound = f"a loss beyond {100 * margin:g} points is {'' if found.p_value < ALPHA else 'not '}excluded"
    figures = (
        f"{_scores(found)}; {signed(found.difference)} points on average, at worst {signed(found.at_worst)}: {bound} "
        f"(p = {found.p_value:.2g})"
    )
    if found.verdict is Verdict.PASS:
        return Check(SUITES, Outcome.PASS, figures, _numbers(found))
    if found.verdict is Verdict.BLOCK:
        return Check(SUITES, Outcome.FAIL, f"worse: {figures}", _numbers(found))
    if found.verdict is Verdict.INVALID:
        why = next((suite for suite in found.suites if suite.verdict is Verdict.INVALID), None)
        reason = f"{why.suite}: {why.reason}" if why is not None else "no suite could be judged"
        return Check(SUITES, Outcome.UNPROVED, f"the suite could not have shown a loss: {reason}", _numbers(found))
    more = f"; about {found.items_needed:,} more items would tell" if found.items_needed else ""
    return Check(SUITES, Outcome.UNPROVED, f"it cannot be told: {figures}{more}", _numbers(found))


def _scores(found: Any) -> str:
    return ", ".join(
        f"{suite.suite} {suite.gated:.1%} gated and {suite.shipped:.1%} shipped of {suite.n}" for suite in found.suites
    )


def _numbers(found: Any) -> dict[str, Json]:
    return {
        "verdict": str(found.verdict),
        "difference": found.difference,
        "ci": list(found.ci),
        "at_worst": found.at_worst,
        "p_value": found.p_value,
        "items_needed": found.items_needed,
        "suites": [
            {
                "suite": suite.suite,
                "n": suite.n,
                "gated": suite.gated,
                "shipped": suite.shipped,
                "scores_changed": suite.changed,
                "answers_changed": suite.answers,
            }
            for suite in found.suites
        ],
    }

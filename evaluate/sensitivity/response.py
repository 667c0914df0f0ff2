"""Does the score respond to the answers? Answers handed to other items, and scored again, must score lower."""

from __future__ import annotations

import numpy as np

from ..gate.pairs import Answers, PairedSuite
from ..rescore import Rescore
from ..statistics.clusters import FloatArray
from ..statistics.paired_tests import superiority
from ..wording import count, p_value, percent
from .check import Check

SHUFFLES = 3
CHANGES_THAT_COUNT = 0.02
"""Of the answers that differ between two models, at least this share differs in score, where the score reads them."""


def responds_to_output(suite: PairedSuite, answers: Answers, who: str, rescore: Rescore, alpha: float) -> Check:
    """answers  those that are swapped, of the model called `who`

    What only a task itself can score was swapped and scored while the task was there, with the base's answers; else
    two models' answers to one item are compared.
    """
    if any(reference is None for reference in suite.references):
        return Check("responds_to_output", None, "stored outputs were not scored again: references are missing")
    shuffled = _swapped_scores(suite, answers, rescore)
    if shuffled is not None:
        return _lowered(answers.scores, shuffled, suite.clusters, who, alpha)
    swapped = suite.answers["swapped"]
    asked = np.flatnonzero(swapped.asked)
    if len(asked):
        clusters = tuple(suite.clusters[i] for i in asked)
        return _lowered(suite.base.scores[asked], swapped.scores[asked], clusters, "base", alpha)
    return _changes_with_answers(suite, alpha)


def _swapped_scores(suite: PairedSuite, answers: Answers, rescore: Rescore) -> FloatArray | None:
    """[n] mean over SHUFFLES; None where stored outputs cannot be scored again here."""
    texts = [output or "" for output in answers.outputs]
    references = [reference or "" for reference in suite.references]
    swapped = [text for shift in range(SHUFFLES) for text in derange(texts, shift)]
    scores = rescore(suite.result, swapped, references * SHUFFLES, suite.contexts * SHUFFLES)
    if scores is None:
        return None
    mean: FloatArray = np.asarray(scores, dtype=float).reshape(SHUFFLES, suite.n).mean(0)
    return mean


def _lowered(own: FloatArray, shuffled: FloatArray, clusters: tuple[str | None, ...], who: str, alpha: float) -> Check:
    p = superiority(own, shuffled, clusters)
    real, lower = percent(float(own.mean())), percent(float(shuffled.mean()))
    if p < alpha:
        return Check("responds_to_output", True, f"{real} with the {who}'s answers, {lower} with answers swapped")
    return Check(
        "responds_to_output",
        False,
        f"the score does not respond to the answers: {real} with the {who}'s own, {lower} with answers swapped "
        f"between items ({p_value(p)})",
    )


def _changes_with_answers(suite: PairedSuite, alpha: float) -> Check:
    """Where answers cannot be scored again: two models' answers to one item differ, so its scores must, now and then.

    Were one changed answer in fifty to change a score, then n of them would change none with a chance of 0.98 ** n.
    """
    others = [answers for name, answers in suite.answers.items() if name not in ("base", "swapped")]
    pairs = [(other, i) for other in others for i in range(suite.n) if other.asked[i]]
    changed = [(other, i) for other, i in pairs if other.outputs[i] != suite.base.outputs[i]]
    moved = sum(bool(other.scores[i] != suite.base.scores[i]) for other, i in changed)
    if not moved and (1 - CHANGES_THAT_COUNT) ** len({i for _, i in changed}) < alpha:
        return Check(
            "responds_to_output",
            False,
            f"the score does not respond to the answers: {count(len(changed), 'answer')} differ from the base's, and "
            "every one of them scores the same",
        )
    seen = f"{moved} of {count(len(changed), 'answer')} that differ from the base's have another score"
    return Check("responds_to_output", None, f"stored outputs cannot be scored again here; {seen}")


def derange(texts: list[str], shift: int) -> list[str]:
    """Every text moved to another item; the same for the same arguments."""
    n = len(texts)
    by = np.random.default_rng(20_240 + shift).permutation(n)
    moved = [""] * n
    for position in range(n):
        moved[by[position]] = texts[by[(position + 1) % n]]
    return moved

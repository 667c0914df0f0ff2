"""Could this suite have shown a regression at all? "No regression" counts only where it could.

A published table shows the same score before and after fine-tuning because the answer was read from the prompt; any
model would have got it. Which check applies to which role, and why:
docs/decisions/0010-what-a-suite-must-be-able-to-show.md.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from .clusters import FloatArray, design_effect
from .intervals import mean_interval, wilson_interval
from .paired_tests import superiority
from .pairs import Answers, PairedSuite
from .policy import Role
from .rescore import Rescore
from .wording import count, names, p_value, percent

CEILING = 0.98
"""From here on hardly an item is left that a better model could gain."""
MOST_UNSCORED = 0.05
"""Share of items without a judge's score beyond which those that have one may be another kind of item."""
SAME_ANSWER = 0.95
"""Share of one and the same answer from which answers do not vary."""
SHUFFLES = 3
CHANGES_THAT_COUNT = 0.02
"""Of the answers that differ between two models, at least this share differs in score, where the score reads them."""


@dataclass(frozen=True)
class Check:
    """ok is None for a check that could not be run; detail says what was seen, in words."""

    name: str
    ok: bool | None
    detail: str


@dataclass(frozen=True)
class Sensitivity:
    """valid     no check failed, and none that the policy insists on is missing
    reasons   why not, one sentence a failed check
    checks    every check with what it saw
    """

    valid: bool
    reasons: tuple[str, ...]
    checks: tuple[Check, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(check.name for check in self.checks if check.ok is None)

    def to_json(self) -> dict[str, Any]:
        return {
            "valid": self.valid,
            "reasons": list(self.reasons),
            "checks": [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in self.checks],
        }


def judge_sensitivity(
    suite: PairedSuite, role: Role, rescore: Rescore, *, alpha: float, missing_fails: bool
) -> Sensitivity:
    """Every check that applies to the role. Each is a proof at `alpha`, or a plain fact."""
    pairing = _paired(suite)
    if not pairing.ok:
        return Sensitivity(False, (pairing.detail,), (pairing,))
    reference_model, who = _subject(suite, role)
    checks = [
        pairing,
        _answers_vary(reference_model, who),
        _scores_vary(suite, role),
        _not_at_ceiling(suite),
        *([_above_chance(suite, alpha)] if role == "general" else []),
        _responds(suite, reference_model, who, rescore, alpha),
        _damage_shows(suite, reference_model, who, alpha),
        _zero_changes_nothing(suite),
    ]
    reasons = [check.detail for check in checks if check.ok is False]
    if missing_fails:
        reasons += [check.detail for check in _needed_but_missing(checks)]
    return Sensitivity(not reasons, tuple(reasons), tuple(checks))


def _needed_but_missing(checks: list[Check]) -> list[Check]:
    """Checks not run, but for the swapped answers where a damaged model was caught: that shows the same and more."""
    caught = any(check.name == "damage_shows" and check.ok for check in checks)
    return [check for check in checks if check.ok is None and not (check.name == "responds_to_output" and caught)]


def _subject(suite: PairedSuite, role: Role) -> tuple[Answers, str]:
    """Whose answers show that the suite works: the base's, and on a domain suite those of the better of the two.

    A base that knows nothing of a domain is no fault of the suite: that is what training is for.
    """
    if role == "domain" and suite.candidate.scores.mean() > suite.base.scores.mean():
        return suite.candidate, "candidate"
    return suite.base, "base"


def _paired(suite: PairedSuite) -> Check:
    if suite.n == 0:
        why = "all its items are in the training data" if suite.leaked else "base and candidate share no scored item"
        return Check("paired", False, why)
    if len(suite.unscored) > MOST_UNSCORED * (suite.n + len(suite.unscored)):
        lost = f"{len(suite.unscored)} of {count(suite.n + len(suite.unscored), 'item')}"
        return Check("paired", False, f"the judge gave {lost} no score ({names(suite.unscored)})")
    if suite.unpaired:
        lost = f"{count(len(suite.unpaired), 'item')} scored for only one of base and candidate"
        return Check("paired", False, f"{lost} ({names(suite.unpaired)})")
    return Check("paired", True, f"{count(suite.n, 'item')} answered by both")


def _answers_vary(answers: Answers, who: str) -> Check:
    seen = Counter(answers.outputs)
    most, times = seen.most_common(1)[0]
    share = times / len(answers.outputs)
    if share >= SAME_ANSWER:
        shown = f"{most!s:.40}".replace("\n", " ")
        return Check("answers_vary", False, f"the {who} gives the same answer to {percent(share)} of items: '{shown}'")
    return Check("answers_vary", True, f"{count(len(seen), 'different answer')} of the {who}")


def _scores_vary(suite: PairedSuite, role: Role) -> Check:
    scores = suite.base.scores if role == "general" else np.concatenate([suite.base.scores, suite.candidate.scores])
    if np.ptp(scores) > 0:
        return Check("scores_vary", True, "scores differ between items")
    whose = "the base" if role == "general" else "base and candidate"
    if scores[0] > 0:
        return Check("scores_vary", False, f"{whose} score {percent(float(scores[0]))} on every item")
    return Check(
        "scores_vary", False, f"not one answer of {whose} scores: a broken scorer or reference would look the same"
    )


def _not_at_ceiling(suite: PairedSuite) -> Check:
    base = float(suite.base.scores.mean())
    if base >= CEILING:
        return Check("not_at_ceiling", False, f"the base scores {percent(base)}: the items are too easy to tell")
    return Check("not_at_ceiling", True, f"the base scores {percent(base)}")


def _above_chance(suite: PairedSuite, alpha: float) -> Check:
    """Lower limit of the base's score above what knowing nothing scores."""
    chance = suite.result.chance or 0.0
    base, low = float(suite.base.scores.mean()), _lower_limit(suite.base.scores, suite.clusters, alpha)
    if low > chance:
        return Check("above_chance", True, f"the base scores {percent(base)}; chance is {percent(chance)}")
    return Check(
        "above_chance",
        False,
        f"the base is not shown to be above chance: it scores {percent(base)} on {count(suite.n, 'item')}, "
        f"at least {percent(low)}, and chance is {percent(chance)}",
    )


def _lower_limit(scores: FloatArray, clusters: tuple[str | None, ...], alpha: float) -> float:
    """One-sided lower limit. An interval for a proportion holds for any score from 0 to 1, if a little wide."""
    if np.isin(scores, (0.0, 1.0)).all():
        effect, df = design_effect(scores, clusters)
        return wilson_interval(float(scores.sum()) / effect, len(scores) / effect, 1 - 2 * alpha, df).low
    return mean_interval(scores.tolist(), clusters, 1 - 2 * alpha).low


def _responds(suite: PairedSuite, answers: Answers, who: str, rescore: Rescore, alpha: float) -> Check:
    """Answers handed to other items, and scored again, must score lower."""
    texts = [output or "" for output in answers.outputs]
    references = [reference or "" for reference in suite.references]
    if any(reference is None for reference in suite.references):
        return Check("responds_to_output", None, "stored outputs were not scored again: references are missing")
    swapped = [text for shift in range(SHUFFLES) for text in _derange(texts, shift)]
    scores = rescore(suite.result, swapped, references * SHUFFLES, suite.contexts * SHUFFLES)
    if scores is None:
        return _changes_with_answers(suite, alpha)
    shuffled = np.asarray(scores, dtype=float).reshape(SHUFFLES, suite.n).mean(0)
    p = superiority(answers.scores, shuffled, suite.clusters)
    real, lower = percent(float(answers.scores.mean())), percent(float(shuffled.mean()))
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
    others = [answers for name, answers in suite.answers.items() if name != "base"]
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


def _derange(texts: list[str], shift: int) -> list[str]:
    """Every text moved to another item; the same for the same arguments."""
    n = len(texts)
    by = np.random.default_rng(20_240 + shift).permutation(n)
    moved = [""] * n
    for position in range(n):
        moved[by[position]] = texts[by[(position + 1) % n]]
    return moved


def _damage_shows(suite: PairedSuite, answers: Answers, who: str, alpha: float) -> Check:
    """The model with noise on its weights must score lower, on the items that it was asked."""
    damaged = suite.answers["damaged"]
    asked = np.flatnonzero(damaged.asked)
    if len(asked) == 0:
        return Check("damage_shows", None, "no deliberately damaged model was scored")
    healthy, hurt = answers.scores[asked], damaged.scores[asked]
    p = superiority(healthy, hurt, [suite.clusters[i] for i in asked])
    seen = f"{percent(float(hurt.mean()))} damaged, {percent(float(healthy.mean()))} {who}, {count(len(asked), 'item')}"
    if p < alpha:
        return Check("damage_shows", True, f"a damaged model is caught: {seen}")
    same = all(damaged.outputs[i] == answers.outputs[i] for i in asked)
    how = "gets exactly the same answers" if same else "is not caught"
    return Check("damage_shows", False, f"a deliberately damaged model {how}: {seen} ({p_value(p)})")


def _zero_changes_nothing(suite: PairedSuite) -> Check:
    """An adapter that adds nothing must give the base's answers to the letter: else differences are not the adapter's,
    but of how models are loaded, batched or switched."""
    zero = suite.answers["zero"]
    asked = np.flatnonzero(zero.asked)
    if len(asked) == 0:
        return Check("zero_changes_nothing", None, "no adapter that adds nothing was scored")
    other = [i for i in asked if zero.outputs[i] != suite.base.outputs[i] or zero.scores[i] != suite.base.scores[i]]
    if other:
        moved = names([suite.item_ids[i] for i in other])
        return Check(
            "zero_changes_nothing",
            False,
            f"an adapter that adds nothing changes {count(len(other), 'answer')} of {len(asked)} ({moved}): "
            "differences are not the adapter's alone",
        )
    return Check("zero_changes_nothing", True, f"an adapter that adds nothing changes none of {len(asked)} answers")

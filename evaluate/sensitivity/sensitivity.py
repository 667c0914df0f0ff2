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

from ..gate.pairs import Answers, PairedSuite
from ..gate.policy import Role
from ..rescore import Rescore
from ..statistics.clusters import FloatArray, design_effect
from ..statistics.intervals import mean_interval, wilson_interval
from ..wording import count, names, percent, shown
from .chance import Chance, chance_of
from .check import Check
from .control_checks import damage_shows, zero_changes_nothing
from .power import Power, power_of
from .response import responds_to_output

__all__ = ["Check", "Sensitivity", "judge_sensitivity"]

CEILING = 0.98
"""From here on hardly an item is left that a better model could gain."""
FLOOR = 0.02
"""So little above chance, hardly an item is left that a worse model could lose."""
MOST_UNSCORED = 0.05
"""Share of items without a judge's score beyond which those that have one may be another kind of item."""
SAME_ANSWER = 0.95
"""Share of one and the same answer from which answers do not vary."""
CUT_OFF = 0.9
"""Share of answers cut off at their length, none of them right, from which the length is to blame."""
PLAIN_FACTS = frozenset(
    {"questions_differ", "references_differ", "answers_end", "answers_vary", "scores_vary", "not_at_ceiling"}
)
"""Checks without a test: where one of them fails, those with one mostly do too."""


@dataclass(frozen=True)
class Sensitivity:
    """valid     no check failed, and none that the policy insists on is missing
    reasons   why not, in sentences; what follows from another reason is in `checks` alone
    checks    every check with what it saw
    power     the smallest loss that the suite would show; None where no item was answered by both
    """

    valid: bool
    reasons: tuple[str, ...]
    checks: tuple[Check, ...]
    power: Power | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(check.name for check in self.checks if check.ok is None)

    def to_json(self) -> dict[str, Any]:
        return {
            "valid": self.valid,
            "reasons": list(self.reasons),
            "checks": [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in self.checks],
            "power": self.power.to_json() if self.power is not None else None,
        }


def judge_sensitivity(
    suite: PairedSuite, role: Role, rescore: Rescore, *, alpha: float, missing_fails: bool
) -> Sensitivity:
    """Every check that applies to the role. Each is a proof at `alpha`, or a plain fact; "power" is told, and cannot
    fail: what a suite cannot show is for the gate to be inconclusive about."""
    pairing = _paired(suite)
    if not pairing.ok:
        return Sensitivity(False, (pairing.detail,), (pairing,))
    reference_model, who = _subject(suite, role)
    power = power_of(suite, alpha)
    checks = [
        pairing,
        _questions_differ(suite),
        _references_differ(suite),
        _answers_end(reference_model, who),
        _answers_vary(reference_model, who),
        _scores_vary(suite, role),
        responds_to_output(suite, reference_model, who, rescore, alpha),
        damage_shows(suite, reference_model, who, alpha),
        zero_changes_nothing(suite, alpha),
        _not_at_ceiling(suite),
        *(_has_something_to_lose(suite, chance_of(suite, rescore), alpha) if role == "general" else []),
        Check("power", True, power.in_words()),
    ]
    reasons = _reasons([check for check in checks if check.ok is False])
    if missing_fails:
        reasons += [check.detail for check in _needed_but_missing(checks)]
    return Sensitivity(not reasons, tuple(reasons), tuple(checks), power)


def _reasons(failed: list[Check]) -> list[str]:
    """A plain fact explains the proofs that failed with it, such as answers that are all the same: only it is told."""
    plain = [check for check in failed if check.name in PLAIN_FACTS]
    return [check.detail for check in failed if not plain or check in plain or check.name == "zero_changes_nothing"]


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


def _questions_differ(suite: PairedSuite) -> Check:
    """A template that leaves the question out puts the same to the model for every item."""
    hashes = [prompt for prompt in suite.prompt_hashes if prompt]
    different = len(set(hashes))
    if len(hashes) == suite.n > 1 and different == 1:
        return Check(
            "questions_differ",
            False,
            f"all {suite.n} items put the very same words to the model: its template leaves the question out",
        )
    return Check("questions_differ", True, f"{count(different, 'different prompt')}")


def _references_differ(suite: PairedSuite) -> Check:
    seen = {reference for reference in suite.references if reference}
    if suite.n > 1 and len(seen) == 1 and all(suite.references):
        return Check(
            "references_differ",
            False,
            "every item expects the same, so a model that always says it gets them all",
            shown(seen.pop()),
        )
    return Check("references_differ", True, f"{count(len(seen), 'different reference')}")


def _answers_vary(answers: Answers, who: str) -> Check:
    seen = Counter(answers.outputs)
    most, times = seen.most_common(1)[0]
    share = times / len(answers.outputs)
    if share >= SAME_ANSWER:
        said = f"the {who} gives the same answer to {percent(share)} of items"
        return Check("answers_vary", False, said, shown(str(most)))
    return Check("answers_vary", True, f"{count(len(seen), 'different answer')} of the {who}")


def _answers_end(answers: Answers, who: str) -> Check:
    """Answers that are cut off before they say anything look like those of a hopeless model."""
    ended = [None] * len(answers.outputs) if not answers.ended else list(answers.ended)
    cut = [i for i, end in enumerate(ended) if end is False]
    share = len(cut) / len(ended)
    if share >= CUT_OFF and not answers.scores[cut].any():
        return Check(
            "answers_end",
            False,
            f"{percent(share)} of the {who}'s answers are cut off at their length, and not one of those scores: "
            "give them more tokens (max_gen_toks of a task, max_new_tokens of a suite)",
        )
    return Check("answers_end", True, f"{percent(share)} of the {who}'s answers are cut off at their length")


def _scores_vary(suite: PairedSuite, role: Role) -> Check:
    scores = suite.base.scores if role == "general" else np.concatenate([suite.base.scores, suite.candidate.scores])
    if np.ptp(scores) > 0:
        return Check("scores_vary", True, "scores differ between items")
    whose = "the base" if role == "general" else "base and candidate"
    if scores[0] > 0:
        seen = f"every answer of {whose} scores {percent(float(scores[0]))}"
        return Check("scores_vary", False, f"{seen}: a scorer that looks at nothing would do the same")
    return Check(
        "scores_vary", False, f"not one answer of {whose} scores: a broken scorer or reference would look the same"
    )


def _not_at_ceiling(suite: PairedSuite) -> Check:
    base = float(suite.base.scores.mean())
    if base >= CEILING:
        return Check("not_at_ceiling", False, f"the base scores {percent(base)}: the items are too easy to tell")
    return Check("not_at_ceiling", True, f"the base scores {percent(base)}")


def _has_something_to_lose(suite: PairedSuite, chance: Chance, alpha: float) -> list[Check]:
    """Above chance by its lower limit, and by more than hardly an item; the second is asked where the first holds."""
    above = _above_chance(suite, chance, alpha)
    return [above, _not_at_floor(suite, chance)] if above.ok else [above]


def _above_chance(suite: PairedSuite, chance: Chance, alpha: float) -> Check:
    """Lower limit of the base's score above what knowing nothing scores."""
    base, low = float(suite.base.scores.mean()), _lower_limit(suite.base.scores, suite.clusters, alpha)
    if low > chance.share:
        return Check("above_chance", True, f"the base scores {percent(base)}; chance is {chance}", chance.quote)
    return Check(
        "above_chance",
        False,
        f"the base is not shown to be above chance: it scores {percent(base)} on {count(suite.n, 'item')}, "
        f"at least {percent(low)}, and chance is {chance}",
        chance.quote,
    )


def _not_at_floor(suite: PairedSuite, chance: Chance) -> Check:
    above = float(suite.base.scores.mean()) - chance.share
    if above < FLOOR:
        return Check(
            "not_at_floor",
            False,
            f"the base is at the floor: {100 * above:.1f} points above chance, so that hardly an item is left to lose",
        )
    return Check("not_at_floor", True, f"the base is {100 * above:.1f} points above chance")


def _lower_limit(scores: FloatArray, clusters: tuple[str | None, ...], alpha: float) -> float:
    """One-sided lower limit. An interval for a proportion holds for any score from 0 to 1, if a little wide."""
    if np.isin(scores, (0.0, 1.0)).all():
        effect, df = design_effect(scores, clusters)
        return wilson_interval(float(scores.sum()) / effect, len(scores) / effect, 1 - 2 * alpha, df).low
    return mean_interval(scores.tolist(), clusters, 1 - 2 * alpha).low

"""What a gate decided, and every number behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from assay.findings import Verdict

from ..sensitivity.sensitivity import Sensitivity
from ..statistics.intervals import Interval
from .divergence import Divergence
from .limits import Limits
from .policy import Role


@dataclass(frozen=True)
class Change:
    """The candidate less the last release, on the items that both answered. previous: its mean score, None for the
    average over suites. limits: one-sided, None in a decision from before there were any; ci: of 95 %."""

    n: int
    previous: float | None
    difference: float
    ci: Interval
    limits: Limits | None = None

    @property
    def shown(self) -> Interval:
        return self.ci if self.limits is None else self.limits.interval

    def to_json(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "previous": self.previous,
            "difference": self.difference,
            "ci": list(self.ci),
            "limits": _limits_json(self.limits),
        }


@dataclass(frozen=True)
class ConstantAnswer:
    """What knowing nothing but the commonest answer scores, on the same items.

    answer    its beginning, which is text of a record: for people alone, and not where that is to be left out
    p_value   one-sided: that the candidate scores more
    at_worst  by how much more, at least: above 0 where that is proved
    """

    answer: str
    score: float
    p_value: float
    at_worst: float | None = None
    beaten: bool = False

    def to_json(self) -> dict[str, Any]:
        return {"score": self.score, "p_value": self.p_value, "at_worst": self.at_worst, "beaten": self.beaten}


@dataclass(frozen=True)
class LeastScore:
    """The candidate's score beside the least that the policy asks for.

    bound         the min_score
    p_value       one-sided: that the score is above it
    at_worst      lower limit of the score at alpha, above the bound where `met`
    at_best       upper limit at the level of this harm, below the bound where `missed`; None before the planned number
    met, missed   a score above it is proved; a score below it is
    items_needed  further items until it would probably be decided; None where it is, or where no number would do
    """

    bound: float
    score: float
    p_value: float
    at_worst: float
    at_best: float | None = None
    met: bool = False
    missed: bool = False
    items_needed: int | None = None

    @property
    def open(self) -> bool:
        return not (self.met or self.missed)

    def to_json(self) -> dict[str, Any]:
        return {
            "bound": self.bound,
            "score": self.score,
            "p_value": self.p_value,
            "at_worst": self.at_worst,
            "at_best": self.at_best,
            "met": self.met,
            "missed": self.missed,
            "items_needed": self.items_needed,
        }


@dataclass(frozen=True)
class SliceDecision:
    """One slice. guardrail and verdict are None where the policy does not name it: then it is shown only.

    p_value       one-sided: that the loss stays within the guardrail
    items_needed  further items of this slice until that would probably be decided
    """

    name: str
    n: int
    base: float
    candidate: float
    difference: float
    ci: Interval
    guardrail: float | None = None
    verdict: Verdict | None = None
    p_value: float | None = None
    items_needed: int | None = None
    limits: Limits | None = None

    @property
    def shown(self) -> Interval:
        return self.ci if self.limits is None else self.limits.interval

    def to_json(self) -> dict[str, Any]:
        return {
            "slice": self.name,
            "n": self.n,
            "base": self.base,
            "candidate": self.candidate,
            "difference": self.difference,
            "ci": list(self.ci),
            "guardrail": self.guardrail,
            "verdict": str(self.verdict) if self.verdict is not None else None,
            "p_value": self.p_value,
            "items_needed": self.items_needed,
            "limits": _limits_json(self.limits),
        }


@dataclass(frozen=True)
class SuiteDecision:
    """One suite. base, previous, candidate are mean scores; differences are candidate less base.

    margin        what the difference is held against: min_gain on a domain suite, the guardrail on a general one
    p_value       one-sided: that the gain exceeds min_gain, or that the loss stays within the guardrail
    items_needed  further items until it would probably be decided; None where it is, or where no number would do
    reason        the suite's verdict in words
    gains, losses items whose score rose and fell: together they are the flips
    answers_changed   items whose answer is another text, or another option
    kl            divergence from the base, None where it was not measured
    against_previous  the last release, where it was scored
    constant      what one answer to every item would score, on a domain suite where two items expect the same
    ci            of 95 %, a description; limits are one-sided, and those that decided
    graded        items for which base or candidate has a part of the credit
    least         the candidate's score beside the min_score, None where the policy asks for none
    """

    suite: str
    role: Role
    required: bool
    verdict: Verdict
    reason: str
    n: int
    base: float
    previous: float | None
    candidate: float
    difference: float
    ci: Interval
    margin: float
    p_value: float
    gains: int
    losses: int
    items_needed: int | None
    sensitivity: Sensitivity
    slices: tuple[SliceDecision, ...] = ()
    must_pass_failed: tuple[str, ...] = ()
    leaked: int = 0
    answers_changed: int = 0
    kl: Divergence | None = None
    against_previous: Change | None = None
    constant: ConstantAnswer | None = None
    limits: Limits | None = None
    graded: int = 0
    least: LeastScore | None = None

    @property
    def shown(self) -> Interval:
        """What stands beside the difference: the interval of the proofs, where there is one."""
        return self.ci if self.limits is None else self.limits.interval

    @property
    def flips(self) -> int:
        return self.gains + self.losses

    @property
    def guarded(self) -> tuple[SliceDecision, ...]:
        """The slices that the policy names."""
        return tuple(part for part in self.slices if part.verdict is not None)

    def to_json(self) -> dict[str, Any]:
        return {
            "suite": self.suite,
            "role": self.role,
            "required": self.required,
            "verdict": str(self.verdict),
            "reason": self.reason,
            "n": self.n,
            "base": self.base,
            "previous": self.previous,
            "candidate": self.candidate,
            "difference": self.difference,
            "ci": list(self.ci),
            "margin": self.margin,
            "p_value": self.p_value,
            "gains": self.gains,
            "losses": self.losses,
            "flips": self.flips,
            "answers_changed": self.answers_changed,
            "kl": self.kl.to_json() if self.kl is not None else None,
            "against_previous": self.against_previous.to_json() if self.against_previous is not None else None,
            "constant": self.constant.to_json() if self.constant is not None else None,
            "items_needed": self.items_needed,
            "limits": _limits_json(self.limits),
            "graded": self.graded,
            "min_score": self.least.to_json() if self.least is not None else None,
            "sensitivity": self.sensitivity.to_json(),
            "slices": [part.to_json() for part in self.slices],
            "must_pass_failed": list(self.must_pass_failed),
            "leaked": self.leaked,
        }


@dataclass(frozen=True)
class MacroDecision:
    """The average over the general suites, each with the same weight.

    p_value    that the loss stays within the margin (score test stratified over suites)
    verdict    PASS where that is proved, BLOCK where a loss is proved that the policy does not tolerate
    e_value    largest evidence that it does not
    e_items    items, in the fixed order of betting, after which that was proved; None where it was not
    kl         mean divergence from the base over the suites where it was measured; None where it was on none
    kl_limits  one-sided, at alpha
    against_previous  the same average, candidate less the last release
    limits     harm there is a loss of any size
    """

    suites: tuple[str, ...]
    n: int
    difference: float
    ci: Interval
    margin: float
    p_value: float
    p_loss: float
    e_value: float
    e_items: int | None
    items_needed: int | None
    verdict: Verdict = Verdict.INCONCLUSIVE
    kl: Divergence | None = None
    against_previous: Change | None = None
    limits: Limits | None = None
    kl_limits: Interval | None = None

    @property
    def shown(self) -> Interval:
        return self.ci if self.limits is None else self.limits.interval

    def to_json(self) -> dict[str, Any]:
        return {
            "suites": list(self.suites),
            "n": self.n,
            "difference": self.difference,
            "ci": list(self.ci),
            "margin": self.margin,
            "p_value": self.p_value,
            "p_loss": self.p_loss,
            "e_value": self.e_value,
            "e_items": self.e_items,
            "items_needed": self.items_needed,
            "verdict": str(self.verdict),
            "kl": self.kl.to_json() if self.kl is not None else None,
            "against_previous": self.against_previous.to_json() if self.against_previous is not None else None,
            "limits": _limits_json(self.limits),
            "kl_limits": None if self.kl_limits is None else list(self.kl_limits),
        }


@dataclass(frozen=True)
class Decision:
    """reasons     what decided, most important first
    notes       what a reader should know besides: suites not judged, leaks, checks not run
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    suites: tuple[SuiteDecision, ...]
    macro: MacroDecision | None
    items_needed: int | None
    certificate: str | None = None

    def __repr__(self) -> str:
        return f"Decision({self.sentence})"

    @property
    def confidence(self) -> float:
        """Of the intervals that are shown: 1 - 2 alpha, whose ends are the limits of the proofs; 0.95 in a decision
        from before there were any."""
        found = [suite.limits for suite in self.suites] + ([self.macro.limits] if self.macro is not None else [])
        return next((limits.confidence for limits in found if limits is not None), 0.95)

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        return f"{self.verdict}: {self.reasons[0]}" if self.reasons else str(self.verdict)

    def to_json(self) -> dict[str, Any]:
        """The document of `assay gate --json`."""
        return {
            "verdict": str(self.verdict),
            "reasons": list(self.reasons),
            "notes": list(self.notes),
            "suites": [suite.to_json() for suite in self.suites],
            "macro": self.macro.to_json() if self.macro is not None else None,
            "items_needed": self.items_needed,
            "certificate": self.certificate,
        }


def _limits_json(limits: Limits | None) -> dict[str, Any] | None:
    return None if limits is None else limits.to_json()

"""What a gate decided, and every number behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from assay.findings import Verdict

from .intervals import Interval
from .policy import Role
from .sensitivity import Sensitivity


@dataclass(frozen=True)
class SliceChange:
    """Mean scores on the items of one slice."""

    name: str
    n: int
    base: float
    candidate: float


@dataclass(frozen=True)
class SuiteDecision:
    """One suite. base, previous, candidate are mean scores; differences are candidate less base.

    margin        what the difference is held against: min_gain on a domain suite, the guardrail on a general one
    p_value       one-sided: that the gain exceeds min_gain, or that the loss stays within the guardrail
    items_needed  further items until it would probably be decided; None where it is, or where no number would do
    reason        the suite's verdict in words
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
    slices: tuple[SliceChange, ...] = ()
    must_pass_failed: tuple[str, ...] = ()
    leaked: int = 0

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
            "items_needed": self.items_needed,
            "sensitivity": self.sensitivity.to_json(),
            "slices": [{"slice": s.name, "n": s.n, "base": s.base, "candidate": s.candidate} for s in self.slices],
            "must_pass_failed": list(self.must_pass_failed),
            "leaked": self.leaked,
        }


@dataclass(frozen=True)
class MacroDecision:
    """The average over the general suites, each with the same weight.

    p_value    that the loss stays within the margin (score test stratified over suites)
    e_value    largest evidence that it does not
    e_items    items, in the fixed order of betting, after which that was proved; None where it was not
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

"""A judge held against people's verdicts on the same answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .agreement import Corrected, Rate, cohens_kappa
from .labels import Label
from .outcomes import TIE, graded, paired
from .questions import Asked, grade_request, key_of, pair_requests
from .settings import JudgeSettings, Mode

FEW = 30
"""Labels of one kind below which rates are so uncertain that it is said."""


@dataclass(frozen=True)
class Labelled:
    """A label with the texts that it is about; in JSON as it is kept, to calibrate from files again."""

    label: Label
    asked: Asked
    output: str
    other: str | None = None

    def requests(self, settings: JudgeSettings) -> tuple[Any, ...]:
        if self.other is None:
            return (grade_request(self.asked, self.output, settings),)
        return pair_requests(self.asked, self.output, self.other, settings)

    def keys(self, settings: JudgeSettings) -> tuple[str, ...]:
        return tuple(key_of(request, settings) for request in self.requests(settings))


@dataclass(frozen=True)
class Calibration:
    """sensitivity  grading: of the answers that people call right, those that the judge does too
                 pairwise: of the pairs in which people name a winner, those in which the judge names the same
    specificity  grading: of the answers that people call wrong, those that the judge does too
                 pairwise: of the pairs in which people name a winner, those in which the judge does not name the loser
    unscored     labels that the judge gave no readable verdict on
    """

    labels: int
    unscored: int
    sensitivity: Rate
    specificity: Rate
    kappa: Corrected | None
    pairwise: bool

    @property
    def slope(self) -> float | None:
        """How much of a true difference the judge shows."""
        se, sp = self.sensitivity.share, self.specificity.share
        return None if se is None or sp is None else se + sp - 1

    @property
    def slope_variance(self) -> float:
        """Rates are nudged to the middle, so that a judge without an error in few labels is not taken for perfect."""
        se = (self.sensitivity.hits + 1) / (self.sensitivity.n + 2)
        sp = (self.specificity.hits + 1) / (self.specificity.n + 2)
        if self.pairwise:  # both rates are of the same pairs: winner named +1, loser named -1
            return max(0.0, se + (1 - sp) - (se + sp - 1) ** 2) / (self.sensitivity.n + 2)
        return se * (1 - se) / (self.sensitivity.n + 2) + sp * (1 - sp) / (self.specificity.n + 2)

    @property
    def few(self) -> bool:
        return min(self.sensitivity.n, self.specificity.n) < FEW

    def to_json(self) -> dict[str, Any]:
        return {
            "labels": self.labels,
            "unscored": self.unscored,
            "sensitivity": self.sensitivity.to_json(),
            "specificity": self.specificity.to_json(),
            "kappa": None if self.kappa is None else self.kappa.to_json(),
        }


def calibrate(labelled: Sequence[Labelled], settings: JudgeSettings, replies: Mapping[str, str]) -> Calibration | None:
    """None without labels."""
    if not labelled:
        return None
    said = [(each.label.verdict, _verdict(each, settings, replies)) for each in labelled]
    both = [(people, judge) for people, judge in said if judge is not None]
    if settings.mode == "pairwise":
        decided = [(people, judge) for people, judge in both if people != "tie"]
        named = sum(people == judge for people, judge in decided)
        reversed_ = sum(judge not in (people, "tie") for people, judge in decided)
        sensitivity, specificity = Rate(named, len(decided)), Rate(len(decided) - reversed_, len(decided))
    else:
        sensitivity, specificity = (
            Rate(sum(judge == kind for people, judge in both if people == kind), sum(p == kind for p, _ in both))
            for kind in ("right", "wrong")
        )
    return Calibration(
        labels=len(labelled),
        unscored=len(said) - len(both),
        sensitivity=sensitivity,
        specificity=specificity,
        kappa=_kappa(both, settings.mode),
        pairwise=settings.mode == "pairwise",
    )


_TURNED = {"first": "second", "second": "first"}


def _kappa(both: Sequence[tuple[str, str]], mode: Mode) -> Corrected | None:
    """Which of two answers a label names first means nothing, so each pair counts in both orders."""
    turned = [(_TURNED.get(people, people), _TURNED.get(judge, judge)) for people, judge in both]
    everything = [*both, *turned] if mode == "pairwise" else both
    return cohens_kappa([people for people, _ in everything], [judge for _, judge in everything], len(both))


def _verdict(each: Labelled, settings: JudgeSettings, replies: Mapping[str, str]) -> str | None:
    """The judge's, in the words of a label."""
    if each.other is None:
        score = graded(each.asked, each.output, settings, replies)
        return None if score is None else "right" if score >= settings.pass_at - 1e-9 else "wrong"
    outcome = paired(each.asked, each.output, each.other, settings, replies).outcome
    if outcome is None:
        return None
    return "tie" if outcome == TIE else "first" if outcome > TIE else "second"

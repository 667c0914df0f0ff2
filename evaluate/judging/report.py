"""What must be known of a judge before its scores are believed, as numbers and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..evaluation import ModelName
from ..statistics.clusters import cluster_sums, design_effect
from ..statistics.intervals import Interval, mean_interval
from ..wording import count, names, percent, points
from .agreement import Corrected, corrected_ratio, rogan_gladen
from .calibration import Calibration, Labelled, calibrate
from .length import LengthControl, length_control
from .outcomes import TIE, Comparison, Judged, Row
from .settings import JudgeSettings

WHOSE: Mapping[ModelName, str] = {"base": "the base", "previous": "the previous release"}


@dataclass(frozen=True)
class Standing:
    """A share of a model's, as the judge said it and with its errors taken out.

    grading    the share of its answers that pass, out of n
    pairwise   its share of wins against another, ties as half, out of n
    """

    model: ModelName
    against: ModelName | None
    n: int
    share: float
    interval: Interval
    corrected: Corrected | None

    def to_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "against": self.against,
            "n": self.n,
            "share": self.share,
            "ci": list(self.interval),
            "corrected": None if self.corrected is None else self.corrected.to_json(),
        }


@dataclass(frozen=True)
class Orders:
    """Pairs asked in both orders; disagreed: those in which the two said different things; first: of these, those in
    which the answer shown first was preferred both times."""

    pairs: int
    disagreed: int
    first: int

    def to_json(self) -> dict[str, int]:
        return {"pairs": self.pairs, "disagreed": self.disagreed, "first": self.first}


@dataclass(frozen=True)
class JudgeReport:
    """unscored  items on which the judge gave base or candidate no score
    gain      grading: the difference of the two shares that pass, with the judge's errors taken out
    """

    judge: str
    mode: str
    unscored: tuple[str, ...]
    orders: Orders | None
    standings: tuple[Standing, ...]
    gain: Corrected | None
    length: LengthControl | None
    calibration: Calibration | None

    def to_json(self) -> dict[str, Any]:
        return {
            "judge": self.judge,
            "mode": self.mode,
            "calibrated": self.calibration is not None,
            "unscored": list(self.unscored),
            "orders": None if self.orders is None else self.orders.to_json(),
            "standings": [standing.to_json() for standing in self.standings],
            "gain_corrected": None if self.gain is None else self.gain.to_json(),
            "length": None if self.length is None else self.length.to_json(),
            "calibration": None if self.calibration is None else self.calibration.to_json(),
        }


def make_report(
    rows: Sequence[Row],
    found: Judged,
    labelled: Sequence[Labelled],
    settings: JudgeSettings,
    replies: Mapping[str, str],
) -> JudgeReport:
    calibration = calibrate(labelled, settings, replies)
    compared = [each for each in found.comparisons if (each.model, each.against) == ("candidate", "base")]
    known = [each for each in compared if each.pairing.outcome is not None]
    unscored = [
        row.item
        for row in rows
        if row.model in ("base", "candidate") and found.scores.get((row.item, row.model)) is None
    ]
    grading = settings.mode == "grade"
    return JudgeReport(
        judge=settings.name,
        mode=settings.mode,
        unscored=tuple(sorted(set(unscored))),
        orders=None if grading else _orders(found.comparisons),
        standings=tuple(
            _passing(rows, found, settings, calibration) if grading else _winning(found.comparisons, calibration)
        ),
        gain=_gain(rows, found, settings, calibration) if grading else None,
        length=length_control(
            np.array([each.pairing.outcome for each in known], dtype=float),
            np.array([each.more for each in known], dtype=float),
            [each.cluster for each in known],
        ),
        calibration=calibration,
    )


def _orders(comparisons: Sequence[Comparison]) -> Orders:
    asked = [each.pairing.orders for each in comparisons if each.pairing.orders is not None]
    return Orders(len(asked), sum(said != "same" for said in asked), sum(said == "first" for said in asked))


def _passing(
    rows: Sequence[Row], found: Judged, settings: JudgeSettings, calibration: Calibration | None
) -> list[Standing]:
    standings = []
    for model in dict.fromkeys(row.model for row in rows if row.model in ("base", "previous", "candidate")):
        passed, clusters = _passed(rows, found, settings, model)
        if not len(passed):
            continue
        effect = design_effect(passed, clusters).factor
        corrected = None
        if calibration is not None:
            n = len(passed) / effect
            corrected = rogan_gladen(float(passed.mean()), n, calibration.sensitivity, calibration.specificity)
        interval = mean_interval(passed.tolist(), clusters)
        standings.append(Standing(model, None, len(passed), float(passed.mean()), interval, corrected))
    return standings


def _passed(rows: Sequence[Row], found: Judged, settings: JudgeSettings, model: ModelName) -> tuple[Any, list[Any]]:
    scored = [(row, found.scores.get((row.item, model))) for row in rows if row.model == model]
    known = [(row, score) for row, score in scored if score is not None]
    passed = np.array([score >= settings.pass_at - 1e-9 for _, score in known], dtype=float)
    return passed, [row.cluster for row, _ in known]


def _gain(
    rows: Sequence[Row], found: Judged, settings: JudgeSettings, calibration: Calibration | None
) -> Corrected | None:
    """Of paired items. Base and candidate are taken to be judged with the same errors."""
    if calibration is None or calibration.slope is None:
        return None
    clusters = {row.item: row.cluster for row in rows}
    scores = [(found.scores.get((item, "base")), found.scores.get((item, "candidate")), item) for item in clusters]
    both = [(base, candidate, item) for base, candidate, item in scores if base is not None and candidate is not None]
    limit = settings.pass_at - 1e-9
    differences = np.array([float(candidate >= limit) - float(base >= limit) for base, candidate, _ in both])
    if len(differences) < 2:
        return None
    variance = _variance(differences, [clusters[item] for _, _, item in both])
    return corrected_ratio(float(differences.mean()), variance, calibration.slope, calibration.slope_variance)


def _winning(comparisons: Sequence[Comparison], calibration: Calibration | None) -> list[Standing]:
    standings = []
    pairs: list[tuple[ModelName, ModelName]] = [
        ("candidate", "base"),
        ("previous", "base"),
        ("candidate", "previous"),
    ]
    for model, against in pairs:
        known = [
            (each.pairing.outcome, each.cluster)
            for each in comparisons
            if (each.model, each.against) == (model, against) and each.pairing.outcome is not None
        ]
        if not known:
            continue
        outcomes = np.array([outcome for outcome, _ in known], dtype=float)
        clusters = [cluster for _, cluster in known]
        corrected = None
        if calibration is not None and calibration.slope is not None:
            net = corrected_ratio(
                2 * float(outcomes.mean() - TIE),
                4 * _variance(outcomes, clusters),
                calibration.slope,
                calibration.slope_variance,
            )
            corrected = None if net is None else _half(net)
        interval = mean_interval(outcomes.tolist(), clusters)
        standings.append(Standing(model, against, len(outcomes), float(outcomes.mean()), interval, corrected))
    return standings


def _half(net: Corrected) -> Corrected:
    """From wins less losses, -1 to 1, to a share of wins with ties as half."""
    low, high = net.interval
    return Corrected(TIE + net.estimate / 2, Interval(TIE + low / 2, TIE + high / 2))


def _variance(values: Any, clusters: Sequence[Any]) -> float:
    sums = cluster_sums(values - values.mean(), clusters)
    k = len(sums)
    return float((sums**2).sum()) * k / max(1, k - 1) / len(values) ** 2


def notes(suite: str, report: JudgeReport) -> list[str]:
    """What the verdict must say of this judge."""
    how = "grading" if report.mode == "grade" else "comparing each answer with the base's, in both orders"
    lines = [f"{suite}: judged by {report.judge}, {how}; {_calibrated(report)}"]
    lines += [f"{suite}: {line}" for line in (*_standings(report), *_length(report), *_orders_words(report))]
    if report.unscored:
        lines.append(
            f"{suite}: {count(len(report.unscored), 'item')} not scored, since the judge gave no answer that could be "
            f"read: {names(list(report.unscored))}"
        )
    return lines


def _calibrated(report: JudgeReport) -> str:
    calibration = report.calibration
    if calibration is None:
        return "not calibrated against human labels, so how often it errs is unknown"
    se, sp = calibration.sensitivity, calibration.specificity
    if se.share is None or sp.share is None:
        return f"not calibrated: its {count(calibration.labels, 'human label')} are all of one kind"
    kappa = calibration.kappa
    said = f"against {count(calibration.labels, 'human label')} its sensitivity is {percent(se.share)} "
    said += f"({_of(se.interval)}), its specificity {percent(sp.share)} ({_of(sp.interval)})"
    if kappa is not None:
        said += f", Cohen's kappa {kappa.estimate:.2f} ({kappa.interval.low:.2f} to {kappa.interval.high:.2f})"
    if calibration.unscored:
        said += f"; {count(calibration.unscored, 'label')} without a verdict of the judge"
    return said + ("; so few labels say little" if calibration.few else "")


def _standings(report: JudgeReport) -> list[str]:
    grading = report.mode == "grade"
    lines = []
    for each in report.standings:
        if grading:
            what = f"answers of {WHOSE.get(each.model, 'the candidate')} that pass"
        else:
            who = "the candidate" if each.model == "candidate" else WHOSE[each.model]
            what = f"{who} against {WHOSE[each.against or 'base']}, share of wins with ties as half"
        line = f"{what}: {percent(each.share)} ({_of(each.interval)}) by the judge"
        if each.corrected is not None:
            line += f", {percent(each.corrected.estimate)} ({_of(each.corrected.interval)}) corrected for its errors"
        elif report.calibration is not None:
            line += ", and cannot be corrected: it is not shown to agree with people beyond chance"
        lines.append(line + " (Rogan-Gladen)" if each.corrected is not None else line)
    if report.gain is not None:
        low, high = report.gain.interval
        lines.append(
            f"the gain in answers that pass, corrected for the judge's errors: {points(report.gain.estimate)} "
            f"({100 * low:+.1f} to {100 * high:+.1f})"
        )
    return lines


def _length(report: JudgeReport) -> list[str]:
    found = report.length
    if found is None or found.longer_wins is None or found.longer_interval is None:
        return []
    won = (
        f"the longer answer won {percent(found.longer_wins)} ({_of(found.longer_interval)}) of "
        f"{count(found.decided, 'decided comparison')}"
    )
    if found.adjusted is None or found.adjusted_interval is None:
        equal = "at equal length the win rate cannot be estimated, since lengths alone nearly tell who wins"
        if found.longer_interval.low <= 0.5:
            equal = "there are too few differences in length to adjust the win rate for it"
    else:
        equal = (
            f"the candidate's win rate against the base is {percent(found.win_rate)}, and at equal length "
            f"{percent(found.adjusted)} ({_of(found.adjusted_interval)})"
        )
    if found.prefers_length:
        return [f"the judge PREFERS LENGTH: {won}; {equal}"]
    return [f"{won}; {equal}"]


def _orders_words(report: JudgeReport) -> list[str]:
    orders = report.orders
    if orders is None or not orders.disagreed:
        return []
    return [
        f"the two orders disagreed on {orders.disagreed} of {count(orders.pairs, 'pair')}, counted as ties; "
        f"{orders.first} of these preferred the answer shown first both times"
    ]


def _of(interval: Interval) -> str:
    return f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"

"""A gate's decision, read back from its `decision.json`: what a page shows is what was decided then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.findings import Verdict

from ..gate.decision import Change, ConstantAnswer, Decision, LeastScore, MacroDecision, SliceDecision, SuiteDecision
from ..gate.divergence import Divergence
from ..gate.limits import limits_from_json
from ..sensitivity.check import Check
from ..sensitivity.power import Power, SlightDamage
from ..sensitivity.sensitivity import Sensitivity
from ..statistics.intervals import Interval

ALPHA = 0.05
"""At which a decision from before `beaten` was noted is taken to have proved a gain over the commonest answer."""


def decision_from_json(data: Mapping[str, Any]) -> Decision:
    """What `Decision.to_json` wrote. Raises KeyError, TypeError or ValueError for what is no such document."""
    macro = data["macro"]
    return Decision(
        verdict=Verdict(data["verdict"]),
        reasons=tuple(map(str, data["reasons"])),
        notes=tuple(map(str, data["notes"])),
        suites=tuple(_suite(suite) for suite in data["suites"]),
        macro=None if macro is None else _macro(macro),
        items_needed=data["items_needed"],
        certificate=data.get("certificate"),
    )


def _suite(data: Mapping[str, Any]) -> SuiteDecision:
    return SuiteDecision(
        suite=str(data["suite"]),
        role=data["role"],
        required=bool(data["required"]),
        verdict=Verdict(data["verdict"]),
        reason=str(data["reason"]),
        n=int(data["n"]),
        base=_number(data["base"]),
        previous=data["previous"],
        candidate=_number(data["candidate"]),
        difference=_number(data["difference"]),
        ci=_interval(data["ci"]),
        margin=_number(data["margin"]),
        p_value=_number(data["p_value"]),
        gains=int(data["gains"]),
        losses=int(data["losses"]),
        items_needed=data["items_needed"],
        sensitivity=_sensitivity(data["sensitivity"]),
        slices=tuple(_slice(part) for part in data["slices"]),
        must_pass_failed=tuple(map(str, data["must_pass_failed"])),
        leaked=int(data["leaked"]),
        answers_changed=int(data.get("answers_changed", 0)),
        kl=_divergence(data.get("kl")),
        against_previous=_change(data.get("against_previous")),
        constant=_constant(data.get("constant")),
        limits=limits_from_json(data.get("limits")),
        graded=int(data.get("graded", 0)),
        least=_least(data.get("min_score")),
    )


def _least(data: Mapping[str, Any] | None) -> LeastScore | None:
    if data is None:
        return None
    return LeastScore(
        bound=_number(data["bound"]),
        score=_number(data["score"]),
        p_value=_number(data["p_value"]),
        at_worst=_number(data["at_worst"]),
        at_best=data.get("at_best"),
        met=bool(data["met"]),
        missed=bool(data["missed"]),
        items_needed=data.get("items_needed"),
    )


def _constant(data: Mapping[str, Any] | None) -> ConstantAnswer | None:
    if data is None:
        return None
    answer, p, worst = str(data.get("answer") or ""), _number(data["p_value"]), data.get("at_worst")
    return ConstantAnswer(answer, _number(data["score"]), p, worst, bool(data.get("beaten", p < ALPHA)))


def _slice(data: Mapping[str, Any]) -> SliceDecision:
    return SliceDecision(
        name=str(data["slice"]),
        n=int(data["n"]),
        base=_number(data["base"]),
        candidate=_number(data["candidate"]),
        difference=_number(data["difference"]),
        ci=_interval(data["ci"]),
        guardrail=data.get("guardrail"),
        verdict=Verdict(data["verdict"]) if data.get("verdict") else None,
        p_value=data.get("p_value"),
        items_needed=data.get("items_needed"),
        limits=limits_from_json(data.get("limits")),
    )


def _macro(data: Mapping[str, Any]) -> MacroDecision:
    return MacroDecision(
        suites=tuple(map(str, data["suites"])),
        n=int(data["n"]),
        difference=_number(data["difference"]),
        ci=_interval(data["ci"]),
        margin=_number(data["margin"]),
        p_value=_number(data["p_value"]),
        p_loss=_number(data["p_loss"]),
        e_value=_number(data["e_value"]),
        e_items=data["e_items"],
        items_needed=data["items_needed"],
        verdict=Verdict(data.get("verdict", "INCONCLUSIVE")),
        kl=_divergence(data.get("kl")),
        against_previous=_change(data.get("against_previous")),
        limits=limits_from_json(data.get("limits")),
        kl_limits=_interval(data["kl_limits"]) if data.get("kl_limits") else None,
    )


def _sensitivity(data: Mapping[str, Any]) -> Sensitivity:
    checks = tuple(Check(str(check["name"]), check["ok"], str(check["detail"])) for check in data["checks"])
    return Sensitivity(bool(data["valid"]), tuple(map(str, data["reasons"])), checks, _power(data.get("power")))


def _power(data: Mapping[str, Any] | None) -> Power | None:
    if data is None:
        return None
    slight = data.get("slight_damage")
    damage = None
    if slight is not None:
        damage = SlightDamage(
            int(slight["items"]), _number(slight["difference"]), _interval(slight["ci"]), bool(slight["shown"])
        )
    changed, effect = _number(data["changed"]), _number(data["design_effect"])
    return Power(int(data["items"]), changed, effect, data["detectable"], damage)


def _divergence(data: Mapping[str, Any] | None) -> Divergence | None:
    """Its variance is not kept: nothing is proved of it here."""
    if data is None:
        return None
    return Divergence(int(data["n"]), _number(data["mean"]), _interval(data["ci"]), float("nan"), float("nan"))


def _change(data: Mapping[str, Any] | None) -> Change | None:
    if data is None:
        return None
    limits = limits_from_json(data.get("limits"))
    return Change(int(data["n"]), data["previous"], _number(data["difference"]), _interval(data["ci"]), limits)


def _interval(data: Any) -> Interval:
    low, high = data
    return Interval(_number(low), _number(high))


def _number(value: Any) -> float:
    """JSON has no word for what is not finite; a null stands for it."""
    return float("nan") if value is None else float(value)

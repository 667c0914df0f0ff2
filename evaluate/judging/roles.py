"""What a judge can show: one that compares with the base's own answers says nothing of general ability."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from assay.errors import SettingsError, SuiteError
from assay.suites import Suite

from ..evaluation import JUDGE
from ..gate.policy import Policy

WHY = "its judge is pairwise, so that the base scores 0.5 whatever it can do"
FIX = "use mode: grade for a general suite, or give it role: domain"


def is_pairwise(scorer: Any, settings: Mapping[str, Any]) -> bool:
    return scorer == JUDGE and settings.get("mode") == "pairwise"


def check_role(suite: Suite) -> None:
    """Raises SuiteError where the suite's own file calls it general."""
    if suite.role == "general" and is_pairwise(suite.scorer, suite.scorer_settings):
        raise SuiteError(f"is of the role general, and {WHY}", where=str(suite.path), fix=FIX)


def check_policy_roles(policy: Policy, scorers: Iterable[tuple[str, Mapping[str, Any]]], where: Path) -> None:
    """Raises SettingsError where the policy gives such a suite the role general. scorers: by suite, with settings"""
    for name, scorer in scorers:
        role = policy.suites.get(name)
        if role is not None and role.role == "general" and is_pairwise(scorer.get("name"), scorer):
            raise SettingsError(f"'{name}' has the role general, and {WHY}", where=str(where), fix=FIX)

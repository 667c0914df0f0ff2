"""Policies for synthetic suites, and what a gate said of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assay.evaluate.evaluation import Evaluation
from assay.evaluate.gate.decision import Decision
from assay.evaluate.gate.policy import Policy, SuitePolicy

Make = Callable[..., Evaluation]


def policy(general: list[Any], **settings: Any) -> Policy:
    suites = {"support": SuitePolicy("domain"), **{item.name: SuitePolicy("general") for item in general}}
    return Policy(**({"suites": suites} | settings))


def by_name(decision: Decision) -> dict[str, Any]:
    return {item.suite: item for item in decision.suites}

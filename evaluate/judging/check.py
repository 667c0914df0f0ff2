"""What can be known of a judge before anything is asked: its labels, and about what it will cost."""

from __future__ import annotations

from collections.abc import Iterator

from assay.errors import AssayError
from assay.findings import Severity
from assay.protocols import Price
from assay.suites import Suite

from ..scorer import ReadyScorer
from ..suites.problem import SuiteProblem
from ..wording import count
from .bench import LOCAL, Sitting, estimate, read_judge
from .roles import check_role


def judge_problems(suite: Suite, scoring: ReadyScorer) -> Iterator[SuiteProblem]:
    """Nothing is sent, and no key is needed."""
    from assay.stages import PROVIDERS

    try:
        check_role(suite)
    except AssayError as error:
        yield SuiteProblem("judge_role", Severity.ERROR, str(error))
        return
    try:
        settings, labels = read_judge(suite, scoring)
    except AssayError as error:
        yield SuiteProblem("judge_labels", Severity.ERROR, str(error))
        return
    try:
        PROVIDERS.get(settings.provider)
    except AssayError as error:
        yield SuiteProblem("judge_provider", Severity.ERROR, str(error))
    price = settings.price or Price(0.0, 0.0)
    sitting = Sitting(suite, settings, labels, None)
    cost = estimate(sitting, {"base": len(suite.items), "candidate": len(suite.items)}, price)
    free = settings.price is None
    said = f"base and candidate take {count(cost.requests, 'request')} to {settings.name}"
    if not free:
        said += f", about ${cost.about_usd:.4f}; the cap is ${settings.max_usd:.2f}"
    elif settings.provider != LOCAL:
        said += "; without a price its cost is not known, and a paid model is refused: give price"
    yield SuiteProblem("judge_cost", Severity.INFO, f"{said}. A damaged candidate and a last release come on top")
    if cost.about_usd > settings.max_usd:
        yield SuiteProblem("judge_cap", Severity.WARNING, "the cap would end the judge before all is judged: max_usd")
    if not labels:
        yield SuiteProblem(
            "not_calibrated", Severity.WARNING, "no human labels: how often this judge errs will be unknown (labels)"
        )

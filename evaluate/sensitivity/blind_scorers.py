"""A scorer that does not look at which answer was given counts another item's reference as it counts the item's own."""

from __future__ import annotations

from assay.errors import SuiteError
from assay.suites import Suite, SuiteItem
from assay.text import normalize

from ..scorer import ReadyScorer
from .response import derange


def scores_any_answer(suite: Suite, scoring: ReadyScorer) -> int:
    """On how many items another item's reference, of other words, scores no less than the item's own; 0 where it scores
    less on any of them, or where no item can be tried.

    An item whose scorer raises, or lacks something, is left out: other checks tell of it.
    """
    if not scoring.is_answer or scoring.scorer.runs_code or scoring.scorer.judged:
        return 0
    items = [item for item in suite.items if item.reference.strip() and not scoring.lacking(item)]
    others = derange([item.reference for item in items], 0)
    tried = 0
    for item, other in zip(items, others, strict=True):
        if normalize(other) == normalize(item.reference):
            continue
        own, swapped = _score(scoring, item, item.reference), _score(scoring, item, other)
        if own is None or swapped is None:
            continue
        if swapped < own:
            return 0
        tried += 1
    return tried


def _score(scoring: ReadyScorer, item: SuiteItem, answer: str) -> float | None:
    try:
        return scoring(answer, item.reference, f"item '{item.id}'", scoring.context_of(item))
    except SuiteError:
        return None

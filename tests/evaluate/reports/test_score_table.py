"""The table of scores for a terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assay.evaluate.evaluation import Evaluation, Leak
from assay.evaluate.reports.score_table import score_table


def test_models_stand_side_by_side_with_their_intervals(synthetic: Callable[..., Evaluation], suite: Any) -> None:
    lines = score_table(synthetic(suite("facts", n=50), suite("grammar", n=100, p_damaged=None))).splitlines()
    assert lines[0].split() == ["suite", "n", "base", "candidate", "damaged"]
    assert lines[1].split()[:2] == ["facts", "50"] and lines[1].count("[") == 3
    assert lines[2].split()[:2] == ["grammar", "100"] and lines[2].split()[-1] == "-"
    assert "must score lower" in lines[4] and lines[5] == "leaks: none"


def test_what_is_known_of_leaks_is_said(synthetic: Callable[..., Evaluation], suite: Any) -> None:
    one = (Leak("facts", "facts-1", "r", "exact"),)
    assert "leaks: 1 item of the suites" in score_table(synthetic(suite("facts", n=5), leaks=one))
    assert "leaks: UNKNOWN" in score_table(synthetic(suite("facts", n=5), leaks=None))

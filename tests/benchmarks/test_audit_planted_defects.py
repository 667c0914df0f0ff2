"""The audit's precision and recall on the sample data, kind by kind, and that the scoring can fail."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

KINDS = {
    "contradiction_date",
    "contradiction_label",
    "contradiction_number",
    "contradiction_polarity",
    "contradiction_refusal",
    "cut_off_answer",
    "empty_turn",
    "evaluation_leak",
    "exact_duplicate",
    "near_duplicate",
    "no_answer",
    "over_long_answer",
    "repetition",
    "role_order",
    "special_token_in_text",
    "tool_call_schema",
    "unfilled_placeholder",
    "unknown_role",
}
FLOOR = 0.9
"""Of precision and of recall, for every kind."""


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "audit_planted_defects.py"
    spec = importlib.util.spec_from_file_location("audit_planted_defects", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_every_kind_of_planted_defect_is_found_and_little_else(benchmark: ModuleType) -> None:
    audited = benchmark.run_audit(benchmark.SAMPLE_DATA)
    truth = benchmark.read_truth(benchmark.SAMPLE_DATA / "ground_truth.jsonl")
    scores = benchmark.score(benchmark.flags_of(audited), truth)
    assert {kind for kind, item in scores.items() if item.planted} == KINDS
    low = {kind: (item.precision, item.recall) for kind, item in scores.items() if _lower(item) < FLOOR}
    assert low == {}


def _lower(item: object) -> float:
    precision, recall = getattr(item, "precision", None), getattr(item, "recall", None)
    return min(precision or 0.0, recall or 0.0)


def test_a_miss_and_a_false_alarm_lower_the_score(benchmark: ModuleType) -> None:
    truth = {
        1: [{"kind": "no_answer", "role": "defect", "note": ""}],
        2: [{"kind": "no_answer", "role": "defect", "note": ""}],
        3: [{"kind": "clean_trap", "role": "sound", "note": ""}],
    }
    scores = benchmark.score({1: {"no_answer": "x"}, 3: {"no_answer": "x"}, 4: {"no_answer": "x"}}, truth)
    assert scores["no_answer"].recall == 1 / 2
    assert scores["no_answer"].precision == 1 / 3


def test_what_is_done_without_assay_is_measured_on_the_same_records(benchmark: ModuleType) -> None:
    audited = benchmark.run_audit(benchmark.SAMPLE_DATA)
    truth = benchmark.read_truth(benchmark.SAMPLE_DATA / "ground_truth.jsonl")
    flags = benchmark.common_practice(audited, benchmark.SAMPLE_DATA)
    scores = benchmark.score(flags, truth, tells_contradictions=False)
    assert scores["exact_duplicate"].recall == 1.0
    assert scores["evaluation_leak"].recall < 1.0
    assert scores["contradiction_number"].recall == 1.0

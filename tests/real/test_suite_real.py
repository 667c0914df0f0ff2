"""Suites set aside from data that no one here wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.dataset import Dataset
from assay.evaluate.suites.check import check_suite
from assay.evaluate.suites.init import init_suite
from assay.sources import ReadSettings, read
from assay.suites import read_suite


@pytest.mark.parametrize(
    ("file", "columns", "scorer", "least"),
    [
        ("domain/banking77/train.csv", {"prompt": "text", "answer": "category"}, "exact_match", 300),
        ("instruction/llamafactory/alpaca_en_demo.json", {}, "rouge", 200),
        ("instruction/llamafactory/glaive_toolcall_en_demo.json", {}, "rouge", 40),
        ("instruction/t0_prompt_completion/glue_qqp_duplicate.jsonl", {}, "normalised_match", 50),
    ],
)
def test_a_suite_of_real_data_accounts_for_every_record_and_passes_its_check(
    shared: Path, tmp_path: Path, file: str, columns: dict[str, str], scorer: str, least: int
) -> None:
    """least: how many items curate's opinion of the data must leave; it grows stricter with every check."""
    data = read([str(shared / "data" / file)], ReadSettings(columns=columns))
    made = init_suite(data, tmp_path, name="real")
    suite, training = read_suite(made.suite_path), Dataset.read_parquet(made.training_path)
    assert suite.scorer == scorer and least <= len(suite.items) == made.items <= max(300, len(data) // 4)
    assert made.items + made.training + made.set_aside == len(data) and len(training) == made.training
    problems = check_suite(suite, training=training)
    assert [problem.problem for problem in problems if problem.severity == "error"] == []


def test_banking77_is_set_aside_in_proportion_over_its_77_intents(shared: Path, tmp_path: Path) -> None:
    data = read(
        [str(shared / "data" / "domain" / "banking77" / "train.csv")],
        ReadSettings(columns={"prompt": "text", "answer": "category"}),
    )
    suite = read_suite(init_suite(data, tmp_path, name="banking").suite_path)
    counts = {item.reference: 0 for item in suite.items}
    for item in suite.items:
        counts[item.reference] += 1
    assert len(counts) == 77 and max(counts.values()) <= 6

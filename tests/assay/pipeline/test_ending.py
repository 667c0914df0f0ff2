"""The end of a pipeline says the same in the terminal and on the page."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from assay.pipeline.ending import ending, sparkline, typed
from assay.pipeline.outcome import Bar, CheckCount, DataFacts, Outcome, ScoreRow, StageRun, TrainingFacts
from assay.pipeline.summary_page import write_page

HOSTILE = "<img src=x onerror=alert(1)> {{ 7 * 7 }}"


@pytest.fixture
def outcome(tmp_path: Path) -> Outcome:
    row = ScoreRow(
        "support", "domain", "PASS", 270, Bar("10.0", 10, 7, 7), Bar("80.5", 80.5, 75, 10), "+70.5", worse=False
    )
    return Outcome(
        model="tiny",
        decision={"verdict": "PASS", "reasons": ["support is better"], "suites": []},
        data=DataFacts(
            "fit after curation",
            (f"a reason with {HOSTILE}",),
            {"read": 10, "kept": 7, "repaired": 0, "dropped": 2, "held": 1},
            (CheckCount("exact_duplicate", 4, 2),),
        ),
        synth={"accepted": 3, "answered": 9, "spent": {"usd": 0.0}, "refused": {"cut": 6}},
        training=TrainingFacts("QLoRA adapter.", ("loss rises",), ((1, 2.0), (2, 1.0)), ((0, 2.5), (2, 0.5)), None),
        scores=(row,),
        stages=(StageRun("train", "train-1", tmp_path, 12.0, reused=False),),
        certificate=tmp_path / "certificate.json",
        adapter=tmp_path / "adapter",
        page=tmp_path / "report.html",
    )


def test_the_terminal_shows_audit_curve_scores_and_verdict(outcome: Outcome) -> None:
    text = ending(outcome)
    for expected in (
        "10 read = 7 kept + 0 repaired + 2 dropped + 1 held",
        "exact_duplicate     4  in 2 groups",
        "3 accepted of 9 answers",
        "6 by cut",
        "2.50 █▁ 0.50",
        "10.0 ->  80.5",
        "\nPASS\n",
        "warning: loss rises",
    ):
        assert expected in text
    assert text.splitlines()[-1] == f"workbench    assay ui {outcome.page.parent}"


def test_the_workbench_is_named_as_it_can_be_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", [".venv/bin/assay", "demo"])
    monkeypatch.setenv("PATH", "/nowhere")
    assert typed() == ".venv/bin/assay"
    monkeypatch.setattr("sys.argv", ["/usr/lib/python3/assay/cli.py", "demo"])
    assert typed() == "assay"


def test_a_pipeline_that_ended_early_shows_what_there_is(outcome: Outcome) -> None:
    text = ending(replace(outcome, decision=None, scores=(), synth=None, training=None, certificate=None))
    assert "10 read" in text and "PASS" not in text and "certificate" not in text


def test_the_page_says_the_same_and_text_is_inert(outcome: Outcome, tmp_path: Path) -> None:
    write_page(outcome, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    for expected in ("PASS", "The adapter is fit to release.", "exact_duplicate", "80.5", "QLoRA adapter.", "train-1"):
        assert expected in page
    assert "<img src=x" not in page and "{{ 7 * 7 }}" in page


def test_the_page_fetches_nothing(outcome: Outcome, tmp_path: Path) -> None:
    write_page(outcome, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)""", page) == []
    assert "default-src 'none'" in page


def test_a_sparkline_has_the_shape_of_its_values() -> None:
    assert sparkline([0.0, 1.0]) == "▁█"
    assert sparkline([1.0, 1.0, 1.0]) == "▁▁▁"
    falling = sparkline([float(n) for n in range(100, 0, -1)], width=10)
    assert len(falling) == 10 and falling[0] == "█" and falling[-1] == "▁"

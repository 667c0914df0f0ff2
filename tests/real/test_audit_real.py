"""The audit on real data sets finds what is known to be wrong with them. Needs ../shared (or ASSAY_SHARED)."""

from __future__ import annotations

import csv
import os
import time
from pathlib import Path

import pytest

from assay.curate.stage import Audited, audit
from assay.findings import Severity
from assay.sources import ReadSettings, read
from assay.suites import EvaluationText

SHARED = Path(os.environ.get("ASSAY_SHARED", Path(__file__).resolve().parents[3] / "shared")) / "data"
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="needs the shared data")

LLAMAFACTORY = SHARED / "instruction" / "llamafactory"
BANKING = SHARED / "domain" / "banking77"
COLUMNS = {"prompt": "text", "answer": "category"}


def audited(path: Path) -> Audited:
    return audit(read([str(path)]))


def superfluous(result: Audited, check: str) -> int:
    """Copies beyond the first of each group."""
    counts = result.summary[check]
    return counts["records"] - counts["groups"]


def test_alpaca_has_fourteen_duplicates_and_answers_that_look_cut_off() -> None:
    result = audited(LLAMAFACTORY / "alpaca_en_demo.json")
    assert superfluous(result, "exact_duplicate") == 14
    assert result.summary["cut_off_answer"]["records"] >= 7
    placeholders = [finding for finding in result.findings if finding.check == "unfilled_placeholder"]
    assert sum(finding.severity is Severity.ERROR for finding in placeholders) <= 2
    assert "repetition" not in result.summary
    assert "contradiction" not in result.summary


def test_identity_has_its_placeholders_and_its_prompts_with_two_answers() -> None:
    result = audited(LLAMAFACTORY / "identity.json")
    assert result.summary["unfilled_placeholder"]["records"] == 85
    assert result.summary["conflicting_answers"]["groups"] == 2
    assert "contradiction" not in result.summary


def test_glaive_has_its_repeated_conversations() -> None:
    result = audited(LLAMAFACTORY / "glaive_toolcall_en_demo.json")
    repeated = superfluous(result, "exact_duplicate") + superfluous(result, "near_duplicate")
    assert 37 <= repeated <= 45


def test_banking77_is_audited_whole_with_its_leaks_and_conflicts() -> None:
    with (BANKING / "test.csv").open(newline="") as file:
        texts = [EvaluationText("test", str(n), row["text"]) for n, row in enumerate(csv.DictReader(file))]
    train = read([str(BANKING / "train.csv")], ReadSettings(columns=COLUMNS))
    started = time.perf_counter()
    result = audit(train, evaluation_texts=texts)
    assert time.perf_counter() - started < 20
    assert len(train) == 10_003
    leaked = {finding.evidence["item"] for finding in result.findings if finding.check == "evaluation_leak"}
    assert 25 <= len(leaked) <= 27
    assert result.summary["contradiction"] == {"records": 2, "groups": 1}


def test_both_halves_of_banking77_hold_two_texts_with_conflicting_labels() -> None:
    both = read([str(BANKING / "train.csv"), str(BANKING / "test.csv")], ReadSettings(columns=COLUMNS))
    result = audit(both)
    assert len(both) == 13_083
    assert result.summary["contradiction"]["groups"] == 2

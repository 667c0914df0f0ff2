"""Checks of what answers say on real data: what a person found right when reading it is found, and no more.

Each number was read: GSM8K's one wrong solution ("$32 - $20 = $300"), code that lost its indentation, a model that
calls itself Vicuna or says that OpenAI made it. The sound texts are sound.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from assay.curate.check import CHECKS, SAMPLED_RECORDS, Context, evenly
from assay.findings import Finding, Severity
from assay.records import Record
from assay.sources import read
from assay.sources.convert import as_dataset


def findings(name: str, records: list[Record], severity: Severity | None = None) -> list[Finding]:
    check, context = CHECKS.get(name), Context(records, sampled=evenly(records, SAMPLED_RECORDS))
    found = [finding for record in records for finding in check.function(record, context)]
    return [finding for finding in found if severity in (None, finding.severity)]


@pytest.fixture
def instruction(shared: Path) -> Path:
    return shared / "data" / "instruction"


def records_of(path: Path) -> list[Record]:
    return list(read([str(path)]).records())


def test_of_all_solutions_of_gsm8k_the_one_wrong_result_is_found(shared: Path) -> None:
    records = records_of(shared / "data" / "general" / "gsm8k" / "test.jsonl")
    assert len(records) == 1_319
    found = findings("arithmetic", records)
    assert [finding.evidence["expression"] for finding in found] == ["$32 - $20"]


def test_code_that_lost_its_indentation_is_found(instruction: Path) -> None:
    glaive = records_of(instruction / "llamafactory" / "glaive_toolcall_en_demo.json")
    found = findings("code_syntax", glaive)
    assert len(found) == 7
    assert all("expected an indented block" in finding.message for finding in found)
    alpaca = records_of(instruction / "llamafactory" / "alpaca_en_demo.json")
    assert len(findings("code_syntax", alpaca)) == 1


def test_a_model_that_says_it_is_another_is_found(instruction: Path, shared: Path) -> None:
    vicuna = records_of(instruction / "fastchat" / "data" / "dummy_conversation.json")
    assert len({finding.row_id for finding in findings("boilerplate", vicuna, Severity.ERROR)}) >= 60
    path = shared / "data" / "pii_safety" / "xstest" / "model_completions" / "xstest_v2_completions_gpt4.csv"
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        rows = [{"prompt": row["prompt"], "completion": row["completion"]} for row in csv.DictReader(file)]
    found = findings("boilerplate", list(as_dataset(rows).records()), Severity.ERROR)
    assert found and all("OpenAI" in finding.message for finding in found)


@pytest.mark.parametrize(
    "name", ["arithmetic", "code_syntax", "json_syntax", "mojibake", "wrong_language", "prompt_echo"]
)
@pytest.mark.parametrize("file", ["ARC-Challenge", "openbookqa"])
def test_sound_questions_are_left_alone(shared: Path, name: str, file: str) -> None:
    path = shared / "data" / "general" / "llm_adapters_benchmarks" / file / "test.json"
    assert findings(name, records_of(path)) == []


@pytest.mark.parametrize("name", ["mojibake", "wrong_language", "prompt_echo"])
def test_english_instructions_without_such_defects_are_left_alone(instruction: Path, name: str) -> None:
    for file in ("llamafactory/alpaca_en_demo.json", "self_instruct/human_eval/user_oriented_instructions.jsonl"):
        assert findings(name, records_of(instruction / file)) == []

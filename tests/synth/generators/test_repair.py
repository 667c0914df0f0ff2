"""A contradiction that curate held is resolved by what a source says, and by nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assay.api import curate
from assay.curate.outputs import write_curated
from assay.dataset import Dataset
from assay.errors import SettingsError, SourceError
from assay.records import Message, Record, Source, record_id, row_id

QUESTION = "How many days do customers have to return an unused valve?"
POLICY = """# Returns

An unused valve may be returned within 30 days of delivery.

# Delivery

Parcels are sent on the day of the order, and take three days.
"""


def record(number: int, question: str, answer: str) -> Record:
    messages = (Message("user", question), Message("assistant", answer))
    return Record(record_id(messages), row_id("s", number), messages, Source("s.jsonl", number + 1, number))


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str]:
    """(what curate wrote about two records that contradict each other, the source)"""
    data = Dataset.from_records(
        [
            record(0, QUESTION, "Customers have 30 days to return an unused valve."),
            record(1, QUESTION, "Customers have 14 days to return an unused valve."),
            record(2, "When is the shop open?", "The shop is open from nine to five on every day but Sunday."),
        ]
    )
    curated = curate(data)
    assert len(curated.held) == 2
    write_curated(curated, tmp_path / "curated")
    (tmp_path / "policy.md").write_text(POLICY, encoding="utf-8")
    return str(tmp_path / "curated"), str(tmp_path / "policy.md")


def test_the_answer_of_the_source_takes_the_place_of_both(api: Any, generate: Any, folders: tuple[str, str]) -> None:
    quote = "An unused valve may be returned within 30 days of delivery."
    api.reply = lambda asked: json.dumps(
        {"answer": "Customers have 30 days of delivery to return an unused valve.", "quote": quote}
    )
    result = generate([], "repair", count=1, curated=folders[0], sources=[folders[1]])
    [new] = result.data.records()
    assert new.messages[0].content == QUESTION and "30 days" in new.answer
    [source] = new.meta["synth"]["sources"]
    assert source["quote"] == quote and POLICY[source["start"] : source["end"]] == quote
    assert len(new.parents) == 2 and len(new.meta["synth"]["replaces"]) == 2
    asked = api.answered[0]
    assert "14 days" in asked and "Source 1:\nAn unused valve" in asked


@pytest.mark.parametrize(
    ("answer", "step"),
    [
        ({"answer": "unknown", "quote": ""}, "unknown"),
        ({"answer": "unknown", "quote": "none"}, "unknown"),
        ({"answer": "Customers have 30 days.", "quote": "within thirty days, always"}, "quote"),
        ({"answer": "Purple elephants decide freely.", "quote": "within 30 days of delivery"}, "unsupported"),
    ],
)
def test_without_a_span_that_decides_nothing_is_repaired(
    answer: Any, step: str, api: Any, generate: Any, folders: tuple[str, str]
) -> None:
    api.reply = lambda asked: json.dumps(answer)
    result = generate([], "repair", count=1, curated=folders[0], sources=[folders[1]])
    assert result.refused == {step: 1} and not result.replaced


def test_what_it_needs_is_said(generate: Any, folders: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="a source"):
        generate([], "repair", count=1)
    with pytest.raises(SourceError, match=r"held\.parquet"):
        generate([], "repair", count=1, curated=str(tmp_path), sources=[folders[1]])

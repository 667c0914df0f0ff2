"""What is rare is found and filled; of an evaluation only names of slices and scores are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.errors import SettingsError
from assay.records import Message, Record, Source, record_id, row_id
from assay.synth.starting.gaps import failed_slices, label_gaps, length_gaps, topic_gaps

CITIES = ["Oslo", "Rome", "Bonn", "Lyon", "Graz", "Bern", "Porto", "Leeds", "Turin", "Ghent", "Delft", "Basel"]


def record(number: int, prompt: str, answer: str, **meta: Any) -> Record:
    messages = (Message("user", prompt), Message("assistant", answer))
    source = Source("s.jsonl", number + 1, number)
    return Record(record_id(messages), row_id("s", number), messages, source, meta=meta)


def intents() -> list[Record]:
    many = [record(n, f"My card from {city} was charged twice.", "double charge") for n, city in enumerate(CITIES)]
    more = [record(20 + n, f"How do I top up in {city}?", "top up") for n, city in enumerate(CITIES)]
    return [*many, *more, record(50, "My card fell into the river at Oslo.", "lost card")]


def test_a_rare_label_gets_prompts_of_its_own_and_keeps_its_answer(api: Any, generate: Any) -> None:
    api.reply = lambda asked: f'New message: "I think somebody took it at {CITIES[len(api.seen)]} station"'
    result = generate(intents(), "fill_gaps", count=3, kinds=["labels"])
    assert {item.answer for item in result.data.records()} == {"lost card"} and len(result.data) == 3
    assert all('"lost card"' in text for text in api.answered)
    [gap] = {tuple(item.meta["synth"]["settings"]["gap"].items()) for item in result.data.records()}
    assert dict(gap) == {"kind": "label", "name": "lost card"}


def test_a_prompt_that_says_its_label_is_refused(api: Any, generate: Any) -> None:
    api.reply = lambda asked: f"This is about a lost card in {CITIES[len(api.seen)]}."
    assert set(generate(intents(), "fill_gaps", count=1, kinds=["labels"], per_gap=2).refused) == {"label"}


def test_labels_in_proportion_leave_no_gap(generate: Any) -> None:
    with pytest.raises(SettingsError, match="no gap"):
        generate(intents()[:24], "fill_gaps", count=1, kinds=["labels"])


def test_topics_of_a_column_and_of_words() -> None:
    rows = [record(n, f"Question {n} of {city}", "Yes it is.", product="valve") for n, city in enumerate(CITIES)]
    rows += [record(40, "Question of the pump", "Yes.", product="pump")]
    assert [(gap.name, gap.missing) for gap in topic_gaps(rows, 0.5, "product")] == [("pump", 5)]
    talk = [record(n, f"refund invoice payment {n}", "x") for n in range(24)]
    talk += [record(30 + n, f"parcel courier delivery {n}", "x") for n in range(24)]
    talk += [record(100 + n, f"thermostat valve heating {n}", "x") for n in range(3)]
    gaps = list(topic_gaps(talk, 0.5, None))
    assert any("thermostat" in gap.name and len(gap.examples) == 3 for gap in gaps)


def test_lengths_that_are_missing_altogether_are_gaps(api: Any, generate: Any) -> None:
    rows = [record(n, f"What is {city} like?", "Small and old.") for n, city in enumerate(CITIES)]
    assert [gap.name for gap in length_gaps(rows, 0.5)] == ["long-form", "medium"]
    api.reply = lambda asked: (
        "word " * 160
        if "at least 150" in asked
        else (
            "short"
            if "Answer in" in asked
            else f"Tell me all of the history of {CITIES[len(api.seen) % 12]} at length, please"
        )
    )
    result = generate(rows, "fill_gaps", count=2, kinds=["lengths"], per_gap=3)
    assert {len(item.answer.split()) for item in result.data.records()} == {160}
    assert all("Answer in" not in item.messages[0].content for item in result.data.records())
    assert "length" in result.refused


def write_items(path: Path) -> None:
    rows = [
        {"suite": "s", "item_id": str(n), "prompt_hash": "h", "model": model, "slice": part, "score": score,
         "output": "SECRET-ITEM", "cluster": "SECRET-ITEM"}
        for n in range(4)
        for model, part, score in (("candidate", "billing", 0.25), ("candidate", "mail", 1.0), ("base", "mail", 0.0))
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), path / "items.parquet")


def test_slices_that_the_candidate_failed_are_asked_for_by_name_and_no_item_is_looked_at(
    api: Any, generate: Any, tmp_path: Path
) -> None:
    write_items(tmp_path)
    assert failed_slices(str(tmp_path), 0.5) == [("billing", 0.25)]
    api.reply = lambda asked: (
        f"Why does my bill of {CITIES[len(api.seen) % 12]} name a fee?"
        if "New message:" in asked
        else "It is the base fee."
    )
    result = generate(intents(), "fill_gaps", count=2, kinds=["slices"], evaluation=str(tmp_path))
    assert len(result.data) == 2 and any("about billing" in text for text in api.answered)
    assert not any("SECRET-ITEM" in str(body) for body in api.seen)


def test_no_labels_no_label_gaps() -> None:
    rows = [
        record(n, f"Tell me of {city}", f"A long story about {city} and its river " * 3)
        for n, city in enumerate(CITIES)
    ]
    assert list(label_gaps(rows, 0.5)) == []


def test_slices_without_an_evaluation_are_said(generate: Any) -> None:
    with pytest.raises(SettingsError, match="evaluation"):
        generate(intents(), "fill_gaps", count=1, kinds=["slices"])

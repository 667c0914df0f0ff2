"""Checks of meaning on real data: what is planted is found, and sound data is left alone."""

from __future__ import annotations

import csv
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from assay.curate.check import CHECKS, Context
from assay.curate.meaning.prompts import pairs_of
from assay.findings import Severity
from assay.records import Record
from assay.sources import ReadSettings, read

pytestmark = pytest.mark.skipif(find_spec("wordllama") is None, reason="needs the extra: meaning")


@pytest.fixture
def alpaca(shared: Path) -> list[Record]:
    path = shared / "data" / "instruction" / "llamafactory" / "alpaca_en_demo.json"
    return list(read([str(path)], ReadSettings()).records())


def rows_found(records: list[Record], severity: Severity) -> set[int]:
    place = {record.row_id: position for position, record in enumerate(records)}
    findings = CHECKS.get("off_topic_answer").function(records, Context(records))
    return {place[finding.row_id] for finding in findings if finding.severity is severity}


def with_answers(records: list[Record], rows: np.ndarray, others: np.ndarray) -> list[Record]:
    out = list(records)
    for row, other in zip(rows.tolist(), others.tolist(), strict=True):
        out[row] = replace(records[row], messages=(*records[row].prompt, records[other].messages[-1]))
    return out


def test_sound_conversations_are_not_off_topic(alpaca: list[Record]) -> None:
    assert len(rows_found(alpaca, Severity.WARNING)) <= 2
    assert rows_found(alpaca, Severity.ERROR) == set()


def test_most_shuffled_answers_are_found_and_little_else(alpaca: list[Record]) -> None:
    rows = np.random.default_rng(11).permutation(len(alpaca))[:50]
    found = rows_found(with_answers(alpaca, rows, np.roll(rows, 1)), Severity.WARNING)
    assert len(found & set(rows.tolist())) >= 30
    assert len(found - set(rows.tolist())) <= 0.1 * len(found)


def test_rows_that_slipped_are_seen_from_the_first_to_the_last(alpaca: list[Record]) -> None:
    rows = np.arange(300, 400)
    found = rows_found(with_answers(alpaca, rows, np.roll(rows, 1)), Severity.ERROR)
    assert len(found & set(rows.tolist())) >= 90
    assert len(found - set(rows.tolist())) <= 2


def test_messages_that_are_paired_mostly_have_the_same_intent(shared: Path) -> None:
    with (shared / "data" / "domain" / "banking77" / "test.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    pairs = pairs_of([row["text"] for row in rows])
    labels = np.array([row["category"] for row in rows])
    assert len(pairs.first) > 400
    assert (labels[pairs.first] == labels[pairs.second]).mean() >= 0.85  # intents of this set overlap

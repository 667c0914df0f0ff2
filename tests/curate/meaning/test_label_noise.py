"""Flipped labels are doubted, with the label they had; sound ones are not; and where text says nothing, none is."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from assay.curate.check import CHECKS, Context
from assay.curate.meaning.features import features
from assay.curate.meaning.label_noise import (
    Doubt,
    _left_out,
    accuracy,
    doubts,
    label_probabilities,
    numbered,
    seconded,
)
from assay.findings import Finding
from assay.records import Record

Make = Callable[..., Record]

TOPICS = {
    "card": "card post arrive letter envelope courier delivered",
    "rate": "exchange rate euro yen currency convert dollars",
    "pin": "pin code digits forgot blocked attempts unlock",
    "refund": "refund shop money back returned item seller",
}


def texts_and_labels(count: int, seed: int = 0) -> tuple[list[str], list[str]]:
    random = np.random.default_rng(seed)
    labels = [sorted(TOPICS)[n] for n in random.integers(0, len(TOPICS), count)]
    filler = ["please", "tell", "me", "about", "the", "of", "my", "this", "thing", "now"]
    texts = [" ".join([*random.choice(TOPICS[label].split(), 3), *random.choice(filler, 4)]) for label in labels]
    return texts, labels


def run(records: list[Record], **settings: float) -> list[Finding]:
    return list(CHECKS.get("label_noise").function(records, Context(records, encoder="off"), **settings))


def test_flipped_labels_are_found_with_the_label_they_had(make: Make) -> None:
    texts, labels = texts_and_labels(600)
    flipped = {n: sorted(TOPICS)[(sorted(TOPICS).index(labels[n]) + 1) % 4] for n in range(0, 600, 30)}
    found = run([make(text, flipped.get(n, labels[n])) for n, text in enumerate(texts)], given=0.05)
    rows = {finding.source.row for finding in found}
    assert len(rows & set(flipped)) >= 0.8 * len(flipped)
    assert len(rows - set(flipped)) <= 2
    assert all(labels[f.source.row] == f.evidence["suspected"] for f in found if f.source.row in flipped)


def test_the_field_of_a_json_answer_is_a_label_too(make: Make) -> None:
    texts, labels = texts_and_labels(300)
    answers = [json.dumps({"intent": "pin" if n == 7 and label != "pin" else label}) for n, label in enumerate(labels)]
    labels[7] = "pin"
    found = run([make(text, answer) for text, answer in zip(texts, answers, strict=True)], given=0.1)
    assert {finding.source.row for finding in found} <= {7}


def test_sound_labels_are_not_doubted(make: Make) -> None:
    texts, labels = texts_and_labels(600)
    assert run([make(text, label) for text, label in zip(texts, labels, strict=True)]) == []


def test_labels_that_text_does_not_tell_are_not_doubted(make: Make) -> None:
    texts, labels = texts_and_labels(600)
    random = np.random.default_rng(1).permutation(600)
    assert run([make(text, labels[n]) for text, n in zip(texts, random, strict=True)]) == []


@pytest.mark.parametrize("count", [0, 1, 50])
def test_few_records_or_answers_that_are_no_labels_are_not_judged(make: Make, count: int) -> None:
    assert run([make(f"question {n}", "yes" if n % 2 else "no") for n in range(count)]) == []
    assert run([make(f"question {n}", f"a long answer of its own number {n}") for n in range(count + 250)]) == []


def test_the_closed_form_leaves_each_record_out() -> None:
    random = np.random.default_rng(0)
    rows = random.standard_normal((40, 5)).astype(np.float32)
    targets = np.eye(2, dtype=np.float32)[random.integers(0, 2, 40)]
    closed = _left_out(rows, targets)
    for n in (0, 17):
        rest = np.arange(40) != n
        weights = np.linalg.solve(rows[rest].T @ rows[rest] + 2.0 * np.eye(5), rows[rest].T @ targets[rest])
        np.testing.assert_allclose(closed[n], rows[n] @ weights, atol=1e-4)


def test_probabilities_are_such_and_predict_what_can_be_predicted() -> None:
    texts, labels = texts_and_labels(400)
    names, number, _ = numbered(labels, 5)
    probabilities = label_probabilities(features(texts, None), number, len(names))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-4)
    assert accuracy(probabilities, number) > 0.95


def test_the_suspected_label_must_reach_what_is_usual_for_it() -> None:
    probabilities = np.array([[0.9, 0.1], [0.1, 0.9], [0.1, 0.9], [0.4, 0.6]], np.float32)
    found = doubts(probabilities, np.array([0, 1, 0, 0]), 0.5, 0.5)
    assert [(doubt.position, doubt.suspected) for doubt in found] == [(2, 1)]


def test_labels_of_few_records_are_left_out() -> None:
    names, number, kept = numbered(["a", "b", "a", "c", "a", "b"], 2)
    assert (names, number.tolist(), kept.tolist()) == (["a", "b"], [0, 1, 0, 0, 1], [0, 1, 2, 4, 5])


def test_a_doubt_counts_where_the_nearest_texts_have_the_suspected_label_and_hardly_one_the_given() -> None:
    """Two clusters; the first record lies in the second one with the label of the first."""
    rows = np.repeat(np.eye(2, dtype=np.float32), 12, axis=0)
    rows[0] = rows[23]
    labels = np.repeat([0, 1], 12)
    doubt = Doubt(0, 1, 0.001, 0.99)
    assert seconded([doubt], rows, labels) == [doubt]
    assert seconded([Doubt(1, 1, 0.001, 0.99)], rows, labels) == []
    labels[12:15] = 0
    assert seconded([doubt], rows, labels) == []


def test_a_text_with_the_words_of_its_own_label_is_left_alone(make: Make) -> None:
    texts, labels = texts_and_labels(600)
    records = [make(text, label) for text, label in zip(texts, labels, strict=True)]
    odd, named = (make(f"forgot the digits, blocked attempts{more}", "refund") for more in ("", ": a refund"))
    assert [finding.row_id for finding in run([*records, odd, named])] == [odd.row_id]

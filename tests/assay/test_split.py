"""The validation split: families whole, labels in proportion, the same for the same seed."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assay.dataset import Dataset
from assay.errors import SettingsError
from assay.records import Message, Record, Source, record_id, row_id
from assay.split import VALIDATION, labels_of, split


def record(line: int, answer: str = "An answer.", family: str = "") -> Record:
    messages = (Message("user", f"question {line}"), Message("assistant", answer))
    return Record(record_id(messages), row_id("t", line), messages, Source("a", line, line - 1), family=family)


def validation(data: Dataset) -> list[Record]:
    return [row for row in data.records() if row.split == VALIDATION]


@settings(max_examples=50, deadline=None)
@example([1, 4], 0.6, 0)
@given(st.lists(st.integers(1, 9), min_size=2, max_size=60), st.floats(0.05, 0.6), st.integers(0, 9))
def test_no_family_is_parted_and_the_size_is_right(sizes: list[int], share: float, seed: int) -> None:
    rows = [record(100 * n + i, f"An answer {n} {i}.", f"f{n}") for n, size in enumerate(sizes) for i in range(size)]
    data = split(Dataset.from_records(rows), share, seed)
    sides = defaultdict(set)
    for row in data.records():
        sides[row.family].add(row.split)
    assert all(len(side) == 1 for side in sides.values())
    assert 0 < len(validation(data)) < len(rows)
    assert abs(len(validation(data)) - share * len(rows)) <= max(sizes)


def test_the_seed_decides() -> None:
    data = Dataset.from_records(record(n) for n in range(200))
    first, again, other = split(data, 0.2, 1), split(data, 0.2, 1), split(data, 0.2, 2)
    assert first.digest == again.digest != other.digest
    assert len(validation(first)) == 40


def test_the_order_of_the_rows_does_not_matter() -> None:
    rows = [record(n) for n in range(100)]
    forward, backward = split(Dataset.from_records(rows), 0.2, 1), split(Dataset.from_records(rows[::-1]), 0.2, 1)
    assert {row.id for row in validation(forward)} == {row.id for row in validation(backward)}


def test_each_label_gets_its_share() -> None:
    rows = [record(n, ("refund", "cancel", "complaint")[n % 3]) for n in range(300)]
    counts = Counter(row.answer for row in validation(split(Dataset.from_records(rows), 0.1, 5)))
    assert counts == {"refund": 10, "cancel": 10, "complaint": 10}


def test_labels_inside_json_count_too() -> None:
    rows = [record(n, f'{{"order": "BW-{n}", "intent": "{("refund", "cancel")[n % 2]}"}}') for n in range(100)]
    counts = Counter("refund" in row.answer for row in validation(split(Dataset.from_records(rows), 0.2, 5)))
    assert counts == {True: 10, False: 10}


def test_prose_has_no_labels() -> None:
    assert labels_of([record(n, f"This is the answer to question number {n}.") for n in range(50)]) is None


def test_without_a_share_all_rows_train() -> None:
    assert validation(split(Dataset.from_records(record(n) for n in range(10)), 0.0, 1)) == []


def test_a_small_set_still_gets_a_validation_record() -> None:
    data = split(Dataset.from_records([record(1), record(2), record(3)]), 0.1, 1)
    assert len(validation(data)) == 1


@pytest.mark.parametrize("share", [-0.1, 1.0, 7])
def test_what_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(SettingsError, match="split"):
        split(Dataset.from_records([record(1)]), share, 1)


def test_one_family_goes_to_training() -> None:
    rows = [replace(record(n), family="f") for n in range(5)]
    assert validation(split(Dataset.from_records(rows), 0.4, 1)) == []

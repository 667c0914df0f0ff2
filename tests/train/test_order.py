"""The order of records is fixed before a run: complete, reproducible, and sparing of padding."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from assay.train.order import padding_share, training_order

LENGTHS = st.lists(st.integers(1, 500), min_size=1, max_size=120)


@given(LENGTHS, st.integers(1, 4), st.integers(1, 20), st.integers(0, 5))
def test_every_record_occurs_once_an_epoch(lengths: list[int], epochs: int, batch: int, seed: int) -> None:
    order = training_order(lengths, epochs, batch, seed)
    assert Counter(order) == dict.fromkeys(range(len(lengths)), epochs)


@given(LENGTHS, st.integers(0, 5))
def test_the_seed_alone_decides(lengths: list[int], seed: int) -> None:
    assert training_order(lengths, 2, 8, seed) == training_order(lengths, 2, 8, seed)


def test_another_seed_gives_another_order() -> None:
    assert training_order([5] * 64, 1, 8, 0) != training_order([5] * 64, 1, 8, 1)


def test_half_an_epoch_takes_half_of_the_records_each_once() -> None:
    order = training_order([5] * 40, 0.5, 8, 0)
    assert len(order) == len(set(order)) == 20


def test_records_of_like_length_share_a_batch() -> None:
    lengths = [10 + 37 * n % 400 for n in range(320)]
    unsorted = list(range(320))
    assert padding_share(lengths, unsorted, 16) > 0.3
    assert padding_share(lengths, training_order(lengths, 1, 16, 0), 16) < 0.05


def test_batches_do_not_come_in_order_of_length() -> None:
    lengths = list(range(1, 321))
    order = training_order(lengths, 1, 16, 0)
    firsts = [order[start] for start in range(0, 320, 16)]
    assert firsts != sorted(firsts)
    assert firsts != sorted(firsts, reverse=True)

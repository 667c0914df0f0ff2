"""The check before the first step is on few and short records, so that it takes less than the steps."""

from __future__ import annotations

import pytest

from assay.train.before.checked import CHECKED_TOKENS, checked, checked_shape


@pytest.mark.parametrize(
    ("lengths", "indices"),
    [
        ([40] * 9, [2, 3, 4, 5]),
        ([40, 50], [0, 1]),
        ([300] * 9, [4]),
        ([200] * 9, [3, 4]),
        ([10, 20, 400, 900, 900, 900, 900], [2]),
        ([600, 700, 800], [0]),
    ],
)
def test_records_of_middling_length_as_many_as_there_is_room_for(lengths: list[int], indices: list[int]) -> None:
    assert list(checked(lengths)) == indices


def test_only_records_that_are_each_too_long_are_more_than_the_room() -> None:
    for lengths in ([5, 90, 100, 130, 300, 511], [1] * 50, [512] * 3):
        records, tokens = checked_shape(lengths)
        assert records * tokens <= CHECKED_TOKENS
    assert checked_shape([513, 900]) == (1, 513)

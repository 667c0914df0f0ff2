"""The words that the evaluation's sentences share."""

from __future__ import annotations

import pytest

from assay.evaluate.wording import count


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [
        (1, "item", "1 item"),
        (3000, "item", "3,000 items"),
        (1, "family", "1 family"),
        (222, "family", "222 families"),
        (2, "key", "2 keys"),
        (0, "record", "0 records"),
    ],
)
def test_a_count_is_written_with_the_right_plural(number: int, noun: str, said: str) -> None:
    assert count(number, noun) == said

"""A sequence of records that decodes them when they are asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from assay.curate.corpus import LONG_CHARACTERS, Corpus
from assay.dataset import Dataset
from assay.records import Record

Make = Callable[..., Record]


@pytest.fixture
def records(make: Make) -> list[Record]:
    return [make(f"question {number}", f"answer {number}") for number in range(2500)]


def test_it_is_the_records_in_order(records: list[Record]) -> None:
    corpus = Corpus(Dataset.from_records(records).table)
    assert len(corpus) == len(records)
    assert list(corpus) == records
    assert [corpus[0], corpus[1024], corpus[2499], corpus[-1]] == [
        records[0],
        records[1024],
        records[2499],
        records[-1],
    ]
    assert corpus[10:2000:500] == records[10:2000:500]


def test_several_are_taken_in_the_order_asked_for(records: list[Record]) -> None:
    corpus = Corpus(Dataset.from_records(records).table)
    assert corpus.take([2400, 3, 3, 1100]) == [records[2400], records[3], records[3], records[1100]]
    assert corpus.take([]) == []


@pytest.mark.parametrize("position", [2500, -2501])
def test_beyond_its_end_there_is_nothing(records: list[Record], position: int) -> None:
    with pytest.raises(IndexError):
        Corpus(Dataset.from_records(records).table)[position]


def test_no_records_are_no_trouble() -> None:
    assert list(Corpus(Dataset.from_records([]).table)) == []


def test_short_records_are_kept_decoded_and_long_ones_are_not(make: Make) -> None:
    """A few thousand records of megabytes each would fill any memory."""
    corpus = Corpus(Dataset.from_records([make("short", "x"), make("long", "x" * LONG_CHARACTERS)]).table)
    assert corpus[0] is corpus[0]
    assert corpus[1] is not corpus[1]
    assert corpus[1] == corpus[1] == corpus.take([1])[0]

"""Records near in meaning to a text or a record, where the encoder is installed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from assay.curate.web import listing
from assay.curate.web.columns import Columns, columns_of
from assay.curate.web.listing import List
from assay.curate.web.meanings import Meanings
from assay.curate.web.query import Query
from assay.dataset import Dataset
from assay.records import Record

Make = Callable[..., Record]


@pytest.fixture
def columns(make: Make, tmp_path: Path) -> Columns:
    records = [
        make("How do I get my money back?", "We refund the price within five days."),
        make("What is the weather in Oslo?", "It rains in Norway today."),
        make("May I return this and be refunded?", "Yes, send it back to us."),
        make("Which city is the capital of France?", "Paris."),
    ]
    Dataset.from_records(records).write_parquet(tmp_path / "data.parquet")
    return columns_of(tmp_path)


def test_the_nearest_come_first(columns: Columns, tmp_path: Path) -> None:
    pytest.importorskip("wordllama")
    found = List(columns, Query(q="refund of a returned item", kind="meaning"), tmp_path / "cache").matches(50, 60)
    assert set(list(found.positions)[:2]) == {0, 2}
    assert list(found.scores) == sorted(found.scores, reverse=True)
    assert found.exact


def test_a_record_is_nearest_to_itself(columns: Columns, tmp_path: Path) -> None:
    pytest.importorskip("wordllama")
    row = columns.row_ids()[1].as_py()
    found = List(columns, Query(like=row), tmp_path / "cache").matches(50, 60)
    assert found.positions[0] == 1
    assert found.scores[0] == pytest.approx(1, abs=0.01)
    nobody = List(columns, Query(like="no such row"), tmp_path / "cache").matches(50, 60)
    assert not len(nobody.positions) and "no text of a row" in nobody.notes[0]


def test_only_rows_that_the_filters_leave_are_encoded(columns: Columns, tmp_path: Path) -> None:
    pytest.importorskip("wordllama")
    meanings = Meanings(columns, tmp_path / "codes.npz")
    meanings.encode(np.array([1, 3]), 60)
    assert meanings.done.tolist() == [False, True, False, True]
    again = Meanings(columns, tmp_path / "codes.npz")
    assert again.done.tolist() == [False, True, False, True]
    assert (again.codes == meanings.codes).all()


def test_what_was_stored_and_does_not_fit_is_made_again(columns: Columns, tmp_path: Path) -> None:
    pytest.importorskip("wordllama")
    (tmp_path / "codes.npz").write_bytes(b"PK\x03\x04 broken")
    assert not Meanings(columns, tmp_path / "codes.npz").done.any()


def test_without_the_encoder_it_is_one_line(columns: Columns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    why = "WordLlama is not installed (pip install 'assay[meaning]')"
    monkeypatch.setattr(listing, "missing", lambda: why)
    found = List(columns, Query(q="refund", kind="meaning"), tmp_path / "cache").matches(50, 60)
    assert found.notes == (f"nothing can be compared by meaning: {why}",)


def test_more_rows_than_can_be_compared_are_said(
    columns: Columns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wordllama")
    monkeypatch.setattr(listing, "MOST_COMPARED", 2)
    found = List(columns, Query(q="refund", kind="meaning"), tmp_path / "cache").matches(50, 60)
    assert "of 4 rows the first 2 are compared" in found.notes[0]
    assert set(found.positions) <= {0, 1}

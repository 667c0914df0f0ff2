"""Data in memory are read as data in a file are."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from assay.dataset import Dataset
from assay.errors import SourceError
from assay.sources import ReadSettings
from assay.sources.convert import as_dataset

ROWS: list[dict[str, Any]] = [
    {"instruction": "Add.", "input": "1, 2", "output": "3"},
    {"instruction": "Say hi.", "input": "", "output": "hi"},
]


def frames() -> dict[str, Any]:
    datasets = pytest.importorskip("datasets")
    return {
        "list": ROWS,
        "frame": pd.DataFrame(ROWS),
        "table": pa.Table.from_pylist(ROWS),
        "datasets": datasets.Dataset.from_list(ROWS),
    }


def test_every_kind_gives_the_same_records() -> None:
    ids = {name: as_dataset(data).table["record_id"].to_pylist() for name, data in frames().items()}
    assert len({tuple(value) for value in ids.values()}) == 1


def test_the_same_rows_have_the_same_row_ids() -> None:
    assert as_dataset(ROWS).row_ids() == as_dataset([dict(row) for row in ROWS]).row_ids()
    assert as_dataset(ROWS).row_ids() != as_dataset(ROWS[::-1]).row_ids()


def test_a_dataset_is_itself_and_a_path_is_read(tmp_path: Path) -> None:
    data = as_dataset(ROWS)
    assert as_dataset(data) is data
    data.write_parquet(tmp_path / "data.parquet")
    assert as_dataset(tmp_path / "data.parquet").table.equals(data.table)


def test_what_assay_hands_out_as_a_frame_it_takes_back() -> None:
    data = as_dataset(ROWS)
    assert as_dataset(data.to_pandas()).table.equals(data.table)
    assert as_dataset(data.to_datasets()).table.equals(data.table)


def test_an_edited_frame_has_new_record_ids_and_its_old_row_ids() -> None:
    data = as_dataset(ROWS)
    frame = data.to_pandas()
    frame["messages"] = [[*messages[:-1], {"role": "assistant", "content": "edited"}] for messages in frame["messages"]]
    edited = as_dataset(frame)
    assert edited.row_ids() == data.row_ids()
    assert not set(edited.table["record_id"].to_pylist()) & set(data.table["record_id"].to_pylist())


def test_missing_cells_of_a_frame_are_absent_and_faulty_rows_are_faults() -> None:
    frame = pd.DataFrame(
        {
            "instruction": pd.Series(["a", "b", "c\ud800"], dtype=object),
            "input": [float("nan"), None, ""],
            "output": ["x", float("nan"), "z"],
            "at": pd.to_datetime(["2026-01-02", None, None]),
        }
    )
    data = as_dataset(frame)
    (record,) = data.records()
    assert record.messages[0].content == "a"
    assert record.meta == {"at": "2026-01-02T00:00:00"}
    assert [fault.source.row for fault in data.faults] == [1, 2]


def test_columns_can_be_named() -> None:
    frame = pd.DataFrame({"text": ["a"], "label": [3]})
    (record,) = as_dataset(frame, ReadSettings(columns={"prompt": "text", "answer": "label"})).records()
    assert record.answer == "3"


@pytest.mark.parametrize("data", [[], pd.DataFrame({"a": []}), 7, {"train": ROWS}])
def test_what_holds_no_rows_is_one_line(data: Any) -> None:
    with pytest.raises(SourceError) as raised:
        as_dataset(data)
    assert "\n" not in str(raised.value)


def test_splits_are_not_chosen_for_the_user() -> None:
    datasets = pytest.importorskip("datasets")
    with pytest.raises(SourceError, match="several splits"):
        as_dataset(datasets.DatasetDict({"train": datasets.Dataset.from_list(ROWS)}))


def test_a_list_may_hold_rows_of_any_format() -> None:
    data = as_dataset([*ROWS, {"messages": [{"role": "user", "content": "a"}]}, 7])
    assert isinstance(data, Dataset)
    assert (len(data), len(data.faults)) == (3, 1)

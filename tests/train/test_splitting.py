"""Who validates where nobody has curated: the file's own column says, or families are set aside."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from assay.chat import ChatTarget
from assay.dataset import Dataset
from assay.errors import SourceError, TrainingError
from assay.sources import read
from assay.train.prepared import prepare
from assay.train.settings import TrainSettings
from assay.train.splitting import with_split

SETTINGS = TrainSettings(device="cpu")


def file_of(folder: Path, splits: Sequence[str | None], *, same: bool = False) -> Dataset:
    """One row a split; None leaves the key out. same: all prompts are one."""
    rows = []
    for number, split in enumerate(splits):
        messages = [
            {"role": "user", "content": "q" if same else f"q{number}"},
            {"role": "assistant", "content": f"a{number}"},
        ]
        rows.append({"messages": messages, **({"split": split} if split is not None else {})})
    path = folder / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read([str(path)])


def test_a_column_of_the_file_decides_and_test_rows_are_held(target: ChatTarget, tmp_path: Path) -> None:
    data = file_of(tmp_path, ["train"] * 5 + ["dev"] * 2 + ["test"] * 3)
    prepared = prepare(data, SETTINGS, target)
    assert (len(prepared.rows.training), len(prepared.rows.validation)) == (5, 2)
    assert prepared.rows.ledger.counts()["held"] == 3
    assert "the data's own column `split`: 5 rows train, 2 validate, 3 are held" in prepared.notes


def test_it_counts_without_a_share_for_validation_too(tmp_path: Path) -> None:
    apart, _ = with_split(file_of(tmp_path, ["train", "test", None]), TrainSettings(validation=0.0))
    assert apart.table.column("split").to_pylist() == ["train", "test", "train"]


def test_equal_prompts_on_both_sides_are_refused(target: ChatTarget, tmp_path: Path) -> None:
    data = file_of(tmp_path, ["train"] * 3 + ["validation"] * 3, same=True)
    with pytest.raises(TrainingError, match="are in training and in validation"):
        prepare(data, SETTINGS, target)


def test_rows_that_are_all_for_the_test_do_not_train(target: ChatTarget, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no record to train on"):
        prepare(file_of(tmp_path, ["test"] * 4), SETTINGS, target)


def test_families_are_set_aside_where_the_column_names_no_row_that_validates(tmp_path: Path) -> None:
    apart, note = with_split(file_of(tmp_path, ["train"] * 20 + ["test"] * 5), SETTINGS)
    assert apart.table.column("split").to_pylist()[20:] == ["test"] * 5
    assert note == "the data's own column `split`: 18 rows train, 2 validate, 5 are held"
    _, note = with_split(file_of(tmp_path, ["train"] * 20), SETTINGS)
    assert note == "the data has no split: 2 of 20 records, in whole families, validate"


def test_a_column_of_something_else_is_left_alone(tmp_path: Path) -> None:
    apart, note = with_split(file_of(tmp_path, ["left", "right"] * 10), SETTINGS)
    assert set(apart.table.column("split").to_pylist()) == {"train", "validation"}
    assert note is not None and note.startswith("the data has no split")


def test_a_file_without_one_is_split_by_families(tmp_path: Path) -> None:
    _, note = with_split(file_of(tmp_path, [None] * 20), SETTINGS)
    assert note == "the data has no split: 2 of 20 records, in whole families, validate"

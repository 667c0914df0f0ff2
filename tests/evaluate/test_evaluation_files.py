"""An evaluation on disk: read as it was written, movable as a folder, and free of absolute paths."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.errors import SuiteError
from assay.evaluate.evaluation import Evaluation, Leak
from assay.evaluate.evaluation_files import read, write


@pytest.fixture
def evaluation(synthetic: Callable[..., Evaluation], suite: Any, tmp_path: Path) -> Evaluation:
    settings = {
        "suites": [str(tmp_path / "suites" / "a.yaml")],
        "tasks": ["b"],
        "include_path": str(tmp_path / "tasks"),
        "paths": {"adapter": str(tmp_path / "adapter"), "previous": None, "suites": {"a": str(tmp_path / "a.jsonl")}},
        "complete": True,
    }
    leaks = (Leak("a", "a-1", "r", "exact"),)
    return synthetic(suite("a", n=20), suite("b", n=10, slices=("x", "y")), leaks=leaks, settings=settings)


def test_what_was_written_is_read(evaluation: Evaluation, tmp_path: Path) -> None:
    write(evaluation, tmp_path / "out")
    found = read(tmp_path / "out")
    assert found.items.equals(evaluation.items)
    for name in ("suites", "identity", "evidence", "leaks"):
        assert getattr(found, name) == getattr(evaluation, name), name
    write(found, tmp_path / "out")
    assert read(tmp_path / "out").settings == found.settings


def test_unknown_leaks_stay_unknown(synthetic: Callable[..., Evaluation], suite: Any, tmp_path: Path) -> None:
    write(synthetic(suite("a", n=5), leaks=None), tmp_path)
    assert read(tmp_path).leaks is None


def test_paths_are_relative_to_the_folder(evaluation: Evaluation, tmp_path: Path) -> None:
    write(evaluation, tmp_path / "runs" / "out")
    settings = json.loads((tmp_path / "runs" / "out" / "evaluation.json").read_text())["settings"]
    assert settings["paths"] == {"adapter": "../../adapter", "previous": None, "suites": {"a": "../../a.jsonl"}}
    assert settings["suites"] == ["../../suites/a.yaml"] and settings["include_path"] == "../../tasks"
    assert settings["tasks"] == ["b"]
    assert str(tmp_path) not in (tmp_path / "runs" / "out" / "evaluation.json").read_text()


def test_a_folder_without_an_evaluation_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"is no evaluation.*assay evaluate"):
        read(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "evaluation.json").write_text("{"),
        lambda folder: (folder / "evaluation.json").write_text("[]"),
        lambda folder: (folder / "evaluation.json").write_text('{"version": 1}'),
        lambda folder: (folder / "evaluation.json").write_text('{"version": 99}'),
        lambda folder: (folder / "items.parquet").write_bytes(b"PAR1"),
        lambda folder: (folder / "items.parquet").unlink(),
        lambda folder: shutil.copy(Path(__file__), folder / "evaluation.json"),
    ],
)
def test_a_damaged_evaluation_is_one_line(
    evaluation: Evaluation, tmp_path: Path, damage: Callable[[Path], Any]
) -> None:
    write(evaluation, tmp_path)
    damage(tmp_path)
    with pytest.raises(SuiteError) as raised:
        read(tmp_path)
    assert "\n" not in str(raised.value) and str(tmp_path) in str(raised.value)

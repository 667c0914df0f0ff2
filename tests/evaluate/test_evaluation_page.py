"""docs/evaluation.md says what is so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from assay.config import to_json
from assay.evaluate.asking.task_loading import load_tasks
from assay.evaluate.evaluation import ITEM_COLUMNS
from assay.evaluate.sensitivity.damage import AGREEMENT
from assay.evaluate.settings import EvaluateSettings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE, re.MULTILINE)


def test_it_names_every_setting_in_order_with_its_default() -> None:
    assert [name for name, _ in ROWS] == [field.name for field in fields(EvaluateSettings)]
    defaults = to_json(EvaluateSettings())
    for name, shown in ROWS:
        if shown.startswith("`"):
            assert yaml.safe_load(shown.strip("`")) == defaults[name], name
        else:
            assert not defaults[name], name


def test_it_names_every_column_of_the_items() -> None:
    written = PAGE[PAGE.index("`items.parquet`, one row") :].partition("`evaluation.json`")[0]
    assert set(re.findall(r"`(\w+)`", written)) == set(ITEM_COLUMNS)


def test_its_figure_of_the_damage_is_the_one_in_the_code() -> None:
    assert "at most one next token in twenty" in PAGE and pytest.approx(1 / 20) == AGREEMENT


def test_its_task_can_be_loaded(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(# tasks/facts\.yaml.*?)```", PAGE, re.DOTALL)
    (tmp_path / "facts.yaml").write_text(example)
    row = {"id": "f1", "question": "The capital of Italy is", "choices": ["Rome", "Oslo"], "answer": 0}
    (tmp_path / "facts.jsonl").write_text(json.dumps(row) + "\n")
    ((task, _),) = load_tasks(("facts",), [tmp_path], None)
    assert [doc["id"] for doc in task.eval_docs] == ["f1"]


def test_its_python_runs(
    tiny_model: Path,
    make_adapter: Callable[..., Path],
    make_suite: Callable[..., Path],
    make_task: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    make_adapter("adapter")
    make_suite("support", [{"id": "a", "prompt": "cat?", "reference": "yes"}], max_new_tokens=2)
    (tmp_path / "suites").mkdir()
    for name in ("support.yaml", "support.jsonl"):
        (tmp_path / name).rename(tmp_path / "suites" / name)
    make_task("facts", [{"question": "a", "choices": ["yes", "no"], "answer": 0}])
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, object] = {}
    exec(code.replace("smollm2-135m-instruct", str(tiny_model)), names)
    assert names["evaluation"].items.num_rows == 8  # type: ignore[attr-defined]

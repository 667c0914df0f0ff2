"""A sweep on a tiny model, as it is typed: each combination selects, the chosen one is judged on other items."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from assay.cli import main
from tests.test_pipeline import POLICY, SETTINGS, SUITE, TASK, write_lines

ITEMS = 24


@pytest.fixture
def project(tmp_path: Path, tiny_model: Path) -> Path:
    colours = ("red", "blue", "green")
    write_lines(
        tmp_path / "data.jsonl",
        [
            {"instruction": f"Which colour has thing number {n}?", "output": f"It is {colours[n % 3]}."}
            for n in range(30)
        ],
    )
    items = [{"id": n, "prompt": f"And the cube number {n}?", "reference": colours[n % 3]} for n in range(ITEMS)]
    write_lines(tmp_path / "items.jsonl", [dict(item) for item in items])
    (tmp_path / "tasks").mkdir()
    write_lines(
        tmp_path / "tasks" / "opposites.jsonl",
        [
            {"id": f"o{n}", "question": f"{n} is not", "choices": [f"{n}", f"{n + 1}"], "answer": 1}
            for n in range(ITEMS)
        ],
    )
    (tmp_path / "tasks" / "opposites.yaml").write_text(TASK)
    settings = SETTINGS.format(model=tiny_model).replace("[tasks, more]", "tasks")
    (tmp_path / "assay.yaml").write_text(settings)
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "suite.yaml").write_text(SUITE)
    shutil.rmtree(tmp_path / ".assay", ignore_errors=True)
    return tmp_path


def test_every_combination_selects_and_the_chosen_one_is_judged_on_other_items(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    with pytest.raises(SystemExit) as ended:
        main(["sweep", "assay.yaml", "train.lora_r=2,4", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert ended.value.code in (0, 3, 4)
    assert [candidate["settings"] for candidate in found["candidates"]] == [["train.lora_r=2"], ["train.lora_r=4"]]
    assert found["chosen"] in found["candidates"]
    assert found["decision"]["verdict"] == found["verdict"]
    asked = {}
    for folder in (project / ".assay" / "runs").glob("evaluate-*"):
        part = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))["settings"]["items"]
        table = pq.read_table(folder / "items.parquet", columns=["suite", "item_id"]).to_pylist()
        asked.setdefault(part, set()).update((row["suite"], row["item_id"]) for row in table)
    assert sorted(asked) == ["gate", "selection"]
    assert not asked["gate"] & asked["selection"]
    assert len(asked["gate"] | asked["selection"]) == 2 * ITEMS
    curated = list((project / ".assay" / "runs").glob("curate-*"))
    assert len(curated) == 1, "what does not change is made once"

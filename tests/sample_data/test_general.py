"""The written suites of the smallest tier hold what their README promises; no model is needed."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from assay.suites.general import own_suites
from assay.suites.task_files import TaskFile, task_files

FOLDER = Path(__file__).parents[2] / "sample_data" / "general" / "small"
TASKS = {task.path.stem: task for task in task_files(FOLDER)}
ROWS: dict[str, list[dict[str, Any]]] = {
    name: [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
    for name in sorted(TASKS)
}


@pytest.fixture(params=sorted(TASKS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_there_are_at_least_five_suites_and_twelve_hundred_items() -> None:
    assert len(ROWS) >= 5
    assert sum(len(rows) for rows in ROWS.values()) >= 1200


def test_every_data_file_has_its_task_and_ids_are_unique_over_all_suites() -> None:
    written = {path.stem for path in FOLDER.glob("*.jsonl")} - {path.stem for path in own_suites(FOLDER)}
    assert written == set(TASKS)
    ids = [row["id"] for rows in ROWS.values() for row in rows]
    assert len(ids) == len(set(ids))


def test_a_task_file_reads_its_own_data_by_likelihood_of_the_choices(name: str) -> None:
    task: TaskFile = TASKS[name]
    assert task.name == f"assay_{name}"
    assert task.config["output_type"] == "multiple_choice"
    assert [metric["metric"] for metric in task.config["metric_list"]] == ["acc"]
    assert task.data == {"test": ((FOLDER / f"{name}.jsonl").resolve(),)}
    assert task.documents() == ROWS[name]


def test_a_suite_has_200_to_350_items_of_one_shape(name: str) -> None:
    rows = ROWS[name]
    assert 200 <= len(rows) <= 350
    assert {tuple(row) for row in rows} == {("id", "question", "choices", "answer", "cluster")}
    assert len({len(row["choices"]) for row in rows}) == 1


def test_an_answer_is_one_of_different_choices(name: str) -> None:
    for row in ROWS[name]:
        assert row["answer"] in range(len(row["choices"])), row["id"]
        assert len({choice.casefold() for choice in row["choices"]}) == len(row["choices"]), row["id"]


def test_the_position_of_the_answer_tells_nothing(name: str) -> None:
    positions = Counter(row["answer"] for row in ROWS[name])
    assert len(positions) == len(ROWS[name][0]["choices"])
    assert max(positions.values()) - min(positions.values()) <= 1


def test_no_item_occurs_twice(name: str) -> None:
    seen = Counter((row["question"].casefold(), tuple(sorted(row["choices"]))) for row in ROWS[name])
    assert [item for item, times in seen.items() if times > 1] == []


def test_a_cluster_belongs_to_one_suite_and_holds_at_most_five_items(name: str) -> None:
    sizes = Counter(row["cluster"] for row in ROWS[name])
    assert max(sizes.values()) <= 5
    assert all(cluster.startswith(f"{name}-") for cluster in sizes)


def test_texts_are_short_clean_and_join_with_one_space(name: str) -> None:
    for row in ROWS[name]:
        assert len(row["question"].split()) <= 20, row["id"]
        for text in (row["question"], *row["choices"]):
            assert re.fullmatch(r"[\x20-\x7e]+", text) and text == text.strip() and "  " not in text, row["id"]


def test_the_readme_states_the_size_of_every_suite(name: str) -> None:
    readme = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    clusters = len({row["cluster"] for row in ROWS[name]})
    assert re.search(rf"\| `{name}` \|[^|]+\| {len(ROWS[name])} \| {clusters} \|", readme)

"""lm-eval task files with local data: names, data and the texts that a leak check compares, without lm-eval."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.errors import SuiteError
from assay.suites import evaluation_texts
from assay.suites.task_files import item_id, task_files

ROWS = [{"id": "q1", "question": "Which is it?", "answer": "oak"}, {"question": "And then?", "answer": "elm"}]


def write_task(folder: Path, name: str = "trees", *, file: str = "trees.jsonl", **config: Any) -> Path:
    """A task with its data beside it. `file` says the container."""
    import yaml

    folder.mkdir(parents=True, exist_ok=True)
    kind = {".jsonl": "json", ".json": "json", ".csv": "csv", ".parquet": "parquet"}[Path(file).suffix]
    base = {
        "task": name,
        "dataset_path": kind,
        "dataset_kwargs": {"data_files": {"test": file}},
        "test_split": "test",
        "doc_to_text": "Question: {{question}}\nAnswer:",
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({**base, **config}), encoding="utf-8")
    return path


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".csv":
        lines = ["id,question,answer", *(f"{r.get('id', '')},{r['question']},{r['answer']}" for r in rows)]
        path.write_text("\n".join(lines), encoding="utf-8")
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows), encoding="utf-8")
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.mark.parametrize("file", ["trees.jsonl", "trees.json", "trees.csv", "trees.parquet"])
def test_the_scored_rows_of_a_task_are_read_from_any_container(tmp_path: Path, file: str) -> None:
    write_task(tmp_path, file=file)
    write_rows(tmp_path / file, ROWS)
    (task,) = task_files(tmp_path)
    assert (task.name, task.split) == ("trees", "test")
    assert [row["answer"] for row in task.documents()] == ["oak", "elm"]
    assert [text for _, text in task.texts()] == ["Which is it?", "And then?"]


def test_an_item_has_its_own_id_or_its_number() -> None:
    assert [item_id(row, number) for number, row in enumerate(ROWS)] == ["q1", "1"]
    assert item_id({"id": 7}, 3) == "7" and item_id({"id": True}, 3) == "3" and item_id({"id": None}, 3) == "3"


def test_only_the_split_that_is_scored_is_read(tmp_path: Path) -> None:
    files = {"train": "train.jsonl", "validation": "valid.jsonl"}
    write_task(tmp_path, dataset_kwargs={"data_files": files}, test_split=None, validation_split="validation")
    write_rows(tmp_path / "train.jsonl", ROWS)
    write_rows(tmp_path / "valid.jsonl", ROWS[1:])
    (task,) = task_files(tmp_path)
    assert task.split == "validation" and len(task.documents()) == 1


def test_rows_may_lie_in_a_field(tmp_path: Path) -> None:
    write_task(tmp_path, file="trees.json", dataset_kwargs={"data_files": {"test": "trees.json"}, "field": "rows"})
    (tmp_path / "trees.json").write_text(json.dumps({"version": 1, "rows": ROWS}), encoding="utf-8")
    assert len(task_files(tmp_path)[0].documents()) == 2


@pytest.mark.parametrize(
    ("doc_to_text", "text"),
    [
        ("question", "Which is it?"),
        ("{{answer}} {{question}}", "oak\nWhich is it?"),
        ("{{question.strip()}}?", "Which is it?"),
        ("!function utils.text", "Which is it?"),
        ("Say something", "Which is it?"),
    ],
)
def test_the_text_of_an_item_is_what_it_asks_not_how_a_template_frames_it(
    tmp_path: Path, doc_to_text: str, text: str
) -> None:
    path = write_task(tmp_path, doc_to_text="PLACE")
    path.write_text(path.read_text().replace("PLACE", doc_to_text if "!" in doc_to_text else json.dumps(doc_to_text)))
    write_rows(tmp_path / "trees.jsonl", ROWS[:1])
    (task,) = task_files(tmp_path)
    assert [found for _, found in task.texts()] == [text]


def test_includes_are_resolved_and_the_task_s_own_keys_win(tmp_path: Path) -> None:
    write_task(tmp_path / "base", "base")
    (tmp_path / "base" / "base.yaml").rename(tmp_path / "base" / "_base")
    (tmp_path / "oak.yaml").write_text("include: base/_base\ntask: oak\n", encoding="utf-8")
    write_rows(tmp_path / "trees.jsonl", ROWS)
    (task,) = task_files(tmp_path)
    assert task.name == "oak" and len(task.documents()) == 2


def test_a_task_that_includes_itself_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("include: b.yaml\ntask: a\n", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("include: a.yaml\ntask: b\n", encoding="utf-8")
    with pytest.raises(SuiteError, match=r"includes itself through 'a\.yaml'"):
        task_files(tmp_path)


def test_groups_and_tasks_of_the_hub_have_no_local_rows(tmp_path: Path) -> None:
    (tmp_path / "group.yaml").write_text("group: all\ntask: [a, b]\n", encoding="utf-8")
    write_task(tmp_path, "hub", dataset_path="owner/name", dataset_kwargs={})
    (task,) = task_files(tmp_path)
    assert task.name == "hub" and task.documents() == [] and list(task.texts()) == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"question": "Which', r"trees\.jsonl: is not what its name and the task say"),
        (b"\xff\xfe\x00", r"trees\.jsonl: is not what its name and the task say"),
        (None, r"trees\.jsonl: cannot be read \(No such file"),
    ],
    ids=["half-written", "not utf-8", "missing"],
)
def test_data_that_cannot_be_read_is_one_line(tmp_path: Path, data: bytes | None, words: str) -> None:
    write_task(tmp_path)
    if data is not None:
        (tmp_path / "trees.jsonl").write_bytes(data)
    (task,) = task_files(tmp_path)
    with pytest.raises(SuiteError, match=words) as raised:
        task.documents()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "words"), [("task: [a\n", r"a\.yaml:\d+: is not YAML"), ("task: \xff\n", "cannot be read")]
)
def test_yaml_that_cannot_be_read_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "a.yaml").write_bytes(text.encode("latin-1"))
    with pytest.raises(SuiteError, match=words):
        task_files(tmp_path)


def test_yaml_runs_no_code(tmp_path: Path) -> None:
    touch = f"!!python/object/apply:os.mkdir ['{tmp_path}/ran']"
    (tmp_path / "a.yaml").write_text(f"task: a\nx: {touch}\n", encoding="utf-8")
    try:
        task_files(tmp_path)
    except SuiteError as error:
        assert "\n" not in str(error)
    assert not (tmp_path / "ran").exists()


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="there is no folder of task files"):
        task_files(tmp_path / "nothere")


def test_texts_of_tasks_go_to_the_leak_check_and_can_be_limited_by_name(tmp_path: Path) -> None:
    write_task(tmp_path, "oak")
    write_task(tmp_path, "elm")
    write_rows(tmp_path / "trees.jsonl", ROWS)
    assert [(text.suite, text.item_id) for text in evaluation_texts((), [tmp_path], ["oak"])] == [
        ("oak", "q1"),
        ("oak", "1"),
    ]
    assert len(evaluation_texts((), [tmp_path])) == 4


def test_the_tasks_that_come_with_assay_are_read() -> None:
    from assay.project import bundled

    tasks = task_files(bundled("general/small"))
    assert len(tasks) >= 4 and sum(len(list(task.texts())) for task in tasks) >= 1000

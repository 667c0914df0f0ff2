"""lm-eval tasks by name, from local files: data beside the YAML, tags, groups; what cannot be loaded is one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.errors import SuiteError
from assay.evaluate.asking import task_loading
from assay.evaluate.asking.task_loading import load_tasks, quiet_lm_eval

pytestmark = pytest.mark.usefixtures("no_index")

MakeTask = Callable[..., Path]
ROWS = [{"id": f"i{n}", "question": f"the cat {n}", "choices": ["yes", "no"], "answer": n % 2} for n in range(6)]


@pytest.fixture
def no_index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The index of lm-eval's own tasks takes seconds; the few tests that want it say so."""
    monkeypatch.setattr(task_loading, "_index", lambda folder: task_loading._manager(folder, defaults=False))
    monkeypatch.chdir(tmp_path)


def names(found: Any) -> list[str]:
    return [task.task_name for task, _ in found]


def test_data_is_taken_from_the_folder_of_the_yaml(make_task: MakeTask) -> None:
    folder = make_task("facts", ROWS)
    ((task, file),) = load_tasks(("facts",), [folder], None)
    assert [doc["id"] for doc in task.eval_docs] == [row["id"] for row in ROWS]
    assert file is not None and file.path == folder / "facts.yaml"


def test_the_folder_may_be_named_from_the_working_directory(make_task: MakeTask) -> None:
    make_task("facts", ROWS)
    assert names(load_tasks(("facts",), [Path("tasks")], None)) == ["facts"]


def test_without_a_name_every_task_of_the_folder_is_meant(make_task: MakeTask) -> None:
    make_task("b", ROWS)
    folder = make_task("a", ROWS)
    assert names(load_tasks((), [folder], None)) == ["a", "b"]
    assert load_tasks((), [], None) == []


def test_tasks_of_several_folders_are_found_each_in_its_own(make_task: MakeTask, tmp_path: Path) -> None:
    mine = make_task("a", ROWS).rename(tmp_path / "mine")
    theirs = make_task("b", ROWS[:2])
    found = load_tasks((), [mine, theirs, mine], None)
    assert [(task.task_name, len(task.eval_docs)) for task, _ in found] == [("a", 6), ("b", 2)]
    assert names(load_tasks(("b",), [mine, theirs], None)) == ["b"]


def test_two_tasks_of_one_name_are_refused_and_both_files_named(make_task: MakeTask, tmp_path: Path) -> None:
    mine = make_task("a", ROWS).rename(tmp_path / "mine")
    theirs = make_task("a", ROWS)
    with pytest.raises(SuiteError, match=r"tasks/a\.yaml: defines the task 'a', as \S*mine/a\.yaml does"):
        load_tasks(("a",), [mine, theirs], None)


def test_a_tag_and_a_group_stand_for_their_tasks_each_once(make_task: MakeTask) -> None:
    make_task("a", ROWS, tag="mine")
    make_task("b", ROWS, tag=["mine", "other"])
    folder = make_task("c", ROWS)
    (folder / "all.yaml").write_text("group: everything\ntask: [a, c]\n")
    assert names(load_tasks(("mine",), [folder], None)) == ["a", "b"]
    assert sorted(names(load_tasks(("mine", "a", "everything"), [folder], None))) == ["a", "b", "c"]


def test_a_group_takes_its_tasks_from_any_folder_each_with_its_own_data(make_task: MakeTask, tmp_path: Path) -> None:
    """A group beside none of its tasks, one of them overridden, and a group within it."""
    make_task("a", ROWS).rename(tmp_path / "mine")
    make_task("b", ROWS[:4], tag="few").rename(tmp_path / "theirs")
    folder = make_task("c", ROWS)
    members = "[{task: a, doc_to_text: 'Say: {{question}}'}, {group: inner, task: [few, c]}]"
    (folder / "all.yaml").write_text(f"group: everything\ntask: {members}\n")
    folders = [tmp_path / "mine", folder, tmp_path / "theirs"]
    found = load_tasks(("everything",), folders, None)
    assert sorted(names(found)) == ["a", "b", "c"]
    tasks = {task.task_name: (task, file) for task, file in found}
    assert [len(tasks[name][0].eval_docs) for name in "abc"] == [6, 4, 6]
    assert tasks["a"][0].doc_to_text(ROWS[0]) == f"Say: {ROWS[0]['question']}"
    assert [file.path.parent.name for _, file in tasks.values() if file] == ["mine", "theirs", "tasks"]


def test_tasks_in_subfolders_take_their_data_from_there(make_task: MakeTask) -> None:
    folder = make_task("a", ROWS)
    (folder / "below").mkdir()
    for name in ("a.yaml", "a.jsonl"):
        (folder / name).rename(folder / "below" / name)
    assert names(load_tasks(("a",), [folder], None)) == ["a"]


def test_functions_and_includes_beside_the_yaml_are_found(make_task: MakeTask) -> None:
    folder = make_task("a", ROWS, process_docs="!function code.keep_fn")
    (folder / "code.py").write_text("def keep_fn(docs):\n    return docs.filter(lambda doc: doc['answer'] == 1)\n")
    (folder / "default").write_text("metadata: {version: 2}\n")
    with (folder / "a.yaml").open("a") as file:
        file.write("include: default\n")
    ((task, _),) = load_tasks(("a",), [folder], None)
    assert [doc["id"] for doc in task.eval_docs] == ["i1", "i3", "i5"] and task.config.metadata["version"] == 2


def test_examples_come_from_the_tasks_own_split(make_task: MakeTask) -> None:
    rows = [row | {"question": f"example {row['id']}"} for row in ROWS]
    folder = make_task(
        "a", ROWS, fewshot_split="dev", dataset_kwargs={"data_files": {"test": "a.jsonl", "dev": "d.jsonl"}}
    )
    make_task("d", rows)
    (folder / "d.yaml").unlink()
    ((task, _),) = load_tasks(("a",), [folder], 2)
    task.build_all_requests()
    assert task.config.num_fewshot == 2
    assert all(instance.args[0].count("example i") == 2 for instance in task.instances)


def test_an_unknown_name_is_answered_with_the_nearest(make_task: MakeTask) -> None:
    folder = make_task("facts", ROWS)
    with pytest.raises(SuiteError, match="there is no task 'fact'; did you mean 'facts'"):
        load_tasks(("fact",), [folder], None)


@pytest.mark.parametrize(
    ("config", "match"),
    [
        ({"unsafe_code": True}, "runs code that the model writes"),
        ({"doc_to_image": "question"}, "pictures or sound"),
        ({"dataset_kwargs": {"data_files": {"test": "gone.jsonl"}}}, "'bad' cannot be loaded.*gone.jsonl"),
        ({"test_split": "validation"}, "'bad' cannot be loaded"),
        ({"process_docs": "!function gone.keep_fn"}, "'bad' cannot be loaded"),
        ({"output_type": "guess"}, "'bad' cannot be loaded"),
    ],
)
def test_a_task_that_cannot_be_used_is_one_line(make_task: MakeTask, config: dict[str, Any], match: str) -> None:
    folder = make_task("bad", ROWS, **config)
    with pytest.raises(SuiteError, match=match) as raised:
        load_tasks(("bad",), [folder], None)
    assert "\n" not in str(raised.value)


def test_data_that_is_no_json_is_one_line(make_task: MakeTask) -> None:
    folder = make_task("bad", ROWS)
    (folder / "bad.jsonl").write_text('{"id": 1\n')
    with pytest.raises(SuiteError, match="'bad' cannot be loaded") as raised:
        load_tasks(("bad",), [folder], None)
    assert "\n" not in str(raised.value)


def test_two_files_that_define_one_task_are_refused(make_task: MakeTask) -> None:
    folder = make_task("a", ROWS)
    (folder / "copy.yaml").write_text((folder / "a.yaml").read_text())
    with pytest.raises(SuiteError, match=r"a\.yaml.*copy\.yaml|copy\.yaml.*a\.yaml"):
        load_tasks(("a",), [folder], None)


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="no folder of task files"):
        load_tasks(("a",), [tmp_path / "none"], None)


def test_nothing_is_drawn_on_the_terminal_and_everything_is_put_back(
    make_task: MakeTask, capfd: pytest.CaptureFixture[str]
) -> None:
    import logging
    import sys

    folder = make_task("a", ROWS)
    before = logging.getLogger("lm_eval").level, sys.stderr
    load_tasks(("a",), [folder], None)
    with quiet_lm_eval():
        logging.getLogger("lm_eval").warning("not shown")
    assert (logging.getLogger("lm_eval").level, sys.stderr) == before
    captured = capfd.readouterr()
    assert captured.out == "" and captured.err == ""


def test_the_tasks_that_come_with_lm_eval_are_known_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its real index; the data itself would come from the hub."""
    monkeypatch.undo()
    with pytest.raises(SuiteError, match="there is no task 'arc_challange'; did you mean 'arc_challenge"):
        load_tasks(("arc_challange",), [], None)

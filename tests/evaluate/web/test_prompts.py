"""A prompt is shown from the file that was scored, and no other file of this machine is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from assay.evaluate.web.prompts import prompts
from assay.storage import sha256_file
from assay.suites import read_suite
from assay.suites.general import general_suites, tier_folder
from assay.suites.task_files import task_files


def header(name: str, kind: str, digest: str, **settings: Any) -> dict[str, Any]:
    return {"suites": [{"suite": name, "kind": kind, "data_sha256": digest, "scores": []}], "settings": settings}


def test_a_suites_conversations_are_found_by_item(make_suite: Callable[..., Path], tmp_path: Path) -> None:
    path = make_suite("support", [{"id": "a", "prompt": "Hello?", "reference": "b", "choices": ["b", "c"]}])
    digest = sha256_file(path.with_suffix(".jsonl"))
    found = prompts(tmp_path, header("support", "suite", digest, suites=[path.name]), "support")
    assert found["a"].messages[0].content == "Hello?" and found["a"].choices == ("b", "c")
    assert prompts(tmp_path, header("support", "suite", digest, suites=[path.name]), "another") == {}


def test_another_version_of_the_file_is_not_shown(make_suite: Callable[..., Path], tmp_path: Path) -> None:
    path = make_suite("support", [{"id": "a", "prompt": "Hello?", "reference": "b"}])
    assert prompts(tmp_path, header("support", "suite", "0" * 64, suites=[path.name]), "support") == {}


def test_a_tasks_questions_and_options_are_found_beside_its_data(
    make_task: Callable[..., Path], tmp_path: Path
) -> None:
    folder = make_task("facts", [{"id": "f1", "question": "The capital is", "choices": ["Rome", "Oslo"], "answer": 0}])
    data = folder / "facts.jsonl"
    paths = {"suites": {"facts": str(data.relative_to(tmp_path))}}
    found = prompts(tmp_path, header("facts", "lm_eval", sha256_file(data), paths=paths), "facts")
    assert found["f1"].text == "The capital is" and found["f1"].choices == ("Rome", "Oslo")
    assert prompts(tmp_path, header("facts", "lm_eval", "0" * 64, paths=paths), "facts") == {}


def test_bundled_suites_are_found_wherever_the_evaluation_was_made(tmp_path: Path) -> None:
    task = task_files(tier_folder("small"))[0]
    digest = sha256_file(task.data[task.split][0])
    gone = {"suites": {task.name: "/nowhere/data.jsonl"}}
    assert prompts(tmp_path, header(task.name, "lm_eval", digest, paths=gone), task.name)
    suite = read_suite(general_suites("small").suites[0])
    found = prompts(tmp_path, header(suite.name, "general", suite.data_sha256, suites=["/gone.yaml"]), suite.name)
    assert len(found) == len(suite.items)


def test_damaged_settings_give_no_prompts(tmp_path: Path) -> None:
    for settings in (None, 7, {"suites": 7}, {"paths": []}, {"suites": [None, "\0"]}):
        damaged = {"suites": [{"suite": "a", "kind": "lm_eval"}, {"suite": "b", "kind": "suite"}], "settings": settings}
        assert prompts(tmp_path, damaged, "a") == {} and prompts(tmp_path, damaged, "b") == {}

"""A suite as a task of lm-eval: the real lm-eval, with its own backend, answers and scores as assay does."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.chat import load_target
from assay.cli import main
from assay.errors import SuiteError
from assay.evaluate.identity import Models
from assay.evaluate.settings import EvaluateSettings
from assay.evaluate.stage import evaluate
from assay.evaluate.suites.export import export_suite
from assay.suites import read_suite, read_suites
from tests.evaluate.lm_eval_runs.made import logged, run_lm_eval

WORDS = ("cat", "mat", "yes", "no", "sat", "user", "system")
RULES = "version: 1\nrules:\n  - {id: mats, reason: nobody sits there, never: a}\n"


def words(number: int) -> list[str]:
    return [WORDS[(number + 2 * k) % 7] + " on" * k for k in range(3)]


def asked(number: int) -> dict[str, Any]:
    return {
        "id": f"i{number}",
        "prompt": f"{WORDS[number % 7]} {{{{ {number} }}}} on the",
        "reference": words(number)[0],
    }


def turns(number: int) -> dict[str, Any]:
    messages = [
        {"role": "system", "content": f"Say {WORDS[number % 3]}."},
        {"role": "user", "content": WORDS[number % 5]},
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": f"{number}? the cat"},
    ]
    return {"id": number, "messages": messages, "reference": {"a": number}, "slice": "odd" if number % 2 else None}


LETTER = {"name": "contains", "whole_words": False}
SUITES: dict[str, tuple[Callable[[int], dict[str, Any]], dict[str, Any]]] = {
    "chat": (lambda i: {**asked(i), "reference": "e"}, {"scorer": LETTER, "max_new_tokens": 9}),
    "plain": (
        lambda i: {**asked(i), "reference": "a"},
        {"scorer": LETTER, "max_new_tokens": 12, "apply_chat_template": False},
    ),
    "turns": (turns, {"scorer": {"name": "length", "most_characters": 11}, "max_new_tokens": 6}),
    "options": (lambda i: {**asked(i), "choices": words(i)}, {"scorer": "multiple_choice"}),
    "plain_options": (
        lambda i: {**asked(i), "choices": words(i)},
        {"scorer": {"name": "multiple_choice", "length_normalised": True}, "apply_chat_template": False},
    ),
    "sourced": (lambda i: {**asked(i), "source": "on the mat 4"}, {"scorer": "quoted_facts", "max_new_tokens": 5}),
    "house": (asked, {"scorer": {"name": "house_rules", "file": "rules.yaml"}, "max_new_tokens": 5}),
}


@pytest.fixture
def make_suites(make_suite: Callable[..., Path], tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    return {
        name: make_suite(name, [{k: v for k, v in row(i).items() if v is not None} for i in range(14)], **header)
        for name, (row, header) in SUITES.items()
    }


@pytest.fixture
def talkative(tiny_model: Path, tmp_path: Path) -> Path:
    """Random weights that are large and not tied, so that answers differ between prompts."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    folder = tmp_path / "talkative"
    shutil.copytree(tiny_model, folder)
    torch.manual_seed(3)
    config = AutoConfig.from_pretrained(tiny_model, tie_word_embeddings=False, initializer_range=0.6)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


def test_lm_eval_scores_it_as_assay_does(make_suites: dict[str, Path], talkative: Path, tmp_path: Path) -> None:
    target = load_target(str(talkative))
    suites = read_suites(list(make_suites.values()))
    exported = [export_suite(suite, tmp_path / "tasks") for suite in suites]
    for chat in (True, False):
        names = [made.task for made in exported if made.chat is chat]
        run_lm_eval(
            {"pretrained": str(talkative)}, tmp_path / "tasks", tmp_path / "out", names, apply_chat_template=chat
        )
    own = evaluate(Models(target), suites, EvaluateSettings(dtype="float32")).items.to_pylist()
    for suite in suites:
        ours = {row["item_id"]: row for row in own if row["suite"] == suite.name}
        theirs = logged(tmp_path / "out", suite.name)
        assert len(theirs) == len(ours) == 14
        for row in theirs:
            assert row[row["metrics"][0]] == ours[row["doc"]["id"]]["score"], (suite.name, row["doc"]["id"])
            if "choices" not in row["doc"]:
                assert row["filtered_resps"][0] == ours[row["doc"]["id"]]["output"], (suite.name, row["doc"]["id"])
    said = {suite.name: {row["output"] for row in own if row["suite"] == suite.name} for suite in suites}
    assert all(len(outputs) > 2 for outputs in said.values()), said  # answers that are all alike would prove nothing
    scores = {suite.name: {row["score"] for row in own if row["suite"] == suite.name} for suite in suites}
    assert sum(len(found) > 1 for found in scores.values()) >= 4, scores


def test_plain_options_need_no_python(make_suites: dict[str, Path], tmp_path: Path) -> None:
    made = export_suite(read_suite(make_suites["plain_options"]), tmp_path / "tasks")
    assert [path.name for path in made.files] == ["plain_options.yaml", "plain_options.jsonl"]


def test_conversations_are_not_scored_without_their_template(
    make_suites: dict[str, Path], tiny_model: Path, tmp_path: Path
) -> None:
    export_suite(read_suite(make_suites["turns"]), tmp_path / "tasks")
    run = ({"pretrained": str(tiny_model)}, tmp_path / "tasks", tmp_path / "out", ("turns",))
    with pytest.raises(ValueError, match="run lm_eval with --apply_chat_template"):
        run_lm_eval(*run)
    with pytest.raises(ValueError, match="leave out --num_fewshot and --system_instruction"):
        run_lm_eval(*run, apply_chat_template=True, system_instruction="Be brief.")


def test_the_exported_task_is_scored_by_assay_as_well(
    make_suites: dict[str, Path], target: Any, tmp_path: Path
) -> None:
    """`assay evaluate --include-path` takes it like any task."""
    suite = read_suite(make_suites["plain"])
    export_suite(suite, tmp_path / "tasks")
    task = evaluate(Models(target), (), EvaluateSettings(dtype="float32", include_path=str(tmp_path / "tasks")))
    own = evaluate(Models(target), (suite,), EvaluateSettings(dtype="float32"))
    columns = ("item_id", "output", "score")
    rows = [
        [[row[name] for name in columns] for row in found.items.to_pylist() if row["model"] == "base"]
        for found in (task, own)
    ]
    assert len(rows[0]) == len(suite.items)
    assert rows[0] == rows[1]


TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}
CALL = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "look_up", "arguments": {}}}]}


@pytest.mark.parametrize(
    ("row", "header", "why"),
    [
        ({"tools": [TOOL]}, {}, "1 item with tools ('a'), which lm-eval puts to no model"),
        (
            {"messages": [{"role": "user", "content": "x"}, CALL, {"role": "tool", "content": "1"}], "prompt": None},
            {},
            "with tools ('a')",
        ),
        (
            {"choices": ["x", "yy"]},
            {"scorer": {"name": "multiple_choice", "length_normalised": True}},
            "length_normalised with the chat template",
        ),
        ({}, {"scorer": "multiple_choice"}, "1 item without 'choices' ('a')"),
        ({"reference": {"name": "f", "arguments": {}}}, {"scorer": "tool_call"}, "tool_call reads special tokens"),
        ({"tests": ["assert f() == 1"]}, {"scorer": "code_run"}, "runs code that a model wrote"),
    ],
)
def test_what_cannot_be_exported_is_one_line_and_writes_nothing(
    make_suite: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    row: dict[str, Any],
    header: dict[str, Any],
    why: str,
) -> None:
    item = {"id": "a", "prompt": "q", "reference": "x"} | row
    path = make_suite("odd", [{key: value for key, value in item.items() if value is not None}], **header)
    with pytest.raises(SystemExit) as ended:
        main(["suite", "export", str(path), "-o", str(tmp_path / "out")])
    captured = capsys.readouterr()
    assert ended.value.code == 2 and not captured.out and captured.err.count("\n") == 1
    assert "cannot be a task of lm-eval" in captured.err and why in captured.err
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten_unasked(make_suites: dict[str, Path], tmp_path: Path) -> None:
    suite = read_suite(make_suites["house"])
    export_suite(suite, tmp_path / "tasks")
    with pytest.raises(SuiteError, match=r"house_rules\.yml is there already"):
        export_suite(suite, tmp_path / "tasks")
    export_suite(suite, tmp_path / "tasks", force=True)


def test_the_command_says_how_to_go_on(
    make_suites: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["suite", "export", str(make_suites["turns"]), "-o", str(tmp_path / "my tasks"), "--json"])
    document = json.loads(capsys.readouterr().out)
    assert ended.value.code in (0, None) and document["task"] == "turns" and document["items"] == 14
    assert document["command"][-1] == "--apply_chat_template" and str(tmp_path / "my tasks") in document["command"]
    assert all(Path(path).is_file() for path in document["files"])

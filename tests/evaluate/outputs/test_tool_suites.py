"""Conversations with tools, from the suite's file to the scored answer; and models that would not be shown them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.errors import SuiteError
from assay.evaluate.asking.domain_suite import prepare
from assay.evaluate.evaluation_files import read, write
from assay.evaluate.identity import Models
from assay.evaluate.models.causal_model import CausalModel
from assay.evaluate.models.generation import Prompt
from assay.evaluate.models.lm_eval_model import AssayLM, Limits
from assay.evaluate.scorer import rescore
from assay.evaluate.settings import EvaluateSettings
from assay.evaluate.stage import evaluate
from assay.evaluate.suites.check import check_suite
from assay.models import load_base
from assay.suites import read_suite

MakeSuite = Callable[..., Path]
TOOL = {
    "type": "function",
    "function": {"name": "find_cat", "parameters": {"type": "object", "properties": {"on": {}}}},
}
CALL = {"type": "function", "id": "a1", "function": {"name": "find_cat", "arguments": '{"on": "mat"}'}}


def ask(number: int) -> dict[str, Any]:
    reference = {"name": "find_cat", "arguments": {"on": f"mat {number}"}}
    return {"id": f"q{number}", "prompt": f"the cat {number}?", "tools": [TOOL], "reference": reference}


def after_a_call(number: int) -> dict[str, Any]:
    messages = [
        {"role": "user", "content": f"the cat {number}?"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "content": '{"sat": "yes"}', "tool_call_id": "a1"},
    ]
    return {"id": f"r{number}", "messages": messages, "tools": [TOOL], "reference": []}


def test_the_model_is_shown_tools_calls_and_results(make_suite: MakeSuite, tool_target: Any) -> None:
    suite = prepare(
        read_suite(make_suite("s", [ask(1), after_a_call(2)], scorer="tool_call", max_new_tokens=8)), tool_target
    )
    first, second = (tool_target.tokenizer.decode(prompt) for prompt in suite.prompts)
    assert (
        "<tools>" in first
        and '"name": "find_cat"' in first
        and first.endswith("the cat 1?<|im_end|>\n<|im_start|>assistant\n")
    )
    assert '<tool_call>{"name": "find_cat", "arguments": {"on": "mat"}}</tool_call>' in second
    assert '<|im_start|>tool\n{"sat": "yes"}<|im_end|>' in second


def test_its_answers_are_scored_kept_and_scored_again(
    make_suite: MakeSuite, tool_target: Any, make_adapter: Callable[..., Path], tmp_path: Path
) -> None:
    rows = [*map(ask, range(3)), *map(after_a_call, range(3))]
    suite = read_suite(make_suite("s", rows, scorer="tool_call", max_new_tokens=6))
    models = Models(tool_target, make_adapter("adapter", card=False))
    write(evaluate(models, [suite], EvaluateSettings()), tmp_path / "out")
    stored = read(tmp_path / "out")
    answers = stored.items.to_pylist()
    assert {"base", "candidate", "damaged"} <= {row["model"] for row in answers}
    random = {row["score"] for row in answers if row["item_id"].startswith("r")}
    assert random == {1.0}, "a random model calls nothing, which is right where nothing must be called"
    columns = ([row[key] for row in answers] for key in ("output", "reference", "context"))
    assert rescore(stored.suites[0], *columns) == [row["score"] for row in answers]


def test_a_call_that_the_model_writes_counts(make_suite: MakeSuite, tool_target: Any) -> None:
    suite = prepare(read_suite(make_suite("s", [ask(1)], scorer="tool_call")), tool_target)
    said = '<tool_call>\n{"name": "find_cat", "arguments": {"on": "mat 1"}}\n</tool_call>'
    assert suite._score(said, 0) == 1.0 and suite._score(said.replace("mat 1", "rug"), 0) == 0.5


def test_special_tokens_stay_where_a_call_is_read_from_them(tiny_model: Path, target: Any) -> None:
    lm = AssayLM(CausalModel(load_base(target.ref)), target, Limits(4096, 256))
    prompt = Prompt(tuple(target.tokenizer.encode("the cat sat")), 40)
    (plain,), (whole,) = lm.answer([prompt]), lm.answer([prompt], special_tokens=True)
    assert plain.ids == whole.ids
    assert whole.text == target.tokenizer.decode(plain.ids, skip_special_tokens=False)
    assert plain.text == target.tokenizer.decode(plain.ids, skip_special_tokens=True)


@pytest.mark.parametrize(
    ("row", "header", "what"),
    [
        (ask(1), {}, r"does not show the declared tools \(find_cat\)"),
        (after_a_call(1) | {"tools": None}, {}, "leaves out the call of find_cat"),
        (ask(1), {"apply_chat_template": False}, r"without its template as it is.*declared tools \(find_cat\)"),
    ],
)
def test_a_model_that_is_not_shown_the_tools_is_not_asked(
    make_suite: MakeSuite, target: Any, row: dict[str, Any], header: dict[str, Any], what: str
) -> None:
    """The tiny model's ChatML has no place for tools; SmolLM2's neither."""
    row = {key: value for key, value in row.items() if value is not None}
    suite = read_suite(make_suite("s", [row], scorer="tool_call", **header))
    with pytest.raises(SuiteError, match=rf"item '\w1' cannot be put to .*{what}.*--chat-template"):
        prepare(suite, target)
    assert "cannot_be_put" in {problem.problem for problem in check_suite(suite, target=target)}


def test_a_reference_that_is_no_call_is_found_before_a_model_is_loaded(make_suite: MakeSuite) -> None:
    rows = [ask(1), ask(2) | {"reference": "just text"}, ask(3) | {"reference": json.dumps([])}]
    found = {problem.problem: problem for problem in check_suite(read_suite(make_suite("s", rows, scorer="tool_call")))}
    assert found["unscorable_reference"].items == ("q2",) and "reference_fails" not in found
    assert "undeclared_tool" not in found


def test_a_reference_that_calls_an_undeclared_tool_is_found(make_suite: MakeSuite) -> None:
    rows = [ask(1), ask(2) | {"reference": {"name": "find_dog", "arguments": {}}}]
    found = {problem.problem: problem for problem in check_suite(read_suite(make_suite("s", rows, scorer="tool_call")))}
    assert found["undeclared_tool"].items == ("q2",)

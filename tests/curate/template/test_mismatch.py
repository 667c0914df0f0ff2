"""How training asks and how production asks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from assay.chat import load_target
from assay.curate.check import CHECKS, Context
from assay.curate.settings import CurateSettings
from assay.curate.stage import audit
from assay.curate.template.mismatch import Comparison, asked_alike, word_diff
from assay.curate.template.request import read_request
from assay.dataset import Dataset
from assay.errors import SettingsError
from assay.records import Record
from tests.curate.template.conftest import CHATML

Make = Callable[..., Record]
SYSTEM = "You are a support agent of the shop. Answer briefly."
LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
FIND = {"type": "function", "function": {"name": "find", "parameters": {"type": "object", "properties": {}}}}
DEFAULTS = "{% if messages[0].role != 'system' %}<|im_start|>system\nBe kind.<|im_end|>\n{% endif %}" + CHATML
THINKING = CHATML.replace(
    "assistant\n{% endif %}",
    "assistant\n{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}{% endif %}",
)


@pytest.fixture
def request_file(tmp_path: Path) -> Callable[..., Path]:
    """request_file(user, system=..., **keys of the body)"""

    def write(user: str = "Where is it?", system: str | None = SYSTEM, **body: Any) -> Path:
        turns = [{"role": "system", "content": system}] if system is not None else []
        path = tmp_path / "request.json"
        path.write_text(json.dumps({"messages": [*turns, {"role": "user", "content": user}], **body}))
        return path

    return write


def kinds(path: Path, record: Record, target: Any = None) -> list[str]:
    return [difference.kind for difference in Comparison(read_request(path), target).differences(record)]


def test_a_record_that_asks_as_production_does_is_left_alone(make: Make, request_file: Callable[..., Path]) -> None:
    assert kinds(request_file(tools=[LOOK]), make("Where?", "Here.", system=SYSTEM, tools=[LOOK])) == []
    bare = request_file(tools=[LOOK["function"]])
    assert kinds(bare, make("Where?", "Here.", system=SYSTEM, tools=[LOOK])) == [], "wrapped or not is no difference"


def test_what_is_said_is_one_line_whatever_the_system_turn_holds(make: Make, request_file: Callable[..., Path]) -> None:
    record = make("Where?", "Here.", system="one\n\ntwo\u2028three\x85four")
    (finding,) = CHECKS.get("inference_mismatch").function(record, Context([record]), request=str(request_file()))
    assert len(finding.message.splitlines()) == 1


@pytest.mark.parametrize(
    ("body", "system", "tools", "expected"),
    [
        ({}, None, (), ["system_missing"]),
        ({}, SYSTEM + " Be kind.", (), ["system_differs"]),
        ({"system": None}, SYSTEM, (), ["system_unexpected"]),
        ({"tools": [LOOK]}, SYSTEM, (), ["tools_missing"]),
        ({}, SYSTEM, (LOOK,), ["tools_unexpected"]),
        ({"tools": [LOOK]}, SYSTEM, (LOOK, FIND), ["tools_differ"]),
        ({"tools": [LOOK, FIND]}, SYSTEM, (FIND, LOOK), ["tools_differ"]),
        ({"documents": [{"text": "x"}]}, SYSTEM, (), ["documents"]),
        ({"user": "Context:\nblue\nQuestion: which?", "context": "blue"}, SYSTEM, (), ["context"]),
        ({"chat_template_kwargs": {"a": 1}}, SYSTEM, (), ["variables"]),
        ({"extra_body": {"chat_template_kwargs": {"a": 1}}}, SYSTEM, (), ["variables"]),
    ],
)
def test_each_difference_has_its_kind(
    make: Make, request_file: Callable[..., Path], body: Any, system: Any, tools: Any, expected: list[str]
) -> None:
    assert kinds(request_file(**body), make("Where?", "Here.", system=system, tools=tools)) == expected


def test_retrieved_context_is_known_by_the_line_above_it(make: Make, request_file: Callable[..., Path]) -> None:
    path = request_file(user="Use this.\nContext:\nthe sky is blue\n\nQuestion: which?", context="the sky is blue")
    with_context = make("Use this.\nContext:\ngrass is green\n\nQuestion: what?", "Green.", system=SYSTEM)
    assert kinds(path, with_context) == []
    assert kinds(path, make("What is green?", "Grass.", system=SYSTEM)) == ["context"]


def test_variables_count_where_they_change_the_prompt(
    make: Make, request_file: Callable[..., Path], tiny_model: Path
) -> None:
    target = load_target(str(tiny_model), chat_template=THINKING)
    record = make("Where?", "Here.", system=SYSTEM)
    changing = Comparison(read_request(request_file(chat_template_kwargs={"enable_thinking": False, "a": 1})), target)
    assert [(d.kind, d.detail["names"]) for d in changing.differences(record)] == [("variables", ["enable_thinking"])]
    assert kinds(request_file(chat_template_kwargs={"enable_thinking": True}), record, target) == []


def test_the_tokens_before_the_users_first_word_are_compared(
    make: Make, request_file: Callable[..., Path], tiny_model: Path
) -> None:
    comparison = Comparison(read_request(request_file()), load_target(str(tiny_model)))
    same = comparison.prefix(make("Where?", "Here.", system=SYSTEM))
    assert same is not None and same["same"] and same["production_tokens"] == same["record_tokens"]
    other = comparison.prefix(make("Where?", "Here.", system=SYSTEM + "."))
    assert other is not None and not other["same"] and other["differs_at"] > 3


def test_a_system_turn_of_the_templates_own_is_named(
    make: Make, request_file: Callable[..., Path], tiny_model: Path
) -> None:
    target = load_target(str(tiny_model), chat_template=DEFAULTS)
    (found,) = Comparison(read_request(request_file()), target).differences(make("a", "b"))
    assert found.detail == {"default": "Be kind."}


def test_a_diff_says_what_is_lacking_and_what_is_more() -> None:
    assert word_diff("Answer briefly in German.", "Answer in German, please.") == (
        "Answer[- briefly-] in German{+, please+}."
    )


def test_the_summary_counts_and_names_the_nearest_system_turn(make: Make, request_file: Callable[..., Path]) -> None:
    near, far = SYSTEM.replace("briefly", "at length"), "Talk like a pirate."
    records = [
        make("q1", "a1", system=SYSTEM), make("q2", "a2", system=near), make("q3", "a3", system=near),
        make("q4", "a4", system=far), make("q5", "a5"),
    ]  # fmt: skip
    settings = CurateSettings(checks={"inference_mismatch": {"request": str(request_file())}})
    found = audit(Dataset.from_records(records), settings)
    asked = found.asked()
    assert asked is not None
    assert (asked.records, asked.same, asked.kinds) == (5, 1, {"system_missing": 1, "system_differs": 3})
    assert asked.nearest is not None and asked.nearest[0] == 2 and "{+at length+}" in asked.nearest[2]
    redacted = found.asked(redact=True)
    assert redacted is not None and redacted.nearest is not None and redacted.nearest[2] == ""
    assert found.to_json()["inference"]["same"] == 1


def test_nothing_is_said_without_a_request(make: Make) -> None:
    found = audit(Dataset.from_records([make("q1", "a1")]))
    assert found.asked() is None and "inference_mismatch" in found.not_judged
    assert asked_alike((), 3).same == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[]", "no messages"),
        ('{"messages": []}', "no messages"),
        ('{"messages": ["hello"]}', "message 0 has no role"),
        ('{"messages": [{"role": "user", "content": 5}]}', "content of message 0"),
        ('{"messages": [{"role": "user", "content": "a"}], "tools": {}}', "tools is not a list"),
        ('{"messages": [{"role": "user", "content": "a"}], "chat_template_kwargs": []}', ""),
        ('{"messages": [{"role": "user", "content": "a"}], "chat_template_kwargs": [1]}', "not a mapping"),
        ('{"messages": [{"role": "user", "content": "a"}], "context": "b"}', "none of its messages"),
        ('{"messages": [{"role": "user", "content": "a"}], "context": 7}', "no text"),
    ],
)
def test_a_bad_request_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "request.json"
    path.write_text(text)
    if not words:
        assert read_request(path).variables == {}
        return
    with pytest.raises(SettingsError, match=words) as caught:
        read_request(path)
    assert "\n" not in str(caught.value) and "request.json" in str(caught.value)


def test_audit_takes_a_request(data: Path, request_file: Callable[..., Path], tmp_path: Path) -> None:
    from assay.cli import cli

    done = CliRunner().invoke(cli, ["audit", str(data), "--inference", str(request_file(system="be brief"))])
    assert done.exit_code == 0, done.output
    assert "1 of 3 records ask as the inference request does" in done.stdout
    missing = CliRunner().invoke(cli, ["audit", str(data), "--inference", str(tmp_path / "none.json")])
    assert isinstance(missing.exception, SettingsError) and "cannot be read" in str(missing.exception)


@pytest.mark.parametrize("text", ["\ud83d", "\x00", "x" * 200_000, "{{ a }}", ""])
def test_any_system_turn_can_be_compared(
    make: Make, request_file: Callable[..., Path], tiny_model: Path, text: str
) -> None:
    comparison = Comparison(read_request(request_file(tools=[LOOK])), load_target(str(tiny_model)))
    record = make("a", "b", system=text, tools=["no tool", {"function": 5}, {"name": None}])
    assert comparison.differences(record)
    comparison.prefix(record)

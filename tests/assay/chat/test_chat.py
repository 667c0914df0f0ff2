"""Ids and labels: the loss covers the answers and their stop tokens, after exactly the inference prompt."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.chat import (
    IGNORED,
    ChatTarget,
    Encoded,
    TemplateProblem,
    encode,
    encode_all,
    inference_prompt,
    load_target,
)
from assay.errors import ModelError
from assay.records import Message, Record, Source, ToolCall, record_id

Build = Callable[..., ChatTarget]


def record(*messages: Message, tools: tuple[object, ...] = ()) -> Record:
    return Record(record_id(messages, tools), "row", messages, Source("a.jsonl", 1, 0), tools)


def user(text: str) -> Message:
    return Message("user", text)


def answer(text: str, train: bool | None = None) -> Message:
    return Message("assistant", text, train=train)


def trained_text(encoded: Encoded, target: ChatTarget) -> list[str]:
    """The trained runs of tokens as text, one for each unbroken run."""
    runs: list[list[int]] = [[]]
    for token, label in zip(encoded.input_ids, encoded.labels, strict=True):
        assert label in (IGNORED, token)
        if label == IGNORED:
            runs.append([])
        else:
            runs[-1].append(token)
    return [target.tokenizer.decode(run) for run in runs if run]


@pytest.fixture(scope="session")
def target(tiny_model: Path) -> ChatTarget:
    return load_target(str(tiny_model))


@pytest.fixture
def with_template(tiny_model: Path) -> Build:
    def build(template: str) -> ChatTarget:
        return load_target(str(tiny_model), chat_template=template)

    return build


def test_the_loss_covers_the_whole_answer_and_its_stop_token_and_nothing_else(target: ChatTarget) -> None:
    encoded = encode(record(user("the cat?"), answer("  yes.\nno ")), target)
    assert trained_text(encoded, target) == ["  yes.\nno <|im_end|>"]
    assert encoded.notes == ()


def test_every_answer_of_a_conversation_is_trained_but_those_that_are_excluded(target: ChatTarget) -> None:
    turns = [Message("system", "be brief"), user("a"), answer("one"), user("b"), answer("two", train=False)]
    encoded = encode(record(*turns, user("c"), answer("three", train=True)), target)
    assert trained_text(encoded, target) == ["one<|im_end|>", "three<|im_end|>"]


@given(question=st.text(max_size=30), reply=st.text(min_size=1, max_size=30), system=st.none() | st.text(max_size=10))
def test_training_begins_with_exactly_the_tokens_of_the_inference_prompt(
    target: ChatTarget, question: str, reply: str, system: str | None
) -> None:
    before = [*([Message("system", system)] if system else []), user(question)]
    encoded = next(iter(encode_all([record(*before, answer(reply))], target)))
    if isinstance(encoded, TemplateProblem):
        assert encoded.kind == "encoding" or "�" in target.tokenizer.decode(target.tokenizer(reply)["input_ids"])
        return
    prompt = inference_prompt(before, target)
    assert encoded.input_ids[: len(prompt)] == prompt
    assert set(encoded.labels[: len(prompt)]) == {IGNORED}
    assert encoded.labels[len(prompt) :][0] != IGNORED
    trained = [label for label in encoded.labels if label != IGNORED]
    assert target.tokenizer.decode(trained) == reply + "<|im_end|>"


def test_prompt_and_answer_never_share_a_token(with_template: Build) -> None:
    """The tokenizer knows "\\n\\n" as one token; the prompt ends in a line break and the answer begins with one."""
    target = with_template(
        "{% for m in messages %}{{ m.role }}\n{{ m.content }}"
        "{% if m.role == 'assistant' %}<|im_end|>{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}assistant\n{% endif %}"
    )
    assert len(target.tokenizer("\n\n")["input_ids"]) == 1
    before = [user("yes")]
    encoded = encode(record(*before, answer("\nno")), target)
    prompt = inference_prompt(before, target)
    assert encoded.input_ids[: len(prompt)] == prompt
    assert trained_text(encoded, target) == ["\nno<|im_end|>"]


def test_what_a_template_writes_after_the_stop_token_is_not_trained(with_template: Build) -> None:
    target = with_template(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n\nyes\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    assert trained_text(encode(record(user("a"), answer("no")), target), target) == ["no<|im_end|>"]


def test_the_padding_token_is_never_a_stop_token(target: ChatTarget) -> None:
    assert target.tokenizer.pad_token_id in target.stop_token_ids
    assert target.pad_token_id not in target.stop_token_ids
    assert target.pad_token_id < len(target.tokenizer)


def test_the_token_that_ends_turns_is_a_stop_token_even_if_the_config_names_another(
    tiny_model: Path, tmp_path: Path
) -> None:
    """As with Llama 3, whose config names <|end_of_text|> while turns end in <|eot_id|>."""
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    for name in ("config.json", "generation_config.json"):
        values = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps({**values, "eos_token_id": 0}))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "eos_token": "<|endoftext|>"}))
    said: list[str] = []
    found = load_target(str(folder), say=said.append)
    assert found.stop_token_ids[0] == found.tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert any("<|endoftext|>" in line for line in said)
    encoded = encode(record(user("a"), answer("b")), found)
    assert encoded.notes == () and encoded.input_ids[-2] == found.stop_token_ids[0]


def test_a_system_turn_that_only_the_training_text_lacks_is_found(with_template: Build) -> None:
    target = with_template(
        "{% if messages[0].role == 'system' %}{% set sys = messages[0].content %}{% set rest = messages[1:] %}"
        "{% else %}{% set sys = '' %}{% set rest = messages %}{% endif %}"
        "{% for m in rest %}<|im_start|>{{ m.role }}\n{% if loop.last and m.role == 'user' %}{{ sys }}{% endif %}"
        "{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    with pytest.raises(TemplateProblem) as caught:
        encode(record(Message("system", "be brief"), user("a"), answer("b")), target)
    assert caught.value.check == "system_dropped"
    assert trained_text(encode(record(user("a"), answer("b")), target), target) == ["b<|im_end|>"]


def test_thinking_that_a_template_cuts_from_earlier_turns_is_said_and_the_last_turn_is_whole(
    with_template: Build,
) -> None:
    target = with_template(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n"
        "{% if m.role == 'assistant' and not loop.last %}{{ m.content.split('</think>')[-1] }}"
        "{% else %}{{ m.content }}{% endif %}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    turns = [user("a"), answer("<think>x</think>one"), user("b"), answer("<think>y</think>two")]
    encoded = encode(record(*turns), target)
    assert trained_text(encoded, target) == ["one<|im_end|>", "<think>y</think>two<|im_end|>"]
    assert [(note.check, note.kind, note.turn) for note in encoded.notes] == [("mask_coverage", "thinking_cut", 1)]


def test_a_generation_prompt_that_finished_answers_do_not_have_is_found(with_template: Build) -> None:
    target = with_template(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
    )
    with pytest.raises(TemplateProblem) as caught:
        encode(record(user("a"), answer("b")), target)
    assert caught.value.check == "prompt_prefix"


GENERATION = (
    "{{% for m in messages %}}<|im_start|>{{{{ m.role }}}}\n{{% if m.role == 'assistant' %}}{body}{{% else %}}"
    "{{{{ m.content }}}}<|im_end|>{{% endif %}}\n{{% endfor %}}"
    "{{% if add_generation_prompt %}}<|im_start|>assistant\n{{% endif %}}"
)


@pytest.mark.parametrize(
    ("body", "kinds"),
    [
        ("{% generation %}{{ m.content }}<|im_end|>{% endgeneration %}", []),
        ("{% generation %}{{ m.content }}{% endgeneration %}<|im_end|>", ["stop_unmarked"]),
        ("{% generation %}{{ m.content }}<|im_end|>yes{% endgeneration %}", ["marked_beyond"]),
        ("the {% generation %}{{ m.content }}<|im_end|>{% endgeneration %}", ["start_differs"]),
    ],
)
def test_generation_markers_are_checked_against_the_prompts(with_template: Build, body: str, kinds: list[str]) -> None:
    target = with_template(GENERATION.format(body=body))
    encoded = encode(record(user("a"), answer("no")), target)
    assert [note.kind for note in encoded.notes] == kinds
    assert trained_text(encoded, target)[0].endswith("no<|im_end|>")


def test_a_turn_without_a_stop_token_is_said(with_template: Build) -> None:
    target = with_template(
        "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}"
    )
    encoded = encode(record(user("a"), answer("no")), target)
    assert [note.check for note in encoded.notes] == ["stop_token_untrained"]


def test_a_turn_end_that_is_text_to_the_tokenizer_is_said(with_template: Build) -> None:
    target = with_template(
        "{% for m in messages %}[{{ m.role }}] {{ m.content }}</turn>\n{% endfor %}"
        "{% if add_generation_prompt %}[assistant] {% endif %}"
    )
    encoded = encode(record(user("a"), answer("no")), target)
    assert [(note.check, note.kind) for note in encoded.notes] == [("stop_token_untrained", "not_a_token")]
    assert trained_text(encoded, target) == ["no</turn>"]


def test_tool_calls_that_a_template_leaves_out_are_said(target: ChatTarget) -> None:
    tools = ({"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}},)
    call = Message("assistant", None, (ToolCall("look", {"at": "cat"}, "c1"),))
    turns = (user("a"), call, Message("tool", "a mat", tool_call_id="c1"), answer("yes"))
    encoded = encode(record(*turns, tools=tools), target)
    assert [(note.check, note.kind, note.turn) for note in encoded.notes] == [
        ("mask_coverage", "call_missing", 1),
        ("template_renders", "tools_not_shown", 0),
    ]


def test_a_tool_result_that_a_template_leaves_out_is_said(with_template: Build) -> None:
    target = with_template(
        "{% for m in messages %}{% if m.role != 'tool' %}<|im_start|>{{ m.role }}\n{{ m.content }}"
        "{% for c in m.tool_calls or [] %}{{ c.function.name }}{% endfor %}<|im_end|>\n{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    call = Message("assistant", None, (ToolCall("look", {"at": "cat"}, "c1"),))
    result = Message("tool", '{"place": "mat", "colour": "red"}', tool_call_id="c1")
    encoded = encode(record(user("a"), call, result, answer("yes")), target)
    assert [(note.kind, note.turn) for note in encoded.notes] == [("result_not_shown", 2)]


@pytest.mark.parametrize(
    "shape", ["{{ m.content }}", "{{ m.content | tojson }}", "{{ m.content.split('\"') | join(' ') }}"]
)
def test_a_tool_result_in_another_form_is_shown(with_template: Build, shape: str) -> None:
    target = with_template(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'tool' %}SHAPE{% else %}{{ m.content }}"
        "{% for c in m.tool_calls or [] %}{{ c.function.name }}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}".replace("SHAPE", shape)
    )
    call = Message("assistant", None, (ToolCall("look", {"at": "cat"}, "c1"),))
    result = Message("tool", '{"place": "mat", "colour": "red"}', tool_call_id="c1")
    assert encode(record(user("a"), call, result, answer("yes")), target).notes == ()


def test_calls_and_results_without_ids_get_them_where_a_template_insists(with_template: Build) -> None:
    target = with_template(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content or '' }}{{ m.tool_call_id or '' }}"
        "{% for c in m.tool_calls or [] %}{% if c.id is not defined or c.id | length != 9 %}"
        "{{ raise_exception('no id') }}{% endif %}{{ c.function.name }}{{ c.id }}{% endfor %}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    calls = Message("assistant", None, (ToolCall("look", {}), ToolCall("find", {}), ToolCall("see", {}, "123456789")))
    results = [Message("tool", "a"), Message("tool", "c", tool_call_id="123456789"), Message("tool", "b")]
    text = encode(record(user("?"), calls, *results, answer("yes")), target).text
    assert "lookcall00001findcall00002see123456789" in text
    assert [line for line in text.splitlines() if line[:1] in "abc"] == [
        "acall00001<|im_end|>", "c123456789<|im_end|>", "bcall00002<|im_end|>",
    ]  # fmt: skip


def test_thinking_goes_where_the_template_has_a_form_of_its_own_for_it(with_template: Build) -> None:
    """As with gpt-oss, which writes reasoning into a channel: the tags would be trained as text."""
    target = with_template(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.reasoning_content %}[why: {{ m.reasoning_content }}]"
        "{% endif %}{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    encoded = encode(record(user("a"), answer("<think>\nthe cat\n</think>\n\nyes")), target)
    assert trained_text(encoded, target) == ["[why: the cat]yes<|im_end|>"]
    assert encoded.notes == ()
    assert trained_text(encode(record(user("a"), answer("yes")), target), target) == ["yes<|im_end|>"]


def test_thinking_stays_in_the_text_where_the_template_writes_it_in_tags(with_template: Build) -> None:
    target = with_template(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.reasoning_content %}<think>{{ m.reasoning_content }}"
        "</think>{% endif %}{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    encoded = encode(record(user("a"), answer("<think>\nthe cat\n</think>\n\nyes")), target)
    assert trained_text(encoded, target) == ["<think>\nthe cat\n</think>\n\nyes<|im_end|>"]


def test_tool_calls_are_trained_where_the_template_writes_them(with_template: Build) -> None:
    target = with_template(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% for c in m.tool_calls or [] %}"
        "{{ c.function.name }}{{ c.function.arguments | tojson }}{% endfor %}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    call = Message("assistant", None, (ToolCall("look", {"at": "cat"}, "c1"),))
    encoded = encode(record(user("a"), call, Message("tool", "a mat", tool_call_id="c1"), answer("yes")), target)
    assert trained_text(encoded, target) == ['look{"at": "cat"}<|im_end|>', "yes<|im_end|>"]


def test_one_bad_record_takes_no_other_with_it(target: ChatTarget) -> None:
    records = [
        record(user("a"), answer("b")),
        record(user("a")),
        record(user("\ud83d"), answer("b")),
        record(user("a"), answer("c", train=False)),
        record(user("a"), answer("d")),
    ]
    results = list(encode_all(records, target))
    assert [type(result) for result in results] == [Encoded, TemplateProblem, TemplateProblem, TemplateProblem, Encoded]
    kinds = [result.kind for result in results if isinstance(result, TemplateProblem)]
    assert kinds == ["nothing_trained", "encoding", "nothing_trained"]


def test_a_model_folder_without_tokenizer_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(ModelError) as caught:
        load_target(str(tmp_path))
    assert "no tokenizer" in str(caught.value) and "\n" not in str(caught.value)


def test_a_base_model_without_template_is_one_line(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "base"
    shutil.copytree(tiny_model, folder)
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    with pytest.raises(ModelError, match="no chat template"):
        load_target(str(folder))


@pytest.mark.parametrize("template", ["{% for %}", "{{ ''.__class__.__mro__ }}", "{{ raise_exception('no') }}"])
def test_a_template_that_cannot_render_a_question_is_refused(tiny_model: Path, template: str) -> None:
    with pytest.raises(ModelError, match="of no use"):
        load_target(str(tiny_model), chat_template=template)


def test_loading_a_target_reads_no_weights(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    (folder / "model.safetensors").unlink()
    assert load_target(str(folder)).context_length == 256

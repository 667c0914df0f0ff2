"""Ollama's template writes what the trained one writes, or is refused, or says what it does not write."""

from __future__ import annotations

import pytest

from assay.chat.conversation import MessageStyle
from assay.chat.target import TextTarget
from assay.records import Message
from assay.train.exporting.go_template import execute
from assay.train.exporting.ollama_template import collated, filled, ollama_template
from assay.train.exporting.turns import NotExpressible, render

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SMOLLM = (
    "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nI am \"Smol\".<|im_end|>\n' }}{% endif %}" + CHATML
)
EMPTY = "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n<|im_end|>\n' }}{% endif %}" + CHATML
"""As NVIDIA's Nemotron: a system turn without text where none is given."""
SMOLLM_PLAIN = SMOLLM.replace('"Smol".', "Smol {{ .System }} {x}.")
LLAMA3 = (
    "{{ bos_token }}{% for m in messages %}{{ '<|h|>' + m['role'] + '<|/h|>\n\n' + m['content'] | trim + '<|eot|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|h|>assistant<|/h|>\n\n' }}{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set first = messages[0]['content'] + '\n\n' %}"
    "{% set rest = messages[1:] %}{% else %}{% set first = '' %}{% set rest = messages %}{% endif %}"
    "{% for m in rest %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('order') }}"
    "{% endif %}<turn>{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n{{ first if loop.first else '' }}"
    "{{ m['content'] }}<end>\n{% endfor %}{% if add_generation_prompt %}<turn>model\n{% endif %}"
)
NO_SYSTEM = (
    "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "<{{ m['role'] }}>{{ m['content'] }}</s>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
)
LAST_SYSTEM = (  # as Mistral: the system turn stands in the last user turn
    "{% for m in messages if m['role'] != 'system' %}{% if m['role'] == 'user' %}[INST]{% if loop.last and "
    "messages[0]['role'] == 'system' %}{{ messages[0]['content'] }}\n{% endif %}{{ m['content'] }}[/INST]{% else %}"
    "{{ m['content'] }}</s>{% endif %}{% endfor %}"
)
COUNTS = "{% for m in messages %}{{ loop.index }}:{{ m['content'] }}\n{% endfor %}>"
DATED = CHATML.replace("{% for", "{{ strftime_now('%d %b %Y') }}{% for", 1)


def target(template: str, **special: str) -> TextTarget:
    return TextTarget("t", template, None, special, (), MessageStyle())


def talk(*contents: str, system: str | None = None) -> list[Message]:
    turns = [Message(("user", "assistant")[n % 2], content) for n, content in enumerate(contents)]
    return turns if system is None else [Message("system", system), *turns]


TALKS = [
    talk("a"),
    talk("a", "b", "c"),
    talk("a", system="s"),
    talk("{{ .System }}", '"""', "%}", "x", "y", system="{{"),
]


@pytest.mark.parametrize("template", [CHATML, SMOLLM, SMOLLM_PLAIN, EMPTY, LLAMA3, GEMMA])
@pytest.mark.parametrize("bos", [None, "<s>"])
def test_it_writes_what_the_trained_template_writes(template: str, bos: str | None) -> None:
    """A token that the tokenizer puts before every text is not written by the template a second time."""
    trained = target(template, bos_token="<s>")
    added = bos if bos and render(talk("a"), trained).startswith(bos) else None
    composed = ollama_template(trained, added)
    assert composed.proved >= 16
    for conversation in TALKS:
        assert (added or "") + filled(composed, conversation) == render(conversation, trained)


def test_a_system_prompt_that_the_template_inserts_becomes_system() -> None:
    assert ollama_template(target(SMOLLM_PLAIN), None).system == "I am Smol {{ .System }} {x}."
    assert ollama_template(target(CHATML), None).system is None


def test_a_system_turn_without_text_is_written_by_the_template_itself() -> None:
    """Ollama takes an empty SYSTEM for none, and the turn would be lost."""
    composed = ollama_template(target(EMPTY), None)
    assert composed.system is None
    written = execute(composed.text, collated(talk("a")))
    assert (
        written
        == render(talk("a"), target(EMPTY))
        == ("<|im_start|>system\n<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n")
    )
    assert filled(composed, talk("a", system="")) == render(talk("a", system=""), target(EMPTY))


def test_turns_that_ollama_joins_are_listed() -> None:
    listed = ollama_template(target(CHATML), None).unproved
    assert any(what.startswith("two user turns in a row, which Ollama joins") for what in listed)
    assert any(what.startswith("two system turns in a row") for what in listed)
    assert not any(what.startswith("two user turns") for what in ollama_template(target(GEMMA), None).unproved)


def test_what_ollama_does_not_do_is_listed() -> None:
    listed = ollama_template(target(LLAMA3, bos_token="<s>"), None).unproved
    assert [what for what in listed if what.startswith("a user's text that begins or ends with white space")]
    assert any("do not alternate" in what for what in ollama_template(target(GEMMA, bos_token="<s>"), None).unproved)
    assert any("takes none" in what for what in ollama_template(target(NO_SYSTEM), None).unproved)
    assert any(what.startswith("the date") for what in ollama_template(target(DATED), None).unproved)
    assert any(
        "tool calls" in what for what in ollama_template(target(CHATML + "{% if tools %}x{% endif %}"), None).unproved
    )


@pytest.mark.parametrize(
    ("template", "why"),
    [
        (COUNTS, "otherwise"),
        (LAST_SYSTEM, "otherwise|place"),
        (CHATML.replace("m['content']", "m['content'] + m['content']"), "repeats"),
        (CHATML.replace("m['content']", "m['content'] | upper"), "drops"),
        ("{{ raise_exception('never') }}", "never"),
    ],
    ids=["counts", "system last", "twice", "upper", "raises"],
)
def test_a_template_that_cannot_be_said_is_refused(template: str, why: str) -> None:
    with pytest.raises(NotExpressible, match=why):
        ollama_template(target(template), None)

"""Each trap of chat templates, in the smallest template that has it, is found; a sound template is left in peace."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.chat import load_target
from assay.chat.template_judge import Problem, judge_template
from assay.chat_templates.templating import Renderer

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
TOOLS = "{% if tools %}{{ tools | tojson }}{% endif %}"
CALLS = "{% for c in m.tool_calls or [] %}{{ c.function.name }}{{ c.function.arguments | tojson }}{% endfor %}"
TURN = f"[{{{{ m.role }}}}]{{{{ m.content or '' }}}}{CALLS}</s>"
PROMPT = "{% if add_generation_prompt %}[assistant]{% endif %}"
SOUND = f"<s>{TOOLS}{{% for m in messages %}}{TURN}{{% endfor %}}{PROMPT}"


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    made = Renderer()
    yield made
    made.close()


def found(template: str, renderer: Renderer, special: dict[str, str] = SPECIAL) -> set[tuple[str, str]]:
    return {(problem.check, problem.kind) for problem in judge_template(template, None, special, renderer)}


def test_a_sound_template_has_no_problem(renderer: Renderer) -> None:
    assert found(SOUND, renderer) == set()


SPLIT_SYSTEM = (
    "{% if messages[0].role == 'system' %}{% set system = messages[0].content %}{% set rest = messages[1:] %}"
    "{% else %}{% set system = '' %}{% set rest = messages %}{% endif %}"
)
TRAPS = {
    ("template_renders", "system_refused"): SOUND.replace(
        "{% for", "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}{% for", 1
    ),
    ("template_renders", "tools_ignored"): SOUND.replace(TOOLS, ""),
    ("template_renders", "tools_none"): SOUND.replace(TOOLS, "{{ tools | length }}"),
    ("template_renders", "tools_refused"): SOUND.replace(
        "{% for", "{% for m in messages if m.role == 'tool' %}{{ raise_exception('no') }}{% endfor %}{% for", 1
    ),
    ("mask_coverage", "tools_call_missing"): SOUND.replace(CALLS, ""),
    ("system_dropped", "dropped"): SOUND.replace("messages %}[", "messages if m.role != 'system' %}["),
    ("system_dropped", "folded"): (
        f"<s>{TOOLS}{SPLIT_SYSTEM}{{% for m in rest %}}[{{{{ m.role }}}}]{{% if loop.first %}}"
        f"{{{{ system }}}}{{% endif %}}{{{{ m.content or '' }}}}{CALLS}</s>{{% endfor %}}{PROMPT}"
    ),
    ("system_dropped", "dropped_in_training"): (
        f"<s>{TOOLS}{SPLIT_SYSTEM}{{% for m in rest %}}{{% if loop.last and m.role == 'user' %}}"
        f"[system]{{{{ system }}}}{{% endif %}}{TURN}{{% endfor %}}{PROMPT}"
    ),
    ("system_dropped", "moved"): (
        f"<s>{TOOLS}{SPLIT_SYSTEM}{{% set users = rest | selectattr('role', 'equalto', 'user') | list %}}"
        f"{{% for m in rest %}}{{% if m == users[-1] %}}[system]{{{{ system }}}}{{% endif %}}"
        f"{TURN}{{% endfor %}}{PROMPT}"
    ),
    ("prompt_prefix", "text"): SOUND.replace(PROMPT, PROMPT.replace("[assistant]", "[assistant]<think>")),
    ("bos_doubled", "doubled"): SOUND.replace("<s>", "<s><s>", 1),
    ("stop_token_untrained", "no_stop"): SOUND.replace("</s>", ""),
    ("stop_token_untrained", "eos_is_not_turn_end"): SOUND.replace("</s>", "<|eot|>"),
}


@pytest.mark.parametrize("trap", TRAPS, ids="-".join)
def test_each_trap_is_found(renderer: Renderer, trap: tuple[str, str]) -> None:
    assert trap in found(TRAPS[trap], renderer)


def test_a_tokenizer_without_a_beginning_of_sequence_token_is_said(renderer: Renderer) -> None:
    assert ("bos_doubled", "no_bos") in found(SOUND, renderer, {"eos_token": "</s>"})


def test_padding_with_the_end_of_turn_is_said(renderer: Renderer) -> None:
    assert ("mask_coverage", "padding_is_stop") in found(SOUND, renderer, {**SPECIAL, "pad_token": "</s>"})


@pytest.mark.parametrize(
    ("template", "kind"),
    [
        ("{% for %}", "syntax"),
        ("{{ nothing.there }}", "undefined"),
        ("{{ messages.append(1) }}", "security"),
        ("{{ 'x' * 10**9 }}", "memory"),
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "time"),
        ("", "changed"),
    ],
)
def test_whatever_a_template_does_it_is_judged(template: str, kind: str) -> None:
    renderer = Renderer(seconds=0.7 if kind == "time" else 60)
    try:
        problems = judge_template(template, None, SPECIAL, renderer)
        assert problems[0].kind == kind
    finally:
        renderer.close()
    assert all(isinstance(problem, Problem) and "\n" not in problem.message for problem in problems)


def test_the_stop_tokens_of_the_generation_config_count_as_ends_of_turns(tiny_model: Path, tmp_path: Path) -> None:
    """Where a tokenizer names another token, the generation config decides whether generation goes on."""
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "eos_token": "<|endoftext|>"}))
    assert "eos_is_not_turn_end" not in {problem.kind for problem in load_target(str(folder)).problems}
    (folder / "generation_config.json").unlink()
    assert "eos_is_not_turn_end" in {problem.kind for problem in load_target(str(folder)).problems}

"""Templates render as transformers renders them, and a hostile one costs its time limit and nothing else."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.chat_templates.templating import KILLS_BEFORE_REFUSAL, Renderer, TemplateProblem
from assay.chat_templates.worker import MEMORY_BYTES

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "hello"}], "add_generation_prompt": True}
FOREVER = "{% for a in range(99999) %}{% for b in range(99999) %}{% set c = a * b %}{% endfor %}{% endfor %}"


@pytest.fixture
def renderer() -> Iterator[Renderer]:
    made = Renderer(seconds=0.8)
    yield made
    made.close()


@pytest.fixture(scope="module")
def patient() -> Iterator[Renderer]:
    """Waits for what is slow on a busy machine; for templates that end."""
    made = Renderer(seconds=60)
    yield made
    made.close()


def problem(renderer: Renderer, template: str, variables: dict[str, Any] = HELLO) -> TemplateProblem:
    with pytest.raises(TemplateProblem) as caught:
        renderer.render(template, variables)
    return caught.value


def test_a_template_that_loops_forever_is_killed_and_others_render_on(renderer: Renderer) -> None:
    started = time.monotonic()
    assert problem(renderer, FOREVER).kind == "time"
    assert time.monotonic() - started < 10
    assert renderer.render("{{ messages[0].content }}", HELLO).text == "hello"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells what another process has used")
def test_a_template_that_gets_no_turn_on_a_busy_machine_is_not_killed() -> None:
    busy = Renderer(seconds=0.3)
    template = "{{ messages[0].content }}"
    try:
        busy.render(template, HELLO)
        assert busy._worker is not None
        worker = busy._worker.process
        worker.send_signal(signal.SIGSTOP)
        threading.Timer(1.0, worker.send_signal, (signal.SIGCONT,)).start()
        assert busy.render(template, HELLO).text == "hello"
        assert busy._worker.process is worker
    finally:
        busy.close()


def test_a_template_that_was_killed_is_soon_not_tried_again(renderer: Renderer) -> None:
    for _ in range(KILLS_BEFORE_REFUSAL):
        problem(renderer, FOREVER)
    started = time.monotonic()
    assert problem(renderer, FOREVER).kind == "time"
    assert time.monotonic() - started < 0.5


def test_only_the_conversation_that_makes_a_template_loop_pays_for_it(renderer: Renderer) -> None:
    template = "{% if messages[0].content == 'bad' %}" + FOREVER + "{% endif %}{{ messages[0].content }}"
    renders = [{"messages": [{"role": "user", "content": word}]} for word in ("a", "bad", "b")]
    first, second, third = renderer.render_many(template, renders)
    assert isinstance(second, TemplateProblem)
    assert [getattr(first, "text", None), getattr(third, "text", None)] == ["a", "b"]


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ messages.append(1) }}",
        "{{ namespace(__class__=1) }}",
    ],
)
def test_reaching_out_of_the_sandbox_is_a_problem_and_does_nothing(renderer: Renderer, template: str) -> None:
    assert problem(renderer, template).kind == "security"


@pytest.mark.parametrize(
    "name", ["json", "tojson", "os", "sys", "environ", "self.__init__", "raise_exception.__globals__"]
)
def test_python_is_not_to_be_had_by_name(renderer: Renderer, name: str) -> None:
    try:
        assert renderer.render("{{ " + name + " }}", HELLO).text == ""
    except TemplateProblem as found:
        assert found.kind in ("security", "undefined")


@pytest.mark.parametrize(
    ("template", "kind"),
    [
        ("{{ 'x' * 10**9 }}", "memory"),
        ("{% set n = namespace(l=[1]) %}{% for i in range(99) %}{% set n.l = n.l + n.l %}{% endfor %}", "memory"),
        ("{{ '%1000000000d' % 1 }}", "memory"),
        ("{{ '{:>1000000000}'.format(1) }}", "memory"),
        ("{{ messages[0].content | center(10**9) }}", "memory"),
        ("{% include '/etc/passwd' %}", "failed"),
        ("{{ '(' * 100000 }}{{ " + "(" * 100000 + " }}", "memory"),
        ("{% for a in range(99999) %}{{ 'x' * 1000 }}{% endfor %}", "output"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "memory"),
        ("{% for a in range(10**9) %}x{% endfor %}", "failed"),
        ("{% for %}", "syntax"),
        ("{{ raise_exception('System role not supported') }}", "refused"),
        ("{{ messages[5].content }}", "undefined"),
        ("{{ 1 + 'a' }}", "failed"),
    ],
)
def test_what_a_template_does_wrong_is_named(patient: Renderer, template: str, kind: str) -> None:
    assert problem(patient, template).kind == kind


def test_arithmetic_that_never_ends_is_killed(renderer: Renderer) -> None:
    assert problem(renderer, "{{ 9**(9**9) }}").kind == "time"


def test_the_environment_of_the_worker_holds_no_secret(renderer: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-3141")
    renderer.render("x", HELLO)
    assert renderer._worker is not None
    environment = f"/proc/{renderer._worker.process.pid}/environ"
    if not os.path.exists(environment):  # noqa: PTH110
        pytest.skip("no /proc here")
    with open(environment, "rb") as file:  # noqa: PTH123
        assert b"canary-3141" not in file.read()


def test_the_worker_can_write_no_file_and_keeps_its_memory_bounded(renderer: Renderer) -> None:
    """What holds even for a template that gets out of Jinja's sandbox."""
    resource = pytest.importorskip("resource")
    if not hasattr(resource, "prlimit"):
        pytest.skip("only Linux tells the limits of another process")
    renderer.render("x", HELLO)
    assert renderer._worker is not None
    pid = renderer._worker.process.pid
    assert resource.prlimit(pid, resource.RLIMIT_FSIZE)[0] == 0
    assert resource.prlimit(pid, resource.RLIMIT_NPROC)[0] == 0
    assert resource.prlimit(pid, resource.RLIMIT_AS)[0] <= MEMORY_BYTES


def test_a_template_that_takes_all_memory_harms_no_other_and_not_this_process(renderer: Renderer) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    greedy = (
        "{% set n = namespace(l='x' * 1000) %}{% for i in range(99) %}{% set n.l = n.l ~ n.l %}{% endfor %}{{ n.l }}"
    )
    assert problem(renderer, greedy).kind in ("memory", "time")
    assert renderer.render("{{ messages[0].content }}", HELLO).text == "hello"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 50_000 * (1024 if sys.platform == "darwin" else 1)


def test_generation_blocks_are_reported_as_character_spans(renderer: Renderer) -> None:
    template = (
        "{{ 'ab' }}{% generation %}{{ messages[0].content }}!{% endgeneration %}c{% generation %}d{% endgeneration %}"
    )
    rendering = renderer.render(template, HELLO)
    assert rendering.text == "abhello!cd"
    assert [rendering.text[start:end] for start, end in rendering.generation_spans] == ["hello!", "d"]


TEMPLATES = [
    "{%- set ns = namespace(n=0) -%}{% for m in messages %}{% set ns.n = ns.n + 1 %}{{ ns.n }}{% endfor %}",
    "{{ messages | tojson }}\n{{ messages[0] | tojson(indent=2) }}{{ dict(a=1) }}{{ dict.fromkeys(['b']) }}",
    "  {% if true %}\n  trimmed\n  {% endif %}\n{{ bos_token }}{{ nothing }}",
    "{% for m in messages %}{% if loop.first %}{% continue %}{% endif %}{{ m.role }}{% break %}{% endfor %}",
    "{{ tools is none }}{{ documents is none }}{{ add_generation_prompt }}{{ strftime_now('%Y') }}",
    "{% for m in messages %}{{ m.reasoning_content }}{{ m.thinking }}{% endfor %}",
]


@pytest.mark.parametrize("template", TEMPLATES)
def test_renders_what_transformers_renders(renderer: Renderer, template: str) -> None:
    from transformers.utils.chat_template_utils import render_jinja_template

    messages = [
        {"role": "user", "content": "Grüße <b>\n"},
        {"role": "assistant", "content": "ok", "reasoning": "because"},
    ]
    expected, _ = render_jinja_template([messages], chat_template=template, add_generation_prompt=True, bos_token="<s>")
    variables = {
        "messages": messages,
        "tools": None,
        "documents": None,
        "add_generation_prompt": True,
        "bos_token": "<s>",
    }
    assert renderer.render(template, variables).text == expected[0]


def test_an_interrupted_talk_leaves_no_answer_for_the_next(patient: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that has reached its time limit is interrupted wherever it is, also while it waits for the worker."""
    from assay.chat_templates.templating import _Worker

    class Interrupted(BaseException):
        pass

    ask = _Worker.ask

    def interrupted(worker: _Worker, request: str, seconds: float) -> str | None:
        assert worker.process.stdin is not None
        worker.process.stdin.write(request + "\n")
        worker.process.stdin.flush()
        raise Interrupted

    patient.render("{{ 'started' }}", HELLO)
    monkeypatch.setattr(_Worker, "ask", interrupted)
    with pytest.raises(Interrupted):
        patient.render("{{ 'first' }}", HELLO)
    monkeypatch.setattr(_Worker, "ask", ask)
    assert patient.render("{{ 'second' }}", HELLO).text == "second"

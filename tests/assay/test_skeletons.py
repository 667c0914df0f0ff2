"""What is written into a skeleton is what the template would have rendered, or it is rendered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.examined import render_by_shape
from assay.records import Message, Record, Source, record_id
from assay.rendered import Rendered, render_all
from assay.skeletons import EVERY, Skeletons
from assay.templating import TemplateProblem
from assay.text_target import TextTarget, load_text_target

Load = Callable[[str], TextTarget]

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TRIMMING = CHATML.replace("m.content", "m.content | trim")
CUTS_THINKING = CHATML.replace("m.content", "m.content.split('</think>')[-1]")
LOOKS_IN_THE_PROMPT_ALONE = CHATML.replace(
    "assistant\n{% endif %}",
    "assistant\n{% if '/no_think' in messages[-1].content %}<think></think>{% endif %}{% endif %}",
)
MARKED = CHATML.replace(
    "{{ m.content }}<|im_end|>",
    "{% if m.role == 'assistant' %}{% generation %}{{ m.content }}<|im_end|>{% endgeneration %}"
    "{% else %}{{ m.content }}<|im_end|>{% endif %}",
)
ESCAPING = CHATML.replace("m.content", "m.content | tojson")
MEASURING = CHATML.replace(
    "assistant\n{% endif %}", "assistant\n{% if messages[-1].content | length > 9 %}long{% endif %}{% endif %}"
)
REFUSING = "{{ raise_exception('no system') if messages[0].role == 'system' }}" + CHATML


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def build(template: str) -> TextTarget:
        path = tmp_path / "own.jinja"
        path.write_text(template, encoding="utf-8")
        return load_text_target(str(path))

    return build


def record(*turns: str | Message) -> Record:
    roles = ("user", "assistant")
    messages = tuple(t if isinstance(t, Message) else Message(roles[i % 2], t) for i, t in enumerate(turns))
    return Record(record_id(messages), "row", messages, Source("a.jsonl", 1, 0))


def comparable(item: Rendered | TemplateProblem) -> object:
    return (item.check, item.kind, item.message) if isinstance(item, TemplateProblem) else item


def assert_as_rendered(records: list[Record], target: TextTarget) -> None:
    shaped = [comparable(item) for item in render_by_shape(records, target)]
    assert shaped == [comparable(item) for item in render_all(records, target)]


ALL = [CHATML, TRIMMING, CUTS_THINKING, LOOKS_IN_THE_PROMPT_ALONE, MARKED, ESCAPING, MEASURING, REFUSING]


@pytest.mark.parametrize("template", ALL)
def test_shapes_render_as_the_template_does(load: Load, template: str) -> None:
    words = [
        "yes",
        " no\n",
        "a </think> b",
        "say /no_think",
        '"quoted" {{ x }}',
        "",
        "  ",
        "user",
        "long " * 40,
        "\ud83d",
        "é",
    ]
    records = [record(a, b) for a in words for b in words]
    records += [record(a, "one", b, "two") for a in words for b in words]
    records += [
        record(Message("system", a), Message("user", b), Message("assistant", "c")) for a in words for b in words
    ]
    assert_as_rendered(records, load(template))


@given(turns=st.lists(st.text(max_size=12), min_size=2, max_size=5))
def test_any_text_renders_as_the_template_does(tmp_path_factory: pytest.TempPathFactory, turns: list[str]) -> None:
    path = tmp_path_factory.getbasetemp() / "thinking.jinja"
    path.write_text(CUTS_THINKING, encoding="utf-8")
    assert_as_rendered([record(*turns)] * 3 + [record(*(turn + "x" for turn in turns))], load_text_target(str(path)))


def test_most_records_of_one_shape_are_not_rendered(load: Load) -> None:
    target = load(CHATML)
    records = [record(f"question {i}", f"answer {i}") for i in range(200)]
    skeletons = Skeletons.of(target.template)
    assert skeletons is not None
    written = [skeletons.results(one, target) is not None for one in records]
    assert written.count(True) == 199


def test_a_template_that_changes_its_mind_is_found_out_and_rendered_from_then_on(load: Load) -> None:
    """It measures contents, which no word in it tells: the provoking contents are short and long for that."""
    target = load(MEASURING)
    skeletons = Skeletons.of(target.template)
    assert skeletons is not None
    one = record("q", "a")
    assert [skeletons.results(one, target) for _ in range(4)] == [None] * 4
    assert list(skeletons.known.values()) == [None]


def test_a_shape_is_compared_again_and_again(load: Load) -> None:
    target = load(CHATML)
    skeletons = Skeletons.of(target.template)
    assert skeletons is not None
    one = record("why", "so")
    for _ in range(EVERY):
        skeletons.results(one, target)
    (skeleton,) = (item for item in skeletons.known.values() if item is not None)
    skeleton.results = tuple(reversed(skeleton.results))  # as if the template now wrote something else
    assert [skeletons.results(one, target) is None for _ in range(3)][-1]


@pytest.mark.parametrize(
    ("template", "contained", "equal"),
    [
        ("{{ 'a' if '</think>' in m.content }}", {"</think>"}, set()),
        ("{% set tag = '</end>' %}{{ m.content.split(tag) }}", {"</end>"}, set()),
        ("{% set out = out + '\\n' + m.content %}{{ out }}", set(), set()),
        ("{{ m.content.strip('\\n') }}{{ m.content.split('\\n') }}", {"\n"}, set()),
        ("{{ m.content.strip('-') }}", {"-"}, set()),
        ("{% if m.role == 'user' or m.role in ['tool', 'ipython'] %}{% endif %}", set(), {"user", "tool", "ipython"}),
        ("{% if 'content' in m and m['name'] and m.get('text') %}{% endif %}", set(), set()),
        ("{% if 'name' in m.content %}{% endif %}", {"name"}, set()),
        ("{% set parts = [{'type': 'text', 'text': m.content}] %}", set(), set()),
        ("{{ raise_exception('no') }}{{ messages | selectattr('role', 'equalto', 'user') | list }}", set(), set()),
        ("{{ m.content | replace('x', 'y') }}", {"x", "y"}, set()),
    ],
)
def test_words_that_a_template_looks_for_are_read_from_it(template: str, contained: set[str], equal: set[str]) -> None:
    from assay.templating import shared_renderer

    assert shared_renderer().looked_for(template) == (tuple(sorted(contained)), tuple(sorted(equal)))


def test_nobody_can_say_what_a_broken_template_looks_for() -> None:
    assert Skeletons.of("{% for %}") is None

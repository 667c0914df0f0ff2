"""What is written into a skeleton is what the template would have rendered, or it is rendered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.chat.examined import render_by_shape
from assay.chat.rendered import Rendered, render_all
from assay.chat.skeletons import EVERY, FEW_SHAPES, OFTEN, Skeletons
from assay.chat.text_target import TextTarget, load_text_target
from assay.chat_templates.templating import TemplateProblem
from assay.records import Message, Record, Source, ToolCall, record_id
from tests.conversations import with_own_names

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
    skeletons = Skeletons()
    written = [skeletons.rendered(one, target) is not None for one in records]
    assert written.count(True) == 199


def test_a_template_that_changes_its_mind_is_found_out_and_rendered_from_then_on(load: Load) -> None:
    """It measures contents, which no word in it tells: the provoking contents are short and long for that."""
    target = load(MEASURING)
    skeletons = Skeletons()
    one = record("q", "a")
    assert [skeletons.rendered(one, target) for _ in range(4)] == [None] * 4
    assert list(skeletons.known.values()) == [None]


def test_a_shape_is_compared_again_and_again(load: Load) -> None:
    target = load(CHATML)
    skeletons = Skeletons()
    one = record("why", "so")
    for _ in range(EVERY):
        skeletons.rendered(one, target)
    (skeleton,) = (item for item in skeletons.known.values() if item is not None)
    skeleton.parts = tuple(TemplateProblem("template_renders", "refused", "no") for _ in skeleton.parts)  # as if so now
    assert [skeletons.rendered(one, target) is None for _ in range(3)][-1]


def test_nothing_is_written_into_shapes_of_a_broken_template(load: Load) -> None:
    target = replace(load(CHATML), template="{% for %}")
    assert [Skeletons().rendered(record("why", "so"), target) for _ in range(3)] == [None] * 3


TOOLS = CHATML.replace(
    "{{ m.content }}",
    "{{ m.content or '' }}{% for c in m.tool_calls or [] %}<call {{ c.id }}>{{ c.function | tojson }}</call>"
    "{% for k, v in c.function.arguments | dictsort %}{{ k }}={{ v }};{% endfor %}{% endfor %}"
    "{{ ' for ' + m.tool_call_id if m.tool_call_id }}",
).replace("{% for m in", "{{ tools | tojson(indent=1) if tools }}{% for m in", 1)
NINE_SIGNS = TOOLS.replace(
    "<call", "{% if c.id | length != 9 %}{{ raise_exception('an id has nine signs') }}{% endif %}<call"
)
BY_ID = TOOLS.replace(
    "{{ ' for ' + m.tool_call_id if m.tool_call_id }}",
    "{% for o in messages %}{% for c in o.tool_calls or [] %}{% if c.id == m.tool_call_id %} of {{ c.function.name }}"
    "{% endif %}{% endfor %}{% endfor %}",
)
LOOKS_AT_VALUES = TOOLS.replace("{{ k }}={{ v }};", "{{ k }}={{ v if v != 'Lyon' and v is not boolean }};")
ASKS_FOR_A_NUMBER = TOOLS.replace("{{ m.content or '' }}", "{{ (m.content or '') | int or m.content }}")
SMALL_LETTERS = TOOLS.replace("{{ m.content or '' }}", "{{ '!' if 'now' in (m.content or '') | lower }}{{ m.content }}")
FIRST_SIGN = TOOLS.replace("{{ m.content or '' }}", "{{ '!' if m.content and m.content[0] == '{' }}{{ m.content }}")
TELLS_TWO_APART = TOOLS.replace("{{ m.content or '' }}", "{{ m.content if m.content != messages[0].content }}")


def tool(name: str) -> dict[str, object]:
    properties = {"place": {"type": "string", "description": "Where?"}, "days": {"type": "integer"}}
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": properties}}}


def called(number: int, **arguments: object) -> Record:
    own, words = f"call-{number:06}", f"words {number}"
    messages = (
        Message("user", words),
        Message("assistant", None, (ToolCall("look", arguments, own),)),
        Message("tool", f"result {number}", tool_call_id=own, name="look"),
        Message("assistant", f"so {number}"),
    )
    return Record(record_id(messages), "row", messages, Source("a.jsonl", 1, 0), tools=(tool("look"), tool("find")))


@pytest.mark.parametrize(
    "template",
    [TOOLS, NINE_SIGNS, BY_ID, LOOKS_AT_VALUES, ASKS_FOR_A_NUMBER, SMALL_LETTERS, FIRST_SIGN, TELLS_TWO_APART],
)
def test_calls_results_and_tools_are_written_as_the_template_does(load: Load, template: str) -> None:
    places = ["Lyon", 'a "quoted" one', "Zürich \\ Genf", " x ", "", "\n", "{{ p }}", "yon", "Ly\non"]
    records = [called(i, place=p, days=i - 5) for i, p in enumerate(places * 2)]
    records += [called(i, place=i / 4, days=[i, "two", None, True, {"in": p}]) for i, p in enumerate(places * 2)]
    records += [called(i, days=v) for i, v in enumerate([0, 1, True, 1.0, False, 0.0, -0.0, None, 10**20, 1e300] * 3)]
    said = ["12", "1e5", "NOW", "know", "{", "{a}", "words 3", "result 3", "nan", "Zq0x7Kd"]
    for text in said * 3:
        one = called(3, place="x")
        records.append(one.with_messages(replace(m, content=text) if m.role == "tool" else m for m in one.messages))
    assert_as_rendered(records, load(template))


def test_records_with_the_same_tools_are_not_rendered(load: Load) -> None:
    target, skeletons = load(BY_ID), Skeletons()
    written = [skeletons.rendered(called(i, place=f"place {i}", days=i + 1), target) is not None for i in range(50)]
    assert written == [False, *[True] * 49]


def test_other_tools_are_another_shape(load: Load) -> None:
    target = load(TOOLS)
    one = [called(i, place="x") for i in range(4)]
    other = [replace(item, tools=(tool("find"),)) for item in one]
    assert_as_rendered([record for pair in zip(one, other, strict=True) for record in pair], target)


def test_ids_that_are_alike_by_chance_are_told_from_ids_that_belong_together(load: Load) -> None:
    def answered(first: str, second: str, result: str) -> Record:
        calls = (ToolCall("look", {}, first), ToolCall("find", {}, second))
        messages = (
            Message("user", "why"),
            Message("assistant", None, calls),
            Message("tool", "so", tool_call_id=result),
            Message("assistant", "then"),
        )
        return Record(record_id(messages), "row", messages, Source("a.jsonl", 1, 0), tools=(tool("look"),))

    ids = ["call-000001", "call-000002", "call00001", "1", ""]
    assert_as_rendered([answered(a, b, c) for a in ids for b in ids for c in ids] * 3, load(BY_ID))


WALKS = CHATML.replace(
    "{% for m in",
    "{% for t in tools or [] %}{% set f = t.function %}## {{ f.name }}: {{ f.description | trim }}\n"
    "{% for k, p in f.parameters.properties.items() %}- {{ k }} ({{ p.type }}) {{ p.description }}\n{% endfor %}"
    "{% endfor %}{% for m in",
    1,
).replace("{{ m.content }}", "{{ m.content or '' }}{% for c in m.tool_calls or [] %}{{ c.function.name }}{% endfor %}")
LOOKS_AT_NAMES = WALKS.replace("## {{ f.name }}", "{{ '!' if f.name == 'look' }}{{ f.name | upper }}")
FINDS_ITS_TOOL = WALKS.replace(
    "{{ c.function.name }}",
    "{% for t in tools if t.function.name == c.function.name %}{{ t.function.description }}{% endfor %}",
)
UNREAD = TOOLS.replace("{{ tools | tojson(indent=1) if tools }}", "")
OWN_TOOLS = [TOOLS, BY_ID, WALKS, LOOKS_AT_NAMES, FINDS_ITS_TOOL, UNREAD]
NAMES = ["look", "find_it", "a.b/c:d-9", "x", "é", "two words", "", "user", "name", "Zq0x7Kd", "L" * 64, "L" * 65]


def with_own_tools(number: int, name: str, description: str) -> Record:
    one = called(number, place=f"place {number}")
    return with_own_names(one, [name, f"{name}2", "bare"], description)


@pytest.mark.parametrize("template", OWN_TOOLS)
def test_tools_of_every_records_own_are_written_as_the_template_does(load: Load, template: str) -> None:
    said = ["Looks.", ' "quoted" \\ {{ x }}\n', "", "  ", "long " * 99, "name", '"name": "look"', "\ud83d", "é <think>"]
    records = [with_own_tools(i, name, text) for i, (name, text) in enumerate((n, t) for n in NAMES for t in said)]
    assert_as_rendered(records, load(template))


@given(st.lists(st.tuples(st.text(max_size=9), st.text(max_size=9)), min_size=4, max_size=8))
def test_any_tools_are_written_as_the_template_does(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "walks.jinja"
    path.write_text(WALKS, encoding="utf-8")
    assert_as_rendered([with_own_tools(i, *own) for i, own in enumerate(made)], load_text_target(str(path)))


@pytest.mark.parametrize("template", [TOOLS, BY_ID, WALKS, FINDS_ITS_TOOL, UNREAD])
def test_records_with_tools_of_their_own_are_not_rendered(load: Load, template: str) -> None:
    target, skeletons = load(template), Skeletons()
    records = [with_own_tools(i, f"look_{i}", f"Looks for {i}.") for i in range(50)]
    written = [skeletons.rendered(one, target) is not None for one in records]
    assert written == [False, *[True] * 49]


def test_a_template_that_looks_at_names_shares_renderings_among_records_with_the_same_tools(load: Load) -> None:
    target, skeletons = load(LOOKS_AT_NAMES), Skeletons()
    written = [skeletons.rendered(with_own_tools(i, "look", "Looks."), target) is not None for i in range(9)]
    assert written[-5:] == [True] * 5


def test_where_there_are_many_shapes_only_those_that_recur_are_kept(load: Load) -> None:
    target, skeletons = load(CHATML), Skeletons()
    shapes = [record(Message("user", "why", name=f"number {i}"), "so") for i in range(FEW_SHAPES + 20)]
    for one in shapes * 3:
        skeletons.rendered(one, target)
    assert len(skeletons.known) == FEW_SHAPES
    written = [skeletons.rendered(shapes[-1], target) is not None for _ in range(OFTEN)]
    assert written == [False] * (OFTEN - 3) + [True] * 3

"""JSON that is none, and how it is told."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.curate.answers.json_text import are_json_lines, is_json_container, json_fault
from assay.curate.check import Context
from assay.curate.checks.json_syntax import json_syntax
from assay.findings import Finding, Severity
from assay.records import Record

Make = Callable[..., Record]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"a": 1,}', "trailing_comma"),
        ("[1, 2, ]", "trailing_comma"),
        ("{'a': 1}", "single_quotes"),
        ("{\"a\": 'b'}", "single_quotes"),
        ('{"a": 1} // one', "text_after"),
        ('{"a": // one\n1}', "comment"),
        ('{"a": True}', "python_literal"),
        ('{"a": None}', "python_literal"),
        ('{"a": NaN}', "not_a_number"),
        ('{"a": -Infinity}', "not_a_number"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "duplicate_key"),
        ("{a: 1}", "bare_key"),
        ('{"a": "two\nlines"}', "line_break"),
        ('{"a": {"b": 1}', "truncated"),
        ('{"a": "b', "truncated"),
        ('{"a" 1}', "syntax"),
        ('{"a": 1}}', "text_after"),
        ('{"a": 01}', "syntax"),
    ],
)
def test_what_is_wrong_is_named_where_it_is(text: str, kind: str) -> None:
    fault = json_fault(text)
    assert fault is not None and fault.kind == kind
    assert 0 <= fault.at <= len(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_json_is_never_found(value: object) -> None:
    assert json_fault(json.dumps(value)) is None
    assert json_fault(json.dumps(value, ensure_ascii=False, indent=2)) is None


@given(st.text(alphabet="{}[]\",:1a\\n '/", max_size=60))
def test_no_text_makes_it_fail(text: str) -> None:
    json_fault(text)
    is_json_container(text)
    are_json_lines(text)


def test_what_is_abbreviated_or_too_deep_is_not_judged() -> None:
    assert json_fault('{"a": [1, 2, ...]}') is None
    assert json_fault("[" * 100_000 + "]" * 100_000) is None
    assert json_fault('{"a": "...",}') is not None


def found(*records: Record) -> list[Finding]:
    context = Context(records)
    return [finding for record in records for finding in json_syntax.function(record, context)]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Answer in JSON.", '{"a": 1,}'),
        ("Show me a config.", 'Here:\n```json\n{"a": 1,}\n```'),
        ("Show me a config.", 'Here:\n```json\n{"a": 1, "a": 2}\n```'),
        ("Respond with JSON only.", 'Sure!\n```json\n{"a": 1}\n```'),
        ("Antworte nur mit JSON.", 'Gern!\n```json\n{"a": 1}\n```'),
        ("只输出JSON。", '好的\n```json\n{"a": 1}\n```'),
    ],
)
def test_claimed_json_is_judged(make: Make, question: str, answer: str) -> None:
    assert len(found(make(question, answer))) == 1


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Answer in JSON.", '{"a": 1}'),
        ("Answer in JSON.", '{"a": 1}\n{"a": 2}'),
        ("Answer in JSON.", '{"a": 1}\n\nThat is all I found.'),
        ("Say hello.", "{curly} braces open this, and {that"),
        ("Say hello.", "[1] says so."),
        ("Show me a config.", 'Here:\n```json\n"key": "value",\n```'),
        ("Show me a config.", "Here:\n```json5\n{a: 1}\n```"),
        ("Show me a config.", 'Here:\n```json\n{"a": 1}\n{"a": 2}\n```'),
        ("Show me a config.", 'Here:\n```json\n{"a": [1, ...]}\n```'),
        ("What is JSON?", "A format for data. It is written `{}`."),
    ],
)
def test_sound_and_unclaimed_text_is_left_alone(make: Make, question: str, answer: str) -> None:
    assert found(make(question, answer)) == []


def test_where_the_other_answers_are_json_all_should_be(make: Make) -> None:
    sound = [make(f"q{n}", f'{{"n": {n}}}', system="Classify.") for n in range(30)]
    broken = make("q", '{"n": 3,}', system="Classify.")
    prose = make("q", "It is three.", system="Classify.")
    elsewhere = make("q", "It is three.", system="Talk.")
    assert [(f.row_id, f.severity) for f in found(*sound, broken, prose, elsewhere)] == [
        (broken.row_id, Severity.ERROR),
        (prose.row_id, Severity.INFO),
    ]


@pytest.mark.parametrize("unit", ["{", '{"a":', "[1,", '"', "\\", "// ", "{'", ",}", '"\\'])
def test_a_megabyte_of_the_worst_kind_is_bounded(make: Make, unit: str) -> None:
    started = time.perf_counter()
    found(make("Answer in JSON only.", "{" + unit * (1_000_000 // len(unit))))
    assert time.perf_counter() - started < 10

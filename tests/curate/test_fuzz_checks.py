"""No record makes a check fail or hang: every check that looks at one record, on records of every odd kind."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.curate.check import Context
from assay.curate.limits import Watch
from assay.curate.settings import ActiveCheck, CurateSettings, active_checks
from assay.findings import Finding
from assay.records import ROLES, Json, Message, Record, Source, ToolCall, record_id, row_id

SECONDS = 20.0
"""For one check on one record of forty thousand characters, on a machine with other work."""

PIECES = (
    "", " ", "\n", "\0", "\ufeff", "\ud800", "\udfff\ud83d", "\ufffd", "\u202e", "é", "Ã©", "漢字", "ありがとう",
    "مرحبا", "👩‍👩‍👧", "e\u0301e\u0301", "I am", " ChatGPT", "As an AI", " language model,",
    "hope this helps", "The answer is the", " of and to", "12 * 7 = 86", "=", "1 + 1 = ", "<<", ">>",
    "20% of 50 is 10", "9", "1/0 = 1", "((((", "))", "²", "```python\n", "```json\n", "```yaml\n", "```\n",
    "~~~", "def f(:\n", '{"a": 1,}', '{"a": 1, "a": 2}', "[[[[", "NaN", "{{name}}", "[YOUR NAME]",
    "<insert date>", "${x}", "__X__", "%NAME%", "<|im_end|>", "</s>", "[INST]", "$$", "\\frac{1}{2}", "\\[",
    "https://x.org/a?b=c", "user@example.org", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00",
    "+49 30 1234567", "the same words ", "- ", "1. ", "| a | b |\n", "Yes.", "No,", "not", "2024-02-30",
    "Translate into German:", "JSON only", "repeat",
)  # fmt: skip

TEXT = st.one_of(
    st.none(),
    st.text(max_size=60),
    st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Z", "C", "M", "Cs"]), max_size=40),
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.tuples(st.sampled_from(PIECES), st.integers(1, 400)).map(lambda given: given[0] * given[1]),
)
JSON_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
SCHEMA = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["function", "object", 3, None]),
        "name": st.text(max_size=4) | st.integers(),
        "function": st.fixed_dictionaries(
            {},
            optional={
                "name": st.sampled_from(["f", "", None, 3]),
                "parameters": JSON_VALUE
                | st.just({"type": "object", "properties": {"a": {"type": ["x", None]}}, "required": 3}),
            },
        )
        | JSON_VALUE,
    },
)
CALL = st.builds(ToolCall, st.sampled_from(["f", "", "g\ud800"]), JSON_VALUE | TEXT, st.none() | st.text(max_size=3))
MESSAGE = st.builds(
    Message,
    st.sampled_from([*ROLES, "user", "assistant", "assistant", "narrator", "", "<|bot|>\ud800"]),
    TEXT,
    st.lists(CALL, max_size=2).map(tuple),
    st.none() | st.text(max_size=3),
    st.none() | st.text(max_size=3),
    st.none() | st.booleans(),
)


def record_of(messages: Sequence[Message], tools: Sequence[Json] = ()) -> Record:
    given = tuple(messages)
    return Record(record_id(given, tuple(tools)), row_id("fuzz", 0), given, Source("a.jsonl", 1, 0), tuple(tools))


RECORD = st.builds(record_of, st.lists(MESSAGE, max_size=5), st.lists(SCHEMA | JSON_VALUE, max_size=2))


def record_checks() -> list[ActiveCheck]:
    items = [item for item in active_checks(CurateSettings()) if item.check.scope == "record"]
    return [item for item in items if Context([]).missing(item.check) is None]


def looked_at(item: ActiveCheck, record: Record, context: Context) -> list[Finding]:
    with Watch(SECONDS) as watch:
        found = watch.run(item.check, item.settings, record, context)
    assert [finding for finding in found if finding.check == "check_failed"] == []
    return found


def assert_sound(item: ActiveCheck, record: Record, found: Sequence[Finding]) -> None:
    for finding in found:
        assert (finding.check, finding.row_id, finding.record_id) == (item.name, record.row_id, record.id)
        assert finding.message and "\n" not in finding.message
        finding.to_json()
        if finding.span is not None:
            content = record.messages[finding.span.message].content or ""
            assert 0 <= finding.span.start <= finding.span.end <= len(content)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(RECORD)
def test_no_record_makes_a_check_fail(record: Record) -> None:
    context = Context([record], sampled=[record])
    for item in record_checks():
        found = looked_at(item, record, context)
        assert_sound(item, record, found)
        if item.check.repair is not None:
            repaired = item.check.repair(record)
            assert repaired.row_id == record.row_id and len(repaired.messages) == len(record.messages)


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(RECORD, min_size=1, max_size=4))
def test_what_is_usual_in_odd_data_makes_no_check_fail(records: list[Record]) -> None:
    context = Context(records, sampled=records * 10)
    for item in record_checks():
        for record in records:
            looked_at(item, record, context)


HUGE = [
    *(piece * (40_000 // len(piece)) for piece in PIECES if piece),
    '{"a": ' * 20_000,
    "[" * 20_000 + "]" * 20_000,
    "".join(chr(0x4E00 + n % 20_000) for n in range(40_000)),
    " ".join(str(n) for n in range(20_000)),
    "```python\n" + "x = (" * 20_000 + "\n```",
    "a" * 20_000 + "\n" * 20_000,
    "the answer " * 5_000 + "of " * 10_000,
]


@pytest.mark.parametrize("text", HUGE, ids=lambda text: ascii(text[:12]))
def test_forty_thousand_characters_of_any_kind_are_looked_at_in_time(text: str) -> None:
    record = record_of([Message("user", "What is it? " + text[:50_000]), Message("assistant", text)])
    context = Context([record], sampled=[record])
    for item in record_checks():
        started = time.process_time()
        assert_sound(item, record, looked_at(item, record, context))
        assert time.process_time() - started < SECONDS, item.name


def test_deep_tool_calls_are_looked_at() -> None:
    deep: Json = {}
    for _ in range(900):
        deep = {"a": deep}
    call = Message("assistant", None, (ToolCall("f", deep),))
    record = Record(
        "0" * 16,
        row_id("fuzz", 0),
        (Message("user", "x"), call),
        Source("a.jsonl", 1, 0),
        ({"function": {"name": "f"}},),
    )
    for item in record_checks():
        looked_at(item, record, Context([record], sampled=[record]))

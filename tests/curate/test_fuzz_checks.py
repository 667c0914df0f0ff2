"""No record makes a check fail or hang: every check that looks at one record, on records of every odd kind."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.curate.check import Context
from assay.curate.limits import Watch
from assay.curate.settings import ActiveCheck, CurateSettings, active_checks
from assay.findings import Finding
from assay.records import Message, Record, ToolCall
from tests.hostile import PIECES, RECORD, deep, fuzz, record_of

SECONDS = 20.0
"""For one check on one record of forty thousand characters, on a machine with other work."""


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


@fuzz(200)
@given(RECORD)
def test_no_record_makes_a_check_fail(record: Record) -> None:
    context = Context([record], sampled=[record])
    for item in record_checks():
        found = looked_at(item, record, context)
        assert_sound(item, record, found)
        if item.check.repair is not None:
            repaired = item.check.repair(record)
            assert repaired.row_id == record.row_id and len(repaired.messages) == len(record.messages)


@fuzz(30)
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
    call = Message("assistant", None, (ToolCall("f", deep(900)),))
    record = record_of([Message("user", "x"), call], [{"function": {"name": "f"}}])
    for item in record_checks():
        looked_at(item, record, Context([record], sampled=[record]))

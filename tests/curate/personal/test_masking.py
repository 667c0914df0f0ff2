"""A mask takes the value out, wherever it stands in the record, and leaves everything else as it was."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.curate.personal.look import places
from assay.curate.personal.masking import MASK, concealed, mask_record, short, stars
from assay.curate.personal.scan import PATTERNS, scan
from assay.curate.personal.strings import strings
from assay.records import Message, Record, ToolCall

Make = Callable[..., Record]

CARD, MAIL, KEY = "4539 5787 6362 1486", "maria.keller@mailbox.org", "ghp_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z5B"
VALUES = (CARD, MAIL, KEY, "219-45-8273", "+49 30 901820", "DE68 2105 0170 0012 3456 78", "password = 'Xk9!vbQ2rr'")


def contents(record: Record) -> list[str | None]:
    return [message.content for message in record.messages]


def test_equal_values_of_a_record_get_the_same_placeholder(make: Make) -> None:
    record = make(
        f"I am {MAIL}, card {CARD}", f"Thanks, {MAIL.upper()}! 4539578763621486 it is, not 6011 0009 9013 9424"
    )
    masked = mask_record(record, PATTERNS)
    assert contents(masked) == [
        "I am <EMAIL_1>, card <CARD_1>",
        "Thanks, <EMAIL_1>! <CARD_1> it is, not <CARD_2>",
    ]
    assert masked.row_id == record.row_id and masked.id != record.id


def test_masking_reaches_tool_calls_tool_results_tools_and_meta(make: Make) -> None:
    call = ToolCall("pay", {"card": CARD, "account": [{"mail": MAIL}], "amount": 3, "number": 4539578763621486}, "c1")
    record = make(
        "pay", Message("assistant", None, (call,)), Message("tool", json.dumps({"paid by": MAIL}), tool_call_id="c1"),
        tools=[{"type": "function", "function": {"name": "pay", "description": f"ask {MAIL}"}}],
        meta={"customer": MAIL, "score": 0.5, "note": None},
    )  # fmt: skip
    masked = mask_record(record, PATTERNS)
    arguments = masked.messages[1].tool_calls[0].arguments
    assert arguments == {"card": "<CARD_1>", "account": [{"mail": "<EMAIL_1>"}], "amount": 3, "number": "<CARD_1>"}
    assert masked.messages[2].content == '{"paid by": "<EMAIL_1>"}'
    assert masked.tools[0]["function"]["description"] == "ask <EMAIL_1>"
    assert masked.meta == {"customer": "<EMAIL_1>", "score": 0.5, "note": None}
    assert (masked.messages[1].tool_calls[0].name, masked.messages[2].tool_call_id) == ("pay", "c1")
    assert places(masked) == []


def test_a_record_without_values_stays_as_it_is(make: Make) -> None:
    record = make("What is 7 times 6?", "42", meta={"a": [1, 2]})
    assert mask_record(record, PATTERNS) == record


def test_a_placeholder_that_already_stands_in_the_record_is_not_given_to_another_value(make: Make) -> None:
    assert contents(mask_record(make("<EMAIL_1> wrote", f"so did {MAIL}"), PATTERNS))[1] == "so did <EMAIL_2>"


def test_what_is_asked_for_is_masked_and_no_more(make: Make) -> None:
    only_mail = [pattern for pattern in PATTERNS if pattern.name == "email"]
    assert contents(mask_record(make(f"{MAIL} {CARD}"), only_mail)) == [f"<EMAIL_1> {CARD}"]


def test_a_number_that_hid_between_others_is_masked_as_well() -> None:
    text = "+49 30 901820 4539 5787 6362 1486 +49 30 901820"
    assert "901820" not in concealed(text) and "6362" not in concealed(text) and len(concealed(text)) == len(text)


@given(st.lists(st.one_of(st.sampled_from(VALUES), st.text(max_size=30)), max_size=8))
def test_masks_never_leave_a_value(parts: list[str]) -> None:
    text = " ".join(parts)
    found = scan(text)
    assert all(text[item.start : item.end] == item.value for item in found)
    hidden = concealed(text)
    assert len(hidden) == len(text)
    for item in found:
        assert item.value not in hidden and item.value not in short(item) and len(stars(item)) == len(item.value)


@given(st.sampled_from(VALUES), st.text(max_size=20), st.text(max_size=20))
def test_masking_twice_is_masking_once(value: str, before: str, after: str) -> None:
    record = Record("", "r", (Message("user", f"{before} {value} {after}"),), source=None)  # type: ignore[arg-type]
    once = mask_record(record, PATTERNS)
    assert mask_record(once, PATTERNS) == once


@given(st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()), lambda inner: st.one_of(
    st.lists(inner), st.dictionaries(st.text(), inner)), max_leaves=12))  # fmt: skip
def test_any_arguments_and_meta_come_through(value: Any) -> None:
    messages = (Message("assistant", None, (ToolCall("f", value),)),)
    record = Record("", "r", messages, source=None, tools=({"t": value},), meta={"m": value})  # type: ignore[arg-type]
    if not list(places(record)):
        masked = replace(mask_record(record, PATTERNS), id="")
        assert repr(masked) == repr(record)


def test_numbers_too_long_to_write_and_endless_nesting_do_no_harm() -> None:
    nested: Any = "x"
    for _ in range(400):
        nested = [nested]
    meta = {"n": 10**20_000, "d": nested}
    record = Record("", "r", (Message("user", "a"),), source=None, meta=meta)  # type: ignore[arg-type]
    assert places(record) == []
    assert len(list(strings(record))) >= 1


@pytest.mark.parametrize(
    "unit",
    ["1", "1 ", "a@", "A1", "AB12 ", "://a:", "key=", "password:", "eyJa.", "1.", "a:", "-----BEGIN PRIVATE KEY-----",
     "born dob: ", "Oak Street ", "12345 ", "٣", "\ud800", "+1(", "5555 ", "4539578763621486 ", "call "],
)  # fmt: skip
def test_a_million_hostile_characters_take_seconds(unit: str) -> None:
    text = (unit * (1_000_000 // len(unit) + 1))[:1_000_000]
    began = time.process_time()
    scan(text)
    assert time.process_time() - began < 10


def test_masks_are_known_as_masks() -> None:
    assert MASK.fullmatch("<EMAIL_1>") and MASK.fullmatch("<US_SSN_1>") is None and MASK.fullmatch("<SSN_12>")

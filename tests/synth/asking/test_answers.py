"""Answers of models are read kindly where it is only wrapping, and strictly where it is content."""

from __future__ import annotations

import json

import pytest

from assay.synth.asking.answers import read_array, read_fields, read_object, read_text
from assay.synth.generator import Refused

FIELDS = ("question", "answer")
GOOD = {"question": "Why?", "answer": "So."}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(GOOD),
        json.dumps({**GOOD, "more": [1]}),
        f"Sure! Here it is:\n```json\n{json.dumps(GOOD, indent=2)}\n```\nAnything else?",
        f"```\n{json.dumps(GOOD)}",
        f"I thought {{so}}: {json.dumps(GOOD)} and that is all.",
        "Question: Why?\nAnswer: So.",
        '**Question:** "Why?"\n\n**Answer:** So.',
        '{"question": " Why?", "answer": "So.\n"}',
    ],
)
def test_wrapping_does_not_matter(text: str) -> None:
    assert read_fields(text, FIELDS) == GOOD


@pytest.mark.parametrize(
    "text",
    [
        "", "Why? So.", "[]", '["Why?", "So."]', '{"question": "Why?"}', '{"question": "Why?", "answer": ""}',
        '{"question": "Why?", "answer": null}', '{"question": "Why?", "answer": ["So."]}',
        '{"question": "Why?", "answer": true}', '{"question": "Why?", "answer": "So', "Question: Why?", "{" * 5000,
        "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_missing_empty_or_of_another_type_is_refused(text: str) -> None:
    refused = read_fields(text, FIELDS)
    assert isinstance(refused, Refused) and refused.step == "parse"


def test_a_number_is_a_text() -> None:
    assert read_fields('{"question": "How many?", "answer": 42}', FIELDS) == {"question": "How many?", "answer": "42"}


def test_of_several_objects_the_first_whole_one_is_read() -> None:
    assert read_object('{"a": 1 {"b": 2} {"c": 3}') == {"b": 2}
    assert read_array('first [broken, then ["x", {"y": 1}]') == ["x", {"y": 1}]
    assert isinstance(read_array("none"), Refused)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('"Quoted."', "Quoted."),
        ("Task: Do it.", "Do it."),
        ("**Task:** Do it.", "Do it."),
        ("```\nfenced\n```", "fenced"),
        ('"One" and "two"', '"One" and "two"'),
        ("  plain ", "plain"),
    ],
)
def test_a_text_loses_its_wrapping_and_nothing_else(text: str, read: str) -> None:
    assert read_text(text, "task") == read

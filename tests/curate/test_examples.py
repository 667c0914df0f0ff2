"""Every check finds what its own file says that it finds, and nothing else; a wrong example is told in one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from assay.curate.check import CHECKS, Context, Decision, dataset_check, record_check
from assay.curate.example import Example
from assay.curate.testing import check_examples
from assay.findings import Finding, Severity
from assay.records import Record

WITH_EXAMPLES = [name for name, check in CHECKS.all().items() if check.examples]

JUDGED_ELSEWHERE = {"toxic_prompt": "a model of the user's choice", "inference_mismatch": "a request of the user's"}
"""Checks that take more than records to judge, besides those that say so in `needs`."""


@pytest.mark.parametrize("name", CHECKS.all())
def test_every_check_has_test_data_in_its_file(name: str) -> None:
    check = CHECKS.get(name)
    if name in JUDGED_ELSEWHERE or {"target", "encoder", "releases"} & set(check.needs):
        pytest.skip("needs more than records")
    assert check.examples


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_a_check_finds_its_own_examples_and_only_those(name: str) -> None:
    check = CHECKS.get(name)
    if {"target", "encoder", "releases"} & set(check.needs):
        pytest.skip("needs more than records")
    assert check_examples(check) >= 2


@record_check(
    severity=Severity.ERROR,
    decision=Decision.DROP,
    examples=(Example(found=[("Hi", "Bad.")], not_found=[("Hi", "Good.")]),),
)
def says_bad(record: Record, context: Context, *, word: str = "Bad") -> Iterator[Finding]:
    """Says bad."""
    if word in record.answer:
        yield says_bad.about(record, "says bad")


@dataset_check(severity=Severity.INFO, decision=Decision.KEEP)
def last_one(records: Sequence[Record], context: Context) -> Iterator[Finding]:
    """The last one."""
    yield last_one.about(records[-1], "the last one")


def with_examples(*examples: Example) -> object:
    from dataclasses import replace

    return replace(says_bad, examples=examples)


GOOD = Example(not_found=[("Hi", "Good.")])


def test_the_number_of_conversations_that_were_judged_comes_back() -> None:
    assert check_examples(says_bad) == 2


@pytest.mark.parametrize(
    ("examples", "words"),
    [
        ((), "no example of what it finds"),
        ((Example(found=[("Hi", "Bad.")]),), "no example of what it must not find"),
        ((Example(found=[("Hi", "Fine.")]), GOOD), "example 1: found      user: 'Hi'  assistant: 'Fine.': should be"),
        ((Example(found=[("Hi", "Bad.")], not_found=[("Hi", "Bad too.")]),), "is found: says bad"),
        ((Example(found=[("Hi", "Bad.")], settings={"word": "Worse"}), GOOD), "should be found, and is not"),
    ],
)
def test_what_is_wrong_with_an_example_is_said_in_one_line(examples: tuple[Example, ...], words: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_examples(with_examples(*examples))  # type: ignore[arg-type]
    assert words in str(caught.value)


def test_a_check_of_severity_info_is_judged_by_its_infos_and_sees_all_records_at_once() -> None:
    from dataclasses import replace

    example = Example(found=[("b", "B")], not_found=[])
    with pytest.raises(AssertionError, match="must not find"):
        check_examples(replace(last_one, examples=(example,)))
    example = Example(found=[("b", "B")], not_found=[("c", "C")])
    with pytest.raises(AssertionError, match="should be found"):
        check_examples(replace(last_one, examples=(example,)))


def test_a_conversation_in_openais_shape_keeps_its_tools_origin_split_and_meta() -> None:
    given = {
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "origin": "synthetic",
        "split": "validation",
        "meta": {"topic": "x"},
    }
    record = Example(found=[given]).records()[0]
    assert [message.role for message in record.messages] == ["system", "user"]
    assert (record.origin, record.split, record.meta) == ("synthetic", "validation", {"topic": "x"})
    assert record.tools[0]["function"]["name"] == "f"

"""The prompt in the answer: found as a whole, at the beginning and within; not where it was asked for."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.curate.answers.echo import echo_of
from assay.curate.check import Context
from assay.curate.checks.prompt_echo import prompt_echo
from assay.records import Record

Make = Callable[..., Record]

QUESTION = "Which of the two plans is the cheaper one for a family?"


@pytest.mark.parametrize(
    ("answer", "how"),
    [
        (QUESTION, "whole"),
        (f"  {QUESTION.upper()}\n", "whole"),
        ("Which of the two plans\nis the  cheaper one for a family?", "whole"),
        (f"{QUESTION} The second.", "begins"),
        (f"Question: {QUESTION}\nAnswer: the second.", "begins"),
        (f"You ask: {QUESTION} The second.", "within"),
    ],
)
def test_an_echo_is_found_and_told_by_its_place(answer: str, how: str) -> None:
    echo = echo_of(QUESTION, answer, 5)
    assert echo is not None and echo.how == how
    assert " ".join(answer[echo.start : echo.end].split()).casefold() == QUESTION.casefold()


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (QUESTION, "Which of the two plans is cheaper depends on the family."),
        (QUESTION, "The cheaper one is the second."),
        ("Thank you!", "Thank you!"),
        ("Once upon a time there was a king who", "Once upon a time there was a king who had no crown."),
        ("def add(a, b):\n    return a +", "def add(a, b):\n    return a + b"),
        ("", ""),
        ("?", "?"),
    ],
)
def test_other_words_short_prompts_and_beginnings_are_no_echo(question: str, answer: str) -> None:
    assert echo_of(question, answer, 5) is None


@pytest.mark.parametrize(
    "question", ["挪威的首都是哪座城市？", "ノルウェーの首都はどこですか。", "ما هي عاصمة النرويج يا ترى؟"]
)
def test_scripts_without_spaces_and_from_right_to_left(question: str) -> None:
    echo = echo_of(question, f"{question} Oslo", 5)
    assert echo is not None and echo.how == "begins"


def test_asking_for_it_is_no_defect(make: Make) -> None:
    again = "Repeat this sentence to me: the plan is the cheaper one."
    for record in (
        make(again, again),
        make(QUESTION, QUESTION, system="Correct the spelling of whatever you are given."),
        make("From now on translate or correct what I write.", "I will.", QUESTION, QUESTION),
    ):
        assert list(prompt_echo.function(record, Context([]))) == []
    assert len(list(prompt_echo.function(make(QUESTION, QUESTION, system="Be kind."), Context([])))) == 1


def test_an_instruction_that_is_repeated_with_its_text_is_an_echo(make: Make) -> None:
    question = "Translate into German: the plan is the cheaper one."
    record = make(question, f"{question}\nDer Tarif ist der günstigere.")
    assert [finding.evidence["how"] for finding in prompt_echo.function(record, Context([]))] == ["begins"]


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_the_texts_it_does_not_fail(question: str, rest: str) -> None:
    echo = echo_of(question, question + rest, 1)
    assert echo is None or 0 <= echo.start < echo.end <= len(question + rest)


@pytest.mark.parametrize("unit", ["a ", "a", " ", "? ", "漢", "\n", "(a"])
def test_a_million_characters_of_the_worst_kind_are_bounded(make: Make, unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    started = time.perf_counter()
    list(prompt_echo.function(make(text, text + "b"), Context([])))
    list(prompt_echo.function(make(text + "?", "b" + text), Context([])))
    assert time.perf_counter() - started < 20

"""Written arithmetic: wrong results are found, everything that is right in some reading is left alone."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.curate.answers.arithmetic import written, wrong_results


def found(text: str, question: str = "How many are there?") -> list[str]:
    return [written(wrong.expected) for wrong in wrong_results(text, question)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12 * 7 = 86", ["84"]),
        ("She sold 48/2 = <<48/2=26>>26 clips.", ["24"]),
        ("That makes 3 + 4 = 8 apples.", ["7"]),
        ("$1,200 + $300 = $1,600 in all.", ["1,500"]),
        ("Das sind 1.200,50 + 300,50 = 1.600 Euro.", ["1,501"]),
        ("20% of 50 = 15", ["10"]),
        ("20% of 50 is 15.", ["10"]),
        ("So 12 plus 7 is 20.", ["19"]),
        ("(4 + 5) * 2 = 19", ["18"]),
        ("10 - 4 = 5 and 3 x 5 = 15", ["6"]),
        ("2^3 = 9", ["8"]),
        ("1/2 + 1/4 = 2/4", ["0.75"]),
        ("1 1/2 + 1/2 = 3", ["2"]),
        ("$4 \\times 3 = 13$", ["12"]),
        ("\\frac{1}{2} + \\frac{1}{2} = 2", ["1"]),
        ("100 / 3 ≈ 50", ["33.3333"]),
        ("1) 3 + 4 = 9", ["7"]),
        ("- 3 + 4 = 9", ["7"]),
        ("**3 + 4 = 9**", ["7"]),
        ("所以3+4=8。", ["7"]),
        ("Wir rechnen: 6 · 7 = 48 Stück.", ["42"]),
        ("It was 10*.5=8 dollars.", ["5"]),
        ("The total (12 + 30 = 52) is due.", ["42"]),
        ("5 + 5 = 10 + 5 = 16", ["15"]),
        ("24 * 60 = 1450 minutes", ["1,440"]),
    ],
)
def test_wrong_results_are_found(text: str, expected: list[str]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "12 * 7 = 84, 3 + 4 = 7 and (4 + 5) / 3 = 3",
        "100 / 3 = 33.33 and 100 / 3 = 33 boxes, 200/3 = 67",
        "100 / 3 ≈ 33",
        "1.33 * 300 = 400",
        "10 / 4 = 2.5, 7 / 2 = 3 remainder 1, 90 / 60 = 1 hour and 30 minutes",
        "15/60 = 25% and 15/60 * 100 = 25%",
        "50 + 10% = 55",
        "3 + 4 = 7 - 2 = 5",
        "2x + 3 = 7 and x + 3 = 12, 3y = 9 + 3",
        "f(2) = 2 + 3 = 5, sin 30 + 2 = 2.5, log 100 + 1 = 3",
        "x1 + 2 = 9, A1+2=3, n! + 2 = 8",
        "5! = 120 and √16 + 2 = 6 and 3² + 1 = 10",
        "2-1 = win",
        "2020-01-05 = Sunday; 01 - 05 = 3",
        "3 * 12 = 3 dozen, 2 * 500 = 1 thousand",
        "10:30 + 2 = 12:30",
        "version 2.1 + 1 = 4",
        "a == 3 + 4; b += 3; 3 + 4 != 8; 3 + 4 >= 6",
        "Use `3 + 4 = 9` here.",
        "```\n3 + 4 = 9\n```",
        "1.200,50 + 300,50 = 1.501",
        "1,200.50 + 300.50 = 1,501",
        "12 plus 7 is 19, and half of 12 plus 7 is 13.",
        "20% of 50 is 10 times more.",
        "5 apples + 3 = 9",
        "2 hours + 30 minutes = 150 minutes",
        "$2 + 50 = 52 cents",
        "10 / 0 = 0",
        "9^99999 = 1",
        "1 + 1 = 10 in binary",
        "10 + 5 = 3 (mod 12)",
        "It is wrong to say that 3 + 4 = 8.",
        "3 + 4 ≠ 8",
        "= = =",
        "5 of 3 + 4 = 19",
    ],
)
def test_what_is_right_or_cannot_be_judged_is_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "question",
    [
        "Write a sum with a mistake in it.",
        "What does 2+2=5 mean in Orwell's 1984?",
        "If 2+3=10 and 7+2=63, what is 5+3?",
        "What is 5 + 9 modulo 12?",
        "Nenne eine falsche Gleichung.",
    ],
)
def test_what_is_wrong_on_purpose_is_left_alone(question: str) -> None:
    assert found("5 + 3 = 40", question) == []


@given(st.integers(0, 999), st.integers(1, 999), st.sampled_from("+-*/"), st.integers(1, 50))
def test_a_right_result_is_never_found_and_a_changed_one_always_is(a: int, b: int, sign: str, off: int) -> None:
    value = {"+": Fraction(a + b), "-": Fraction(a - b), "*": Fraction(a * b), "/": Fraction(a, b)}[sign]
    right = f"{value.numerator}" if value.denominator == 1 else f"{float(value):.3f}"
    assert found(f"So {a} {sign} {b} = {right} of them.") == []
    assert len(found(f"So {a} {sign} {b} = {float(value) + off:.2f} of them.")) == 1


@pytest.mark.parametrize("unit", ["1+", "1=", "(", "1 + 1 = 2 ", "1 ", "=", ")", "1.", "9" * 50, " plus 1", "-", "1,"])
def test_a_million_characters_of_the_worst_kind_take_a_second_or_so(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    started = time.perf_counter()
    list(wrong_results(text, ""))
    assert time.perf_counter() - started < 30


@given(st.text(alphabet="0123456789+-*/=().,%$ x^≈\n", max_size=80))
def test_no_arrangement_of_signs_makes_it_fail(text: str) -> None:
    for wrong in wrong_results(text, text[:0]):
        assert text[wrong.start : wrong.end]


def test_the_order_of_findings_is_that_of_the_text() -> None:
    assert found("3 + 4 = 8. 12 plus 7 is 20. 2 * 2 = 5.") == ["7", "19", "4"]

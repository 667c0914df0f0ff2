from __future__ import annotations

import time

import pytest

from assay.errors import SettingsError
from assay.patterns import compile_pattern

pytest.importorskip("re2")


def test_places_are_characters_of_the_text_whatever_stands_before() -> None:
    text = "ä \ud800 CANCELLÉD, cancel"
    found = list(compile_pattern(r"cancel\pL*", "a.yaml:1").finditer(text))
    assert [text[start:end] for start, end in found] == ["CANCELLÉD", "cancel"]


def test_case_counts_where_it_is_asked_for() -> None:
    assert not compile_pattern("Acme", "a.yaml:1", ignore_case=False).found_in("acme")
    assert compile_pattern("Acme", "a.yaml:1").found_in("acme")


def test_an_expression_that_matches_nothing_at_all_is_found_nowhere() -> None:
    assert list(compile_pattern("x*", "a.yaml:1").finditer("aaa")) == []


@pytest.mark.parametrize("text", ["(?=a)", r"(a)\1", "(", "a{1,100000}", "[z-a]"])
def test_what_is_no_expression_of_re2_is_one_line(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SettingsError, match=r"^a.yaml:1: .*RE2"):
        compile_pattern(text, "a.yaml:1")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("expression", ["(a+)+b", "(a|aa)*c", "(.*)(.*)(.*)x"])
def test_no_expression_takes_more_than_linear_time(expression: str) -> None:
    start = time.process_time()
    compile_pattern(expression, "a.yaml:1").found_in("a" * 1_000_000)
    assert time.process_time() - start < 2

from __future__ import annotations

from typing import Any

import pytest

from assay.errors import SuiteError
from assay.evaluate.scorer import make_scorer

GERMAN = "Das Paket ist noch nicht angekommen, bitte fragen Sie beim Zusteller nach."
ENGLISH = "The parcel has not arrived yet, so please ask the carrier about it."


def score(name: str, output: str, reference: str, **settings: Any) -> float:
    return make_scorer(name, settings, "here")(output, reference)


@pytest.mark.parametrize(
    ("output", "settings", "expected"),
    [
        ("one two three", {"least_words": 3, "most_words": 3}, 1),
        ("one two", {"least_words": 3}, 0),
        ("one two three four", {"most_words": 3}, 0),
        ("  abc \n", {"least_characters": 3, "most_characters": 3}, 1),
        ("abcd", {"most_characters": 3}, 0),
        ("你好吗", {"least_words": 3}, 1),
        ("abc", {"most_words": 5, "most_characters": 2}, 0),
        (" ", {"most_words": 5}, 0),
    ],
)
def test_length(output: str, settings: dict[str, Any], expected: float) -> None:
    assert score("length", output, "x", **settings) == expected


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "no bound was given"),
        ({"most_words": -1}, "a bound is negative"),
        ({"least_words": 5, "most_words": 3}, "least_words is 5, and most_words is 3"),
        ({"most_words": 2.5}, "should be a int"),
    ],
)
def test_bounds_that_cannot_be_meant_are_one_line(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(SuiteError, match=words):
        make_scorer("length", settings, "here")


@pytest.mark.parametrize(
    ("output", "reference", "settings", "expected"),
    [
        (GERMAN, GERMAN, {}, 1),
        (ENGLISH, GERMAN, {}, 0),
        (GERMAN, "whatever", {"language": "de"}, 1),
        (ENGLISH, "whatever", {"language": "de"}, 0),
        ("ok", GERMAN, {}, 0),
        ("Это ещё не пришло, спросите у курьера.", "x", {"language": "ru"}, 1),
    ],
)
def test_language(output: str, reference: str, settings: dict[str, Any], expected: float) -> None:
    assert score("language", output, reference, **settings) == expected


def test_a_reference_whose_language_cannot_be_told_names_the_item() -> None:
    with pytest.raises(SuiteError, match=r"failed on item 'a'.*the language of the reference 'ok' cannot be told"):
        make_scorer("language", {}, "here")(GERMAN, "ok", "item 'a'")


@pytest.mark.parametrize("code", ["German", "DE", "d", "d3"])
def test_what_is_no_code_of_a_language_is_one_line(code: str) -> None:
    with pytest.raises(SuiteError, match="is no code of a language"):
        make_scorer("language", {"language": code}, "here")

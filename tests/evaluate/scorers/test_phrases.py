"""contains, required_phrase and must_not_contain look for the same phrases in the same way."""

from __future__ import annotations

from typing import Any

import pytest

from assay.errors import SuiteError
from assay.evaluate.scorer import make_scorer


def score(name: str, output: str, reference: str, **settings: Any) -> float:
    return make_scorer(name, settings, "here")(output, reference)


@pytest.mark.parametrize(
    ("output", "reference", "settings", "expected"),
    [
        ("Within 30  days, with the receipt.", '["30 days", "receipt"]', {}, 1),
        ("Within 30 days.", '["30 days", "receipt"]', {}, 0.5),
        ("Within 30 days.", '["30 days", "receipt"]', {"partial_credit": False}, 0),
        ("Within 130 days.", "30 days", {}, 0),
        ("Within 130 days.", "30 days", {"whole_words": False}, 1),
        ("Receipt", "receipt", {"ignore_case": False}, 0),
        ("[sic] it says", "[sic]", {}, 1),
        ("anything", "an answer with a receipt", {"phrases": ["anything"]}, 1),
        ("", "receipt", {}, 0),
    ],
)
def test_required_phrase(output: str, reference: str, settings: dict[str, Any], expected: float) -> None:
    assert score("required_phrase", output, reference, **settings) == expected


@pytest.mark.parametrize(
    ("output", "reference", "settings", "expected"),
    [
        ("We cannot promise that.", '["guarantee", "as an AI"]', {}, 1),
        ("As an  AI I cannot.", '["guarantee", "as an AI"]', {}, 0),
        ("No guarantees.", "guarantee", {}, 1),
        ("No guarantees.", "guarantee", {"whole_words": False}, 0),
        ("Fine.", "any answer", {"phrases": ["any"]}, 1),
        ("", "guarantee", {}, 0),
        (" ...\n", "guarantee", {}, 0),
        ("是的", "guarantee", {}, 1),
    ],
)
def test_must_not_contain(output: str, reference: str, settings: dict[str, Any], expected: float) -> None:
    assert score("must_not_contain", output, reference, **settings) == expected


@pytest.mark.parametrize("name", ["required_phrase", "must_not_contain"])
@pytest.mark.parametrize(
    ("reference", "settings"), [("[1]", {}), ("[]", {}), ('["a", ""]', {}), ("x", {"phrases": [" "]})]
)
def test_what_is_no_phrase_is_one_line(name: str, reference: str, settings: dict[str, Any]) -> None:
    with pytest.raises(SuiteError, match="should be phrases, none empty"):
        score(name, "an output", reference, **settings)


@pytest.mark.parametrize("name", ["required_phrase", "must_not_contain"])
def test_only_with_phrases_for_all_items_is_the_reference_an_answer(name: str) -> None:
    assert not make_scorer(name, {}, "here").is_answer
    assert make_scorer(name, {"phrases": ["x"]}, "here").is_answer

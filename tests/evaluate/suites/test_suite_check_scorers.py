"""`suite check` finds the reference that its own scorer would not count, or cannot take, for every scorer there is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.evaluate.sandbox.sandbox import why_no_walls
from assay.evaluate.scorer import SCORERS
from assay.evaluate.suites.check import check_suite
from assay.suites import read_suite

MakeSuite = Callable[..., Path]

SOURCE = {"source": "Ida Holm paid 40 euros."}
TESTS = {"tests": "assert x == 1"}
FAILING: dict[str, tuple[dict[str, Any], Any, dict[str, Any]]] = {
    "code_run": ({}, "x = 2", TESTS),
    "final_answer": ({}, "one\ntwo", {}),
    "json_schema": ({"schema": {"type": "object"}}, "[1]", {}),
    "language": ({"language": "de"}, "The parcel has not arrived yet, so please ask the carrier.", {}),
    "length": ({"most_words": 3}, "one two three four", {}),
    "must_not_contain": ({"phrases": ["guarantee"]}, "We guarantee it.", {}),
    "quoted_facts": ({}, "Ida Holm paid 50 euros.", SOURCE),
    "required_phrase": ({"phrases": ["receipt"]}, "Within 30 days.", {}),
    "rouge": ({}, "?!", {}),
}
"""{scorer: (settings, a reference that is an answer, and that it does not count, more of the item)}"""

UNSCORABLE: dict[str, tuple[dict[str, Any], Any]] = {
    "all_of": ({}, "no list of demands"),
    "json_fields": ({}, "no JSON"),
    "json_schema": ({}, {"type": "objekt"}),
    "language": ({}, "ok"),
    "must_not_contain": ({}, [1, 2]),
    "numeric": ({}, "three"),
    "regex": ({}, "(unclosed"),
    "required_phrase": ({}, ["receipt", None]),
    "tool_call": ({}, "I would look it up."),
}
"""{scorer: (settings, a reference of a kind that it cannot take)}"""

TAKES_ANY = {
    "chrf", "contains", "embedding_similarity", "exact_match", "house_rules", "multiple_choice", "normalised_match",
    "same_style",
}  # fmt: skip
"""Whatever text the reference is, it counts as itself; house rules look at no reference."""


def test_every_scorer_is_asked() -> None:
    own = {name for name, found in SCORERS.all().items() if found.function.__module__.startswith("assay.")}
    judged = {name for name in own if SCORERS.get(name).judged}
    assert own - judged == FAILING.keys() | UNSCORABLE.keys() | TAKES_ANY


@pytest.mark.parametrize("name", FAILING)
def test_a_reference_that_would_not_count_is_found(make_suite: MakeSuite, name: str) -> None:
    if name == "code_run" and why_no_walls() is not None:
        pytest.skip(str(why_no_walls()))
    settings, reference, more = FAILING[name]
    rows = [{"id": "bad", "prompt": "a question", "reference": reference, **more}]
    suite = read_suite(make_suite("s", rows, scorer={"name": name, **settings}))
    found = {problem.problem: problem for problem in check_suite(suite, allow_code=True)}
    assert found["reference_fails"].items == ("bad",) and "unscorable_reference" not in found


@pytest.mark.parametrize("name", UNSCORABLE)
def test_a_reference_that_the_scorer_cannot_take_is_found(make_suite: MakeSuite, name: str) -> None:
    settings, reference = UNSCORABLE[name]
    rows = [{"id": "bad", "prompt": "a question", "reference": reference}]
    suite = read_suite(make_suite("s", rows, scorer={"name": name, **settings}))
    found = {problem.problem: problem for problem in check_suite(suite)}
    assert found["unscorable_reference"].items == ("bad",) and "\n" not in found["unscorable_reference"].text()

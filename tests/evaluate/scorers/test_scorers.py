"""Each scorer, output by output; and what holds for all of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import SuiteError, UnknownNameError
from assay.evaluate.scorer import SCORERS, Scorer, make_scorer, scorer


def score(name: str, output: str, reference: str, **settings: Any) -> float:
    return make_scorer(name, settings, "here")(output, reference)


@pytest.mark.parametrize(
    ("output", "reference", "settings", "expected"),
    [
        ("refund_status", "refund_status", {}, 1),
        ("  refund_status\n", "refund_status", {}, 1),
        ("Refund_status", "refund_status", {}, 0),
        ("Refund_status", "refund_status", {"ignore_case": True}, 1),
        ("refund_status.", "refund_status", {}, 0),
        ("", "refund_status", {}, 0),
    ],
)
def test_exact_match(output: str, reference: str, settings: dict[str, Any], expected: float) -> None:
    assert score("exact_match", output, reference, **settings) == expected


@pytest.mark.parametrize(
    ("output", "reference", "expected"),
    [
        ("The Hague.", "the hague", 1),
        ("the  HAGUE", "The Hague", 1),
        ("Hague", "The Hague", 0),
        ("-5", "5", 0),
        ("1.5", "15", 0),
        ("50%", "50", 0),
    ],
)
def test_normalised_match(output: str, reference: str, expected: float) -> None:
    assert score("normalised_match", output, reference) == expected


@pytest.mark.parametrize(
    ("output", "reference", "settings", "expected"),
    [
        ("Your plan is Care Plus.", "care plus", {}, 1),
        ("Your plan is Care  Plus.", "care plus", {}, 1),
        ("It costs 100.", "10", {}, 0),
        ("It costs 100.", "10", {"whole_words": False}, 1),
        ("Care Plus", "care plus", {"ignore_case": False}, 0),
        ("C++ it is", "C++", {}, 1),
        ("a.b", "axb", {}, 0),
    ],
)
def test_contains(output: str, reference: str, settings: dict[str, Any], expected: float) -> None:
    assert score("contains", output, reference, **settings) == expected


@pytest.mark.parametrize(
    ("output", "reference", "settings", "expected"),
    [
        ("the sky is blue", "blu.", {}, 1),
        ("the sky is red", "^blue", {}, 0),
        ("BLUE", "blue", {"ignore_case": True}, 1),
        ("I think the answer is red. No, the answer is blue.", "blue", {"pattern": r"answer is (\w+)"}, 1),
        ("the answer is red", "blue", {"pattern": r"answer is (\w+)"}, 0),
        ("no such thing", "blue", {"pattern": r"answer is (\w+)"}, 0),
        ("BW-123 then BW-456", "BW-456", {"pattern": r"BW-\d+"}, 1),
    ],
)
def test_regex(output: str, reference: str, settings: dict[str, Any], expected: float) -> None:
    assert score("regex", output, reference, **settings) == expected


@pytest.mark.parametrize(
    ("output", "reference", "settings", "expected"),
    [
        ("It is 1,250.50 euros", "1250.5", {}, 1),
        ("First 3, then 4.", "4", {}, 1),
        ("First 3, then 4.", "3", {"take": "first"}, 1),
        ("-7", "7", {}, 0),
        ("−7", "-7", {}, 1),
        ("99", "100", {"absolute": 1.0}, 1),
        ("98", "100", {"absolute": 1.0}, 0),
        ("99", "100", {"relative": 0.01}, 1),
        ("3e-4", "0.0003", {}, 1),
        (".5", "0.5", {}, 1),
        ("none", "3", {}, 0),
        ("0.1", "0.1", {}, 1),
    ],
)
def test_numeric(output: str, reference: str, settings: dict[str, Any], expected: float) -> None:
    assert score("numeric", output, reference, **settings) == expected


@pytest.mark.parametrize(
    ("output", "settings", "expected"),
    [
        ('{"intent": "refund", "n": 2.0, "customer": {"country": "IE"}}', {}, 1),
        ('Sure: ```json\n{"n": 2, "customer": {"country": "IE"}, "intent": " refund "}\n```', {}, 1),
        ('{"intent": "refund"}', {"fields": ["intent"]}, 1),
        ('{"intent": "refund", "n": 3, "customer": {"country": "IE"}}', {}, 2 / 3),
        ('{"intent": "refund", "n": 3, "customer": {"country": "IE"}}', {"partial_credit": False}, 0),
        ('{"customer": {"country": "IE"}}', {"fields": ["customer.country"]}, 1),
        ('{"n": true}', {"fields": ["n"]}, 0),
        ("[1]", {}, 0),
        ("no object {", {}, 0),
        ("{" * 20_000, {}, 0),
    ],
)  # fmt: skip
def test_json_fields(output: str, settings: dict[str, Any], expected: float) -> None:
    reference = '{"intent": "refund", "n": 2, "customer": {"country": "IE"}}'
    assert score("json_fields", output, reference, **settings) == pytest.approx(expected)


def test_a_field_absent_from_both_agrees_and_an_added_one_does_not() -> None:
    assert score("json_fields", '{"a": 1}', '{"a": 1}', fields=["a", "b"]) == 1
    assert score("json_fields", '{"a": 1, "b": 2}', '{"a": 1}', fields=["a", "b"]) == 0.5


def test_multiple_choice_compares_the_likeliest_option_and_is_known_to_need_likelihoods() -> None:
    assert score("multiple_choice", "oak", "oak") == 1 and score("multiple_choice", "elm", "oak") == 0
    assert [name for name, found in SCORERS.all().items() if found.by_likelihood] == ["multiple_choice"]


NEED_A_FILE = {"house_rules"}
RUN_CODE = {name for name, found in SCORERS.all().items() if found.runs_code}
ASK_A_JUDGE = {name for name, found in SCORERS.all().items() if found.judged}
ALONE = sorted(SCORERS.all().keys() - NEED_A_FILE - RUN_CODE - ASK_A_JUDGE)
"""Scorers that score one answer by itself."""
SAMPLES = {
    "all_of": '[{"scorer": "length", "most_words": 9}, {"scorer": "regex", "reference": "Plus$"}]',
    "json_fields": '{"intent": "refund", "n": [1, null]}',
    "json_schema": '{"type": "object"}',
    "language": "Please call the office of the plan before you pay the bill.",
    "numeric": "1,250.50",
    "quoted_facts": "The plan is Care Plus.",
    "tool_call": '{"name": "get_weather", "arguments": {"city": "Lyon"}}',
}
SETTINGS: dict[str, dict[str, Any]] = {"length": {"least_words": 1, "most_words": 20}}
CONTEXT = {"quoted_facts": {"source": "Care Plus costs 5 euros."}}


def sample_score(name: str, output: str, reference: str) -> float:
    return make_scorer(name, SETTINGS.get(name, {}), "here")(output, reference, context=CONTEXT.get(name))


@pytest.mark.parametrize("name", ALONE)
def test_a_reference_that_is_an_answer_scores_1_against_itself(name: str) -> None:
    reference = SAMPLES.get(name, "Care Plus (2 years)")
    if make_scorer(name, SETTINGS.get(name, {}), "here").is_answer:
        assert sample_score(name, reference, reference) == 1.0


HOSTILE = ["", "\ud800", "\0", "[" * 3000, "{" * 3000, "1e99999999999999999999", "9" * 5000, "\u202e abc", "🎈" * 99]


@pytest.mark.parametrize("name", ALONE)
@pytest.mark.parametrize("output", HOSTILE, ids=range(len(HOSTILE)))
def test_no_output_can_stop_an_evaluation(name: str, output: str) -> None:
    assert 0.0 <= sample_score(name, output, SAMPLES.get(name, "care plus")) <= 1.0


@pytest.mark.parametrize("name", ALONE)
@given(output=st.text(max_size=80))
def test_any_output_gets_a_score_from_0_to_1(name: str, output: str) -> None:
    assert 0.0 <= sample_score(name, output, SAMPLES.get(name, "care plus")) <= 1.0


@pytest.mark.parametrize("name", sorted(SCORERS.all()))
def test_every_scorer_says_in_one_line_what_it_counts(name: str) -> None:
    assert len(SCORERS.get(name).summary) > 20


def test_a_scorer_that_fails_or_gives_no_share_is_one_line_that_names_the_item() -> None:
    @scorer
    def twice(output: str, reference: str) -> float:
        """Gives 2."""
        return 2.0

    assert isinstance(twice, Scorer)
    from assay.evaluate.scorer import ReadyScorer

    with pytest.raises(SuiteError, match=r"'twice' gave 2\.0 on item 'a', not 0 to 1"):
        ReadyScorer(twice, {})("x", "y", "item 'a'")
    with pytest.raises(SuiteError, match=r"'numeric' failed on item 'a': ValueError"):
        make_scorer("numeric", {}, "here")("3", "three", "item 'a'")


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("exact_mach", {}, "did you mean 'exact_match'"),
        ("exact_match", {"ignore_cas": True}, "did you mean 'ignore_case'"),
        ("exact_match", {"ignore_case": "yes"}, "should be a bool"),
        ("json_fields", {"fields": "intent"}, "should be a list"),
    ],
)
def test_wrong_settings_are_one_line(name: str, settings: dict[str, Any], words: str) -> None:
    with pytest.raises((SuiteError, UnknownNameError), match=words):
        make_scorer(name, settings, "desk.yaml:4")


@pytest.mark.parametrize(
    ("output", "reference", "expected"),
    [
        ("3 and 4 are 7. Answer: 7", "7", 1),
        ("First Answer: 3.\nThen more.\n**Answer:** **7 jars**", "7", 1),
        ("Answer:\n\nBen, Anna.", "ben, anna", 1),
        ("Answer: 1,250", "1250", 1),
        ("7", "7", 1),
        ("The sum is 7.\nSo that is it.", "7", 0),
        ("Answer: -7", "7", 0),
        ("Answer: 7\nAnswer: 8", "7", 0),
        ("Answer: Anna, Ben", "Ben, Anna", 0),
        ("Answer: a_b", "a_b", 1),
        ("Answer:", "7", 0),
    ],
)
def test_final_answer(output: str, reference: str, expected: float) -> None:
    assert score("final_answer", output, reference) == expected


def test_final_answer_reads_another_marker_and_refuses_an_empty_one() -> None:
    assert score("final_answer", "Antwort: 7", "7", marker="Antwort:") == 1
    with pytest.raises(SuiteError, match="marker is empty"):
        make_scorer("final_answer", {"marker": " "}, "here")


DEMANDS = '[{"scorer": "length", "most_words": 3}, {"scorer": "must_not_contain", "phrases": ["no"]}]'


@pytest.mark.parametrize(("output", "share"), [("all is well", 1), ("no", 0.5), ("no, it is not", 0), (" ", 0)])
def test_all_of_counts_the_demands_that_are_met(output: str, share: float) -> None:
    assert score("all_of", output, DEMANDS) == share
    assert score("all_of", output, DEMANDS, partial_credit=False) == float(share == 1)


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("[]", "list of demands"),
        ('[{"most_words": 3}]', "has a `scorer`"),
        ('[{"scorer": "code_run"}]', "cannot judge a demand"),
        ('[{"scorer": "all_of", "reference": "[]"}]', "cannot judge a demand"),
        ('[{"scorer": "lenght"}]', "lenght"),
        ('[{"scorer": "length", "words": 3}]', "unknown setting 'words'"),
    ],
)
def test_all_of_refuses_what_is_no_demand(reference: str, why: str) -> None:
    with pytest.raises(SuiteError, match=why):
        score("all_of", "text", reference)

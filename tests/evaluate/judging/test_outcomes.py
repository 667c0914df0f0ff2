"""From replies to scores: both orders must agree, equal answers are not asked, and a missing reply is no 0."""

from __future__ import annotations

import pytest

from assay.evaluate.judging.outcomes import Pairing, Row, judged, paired, questions
from assay.evaluate.judging.questions import Asked, key_of, pair_requests
from assay.evaluate.judging.settings import JudgeSettings

ASKED = Asked(({"role": "user", "content": "Where?"},), "Here.")
PAIRWISE = JudgeSettings("openai", "m", mode="pairwise")
GRADE = JudgeSettings("openai", "m", grades=2)


def replies(first: str, second: str, there: str | None, back: str | None) -> dict[str, str]:
    keys = [key_of(request, PAIRWISE) for request in pair_requests(ASKED, first, second, PAIRWISE)]
    said = zip(keys, (there, back), strict=True)
    return {key: f'{{"better": "{word}"}}' for key, word in said if word is not None}


@pytest.mark.parametrize(
    ("there", "back", "expected"),
    [
        ("1", "2", Pairing(1.0, "same")),
        ("2", "1", Pairing(0.0, "same")),
        ("tie", "tie", Pairing(0.5, "same")),
        ("1", "1", Pairing(0.5, "first")),
        ("2", "2", Pairing(0.5, "second")),
        ("1", "tie", Pairing(0.5, "one tie")),
        ("tie", "1", Pairing(0.5, "one tie")),
        ("1", None, Pairing(None)),
        (None, None, Pairing(None)),
        ("nobody", "2", Pairing(None)),
    ],
)
def test_two_orders_that_disagree_are_a_tie(there: str | None, back: str | None, expected: Pairing) -> None:
    assert paired(ASKED, "a", "b", PAIRWISE, replies("a", "b", there, back)) == expected


def test_the_same_answer_is_a_tie_that_nobody_is_asked_about() -> None:
    rows = [Row("i", "base", ASKED, "same "), Row("i", "zero", ASKED, "same")]
    assert questions(rows, PAIRWISE) == []
    assert judged(rows, PAIRWISE, {}).scores == {("i", "base"): 0.5, ("i", "zero"): 0.5}


def test_the_candidate_is_held_against_the_last_release_as_well() -> None:
    rows = [Row("i", "base", ASKED, "a"), Row("i", "previous", ASKED, "b"), Row("i", "candidate", ASKED, "c")]
    asked = {(question.model, question.against) for question in questions(rows, PAIRWISE)}
    assert asked == {("previous", "base"), ("candidate", "base"), ("candidate", "previous")}
    found = judged(rows, PAIRWISE, replies("c", "a", "1", "2") | replies("c", "b", "2", "1"))
    assert found.scores == {("i", "base"): 0.5, ("i", "previous"): None, ("i", "candidate"): 1.0}
    outcomes = {(each.model, each.against): each.pairing.outcome for each in found.comparisons}
    assert outcomes == {("previous", "base"): None, ("candidate", "base"): 1.0, ("candidate", "previous"): 0.0}


def test_whole_items_are_asked_one_after_another() -> None:
    rows = [Row(item, model, ASKED, f"{item}{model}") for model in ("base", "candidate") for item in ("i", "j")]
    assert [question.item for question in questions(rows, GRADE)] == ["i", "i", "j", "j"]

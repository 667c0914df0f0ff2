"""Each thing that makes a suite worthless is found, and a sound suite passes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from assay.errors import SuiteError, UnknownNameError
from assay.evaluate.scorer import SCORERS, ReadyScorer, scorer
from assay.evaluate.suites.check import _references, check_suite
from assay.evaluate.suites.power import PlannedPower, planned_power
from assay.evaluate.suites.problem import SuiteProblem
from assay.evaluate.suites.size import detectable_difference, independent_items, items_to_prove, provable_difference
from assay.sources.convert import as_dataset
from assay.suites import read_suite

ANSWERS = ("billing", "delivery", "returns", "login", "warranty")


def sound(count: int = 200) -> list[dict[str, Any]]:
    return [
        {"id": i, "prompt": f"Where is parcel {i} of {i * 7919 % 1000}?", "reference": ANSWERS[i % 5]}
        for i in range(count)
    ]


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., dict[str, SuiteProblem]]:
    """{problem: what was found} in a suite of these items, written and read like any other."""

    def checked(items: Sequence[dict[str, Any]], scorer: Any = "exact_match", tokens: int = 64, **options: Any) -> Any:
        (tmp_path / "desk.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
        header = {"version": 1, "name": "desk", "data": "desk.jsonl", "scorer": scorer, "max_new_tokens": tokens}
        (tmp_path / "desk.yaml").write_text(json.dumps(header), encoding="utf-8")
        problems = check_suite(read_suite(tmp_path / "desk.yaml"), **options)
        assert len({problem.problem for problem in problems}) == len(problems)
        return {problem.problem: problem for problem in problems}

    return checked


def test_a_sound_suite_has_no_problem(check: Callable[..., Any]) -> None:
    assert check(sound()) == {}


def test_items_that_ask_the_same_are_found_case_and_punctuation_aside(check: Callable[..., Any]) -> None:
    items = sound()
    items += [{"id": "again", "prompt": "where is parcel 3 of 757", "reference": items[3]["reference"]}]
    assert items[3]["prompt"] == "Where is parcel 3 of 757?"
    found = check(items)
    assert set(found) == {"duplicate_items"}
    assert found["duplicate_items"].severity == "warning" and set(found["duplicate_items"].items) == {"3", "again"}


def test_items_that_ask_the_same_and_expect_different_answers_are_an_error(check: Callable[..., Any]) -> None:
    items = [*sound(), {"id": "other", "prompt": sound()[3]["prompt"], "reference": ANSWERS[0]}]
    found = check(items)
    assert found["contradicting_items"].severity == "error" and "duplicate_items" not in found


def test_the_same_question_after_another_conversation_is_another_question(check: Callable[..., Any]) -> None:
    items = sound()
    for number, device in enumerate(("thermostat", "valve")):
        turns = [("user", device), ("assistant", "Yes?"), ("user", "It is broken.")]
        messages = [{"role": role, "content": content} for role, content in turns]
        items.append({"id": f"d{number}", "messages": messages, "reference": ANSWERS[number]})
    assert check(items) == {}


def test_an_empty_reference_is_an_error(check: Callable[..., Any]) -> None:
    found = check([*sound(), {"id": "e", "prompt": "Hello there, who is this?", "reference": "  "}])
    assert found["empty_reference"].items == ("e",) and found["empty_reference"].severity == "error"


@pytest.mark.parametrize(
    ("given", "reference", "problem"),
    [
        ("numeric", "between 3 and 4", "unscorable_reference"),
        ("numeric", "many", "unscorable_reference"),
        ({"name": "json_fields", "fields": ["intent"]}, "billing", "unscorable_reference"),
        ("regex", "(unclosed", "unscorable_reference"),
        ({"name": "regex", "pattern": "answer is (\\w+)"}, "blue", None),
        ("regex", "^blue$", None),
    ],
)
def test_a_reference_that_its_scorer_cannot_take_is_an_error(
    check: Callable[..., Any], given: Any, reference: str, problem: str | None
) -> None:
    name = given if isinstance(given, str) else given["name"]
    good = {"numeric": "{}.5", "json_fields": '{{"intent": "i{}"}}', "regex": "word{}"}[name]
    items = [{"id": i, "prompt": f"Parcel {i}?", "reference": good.format(i % 7)} for i in range(200)]
    found = check([*items, {"id": "bad", "prompt": "And this one?", "reference": reference}], given)
    assert set(found) == ({problem} if problem else set())
    if problem:
        assert found[problem].items == ("bad",) and found[problem].severity == "error"


def test_a_reference_that_would_not_be_counted_right_is_an_error(check: Callable[..., Any], tmp_path: Path) -> None:
    """No scorer of assay's own does that; one of another package may."""

    @scorer
    def shouted(output: str, reference: str) -> float:
        """1 when the output is the reference in capitals."""
        return float(output == reference.upper())

    items = sound()
    items[2]["reference"] = "RETURNS"
    check(items)
    (found,) = _references(read_suite(tmp_path / "desk.yaml"), ReadyScorer(shouted, {}), allow_code=False)
    assert found.problem == "reference_fails" and len(found.items) == 199 and "2" not in found.items


@pytest.mark.parametrize("blind", [True, False])
def test_a_scorer_that_counts_any_items_reference_right_is_an_error(
    check: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, blind: bool
) -> None:
    @scorer
    def planted(output: str, reference: str) -> float:
        """1, or 1 for the reference."""
        return 1.0 if blind else float(output == reference)

    known = SCORERS.all() | {"planted": planted}
    monkeypatch.setattr(type(SCORERS), "all", lambda self: known)
    found = check(sound(), "planted")
    assert set(found) == ({"blind_scorer"} if blind else set())
    if blind:
        assert "does not depend on what is answered" in found["blind_scorer"].message
        assert found["blind_scorer"].severity == "error"


def test_a_smaller_planned_discordance_takes_fewer_items(check: Callable[..., Any], tmp_path: Path) -> None:
    assert set(check(sound(), margin=0.05)) == {"too_few_items"}
    assert check(sound(), margin=0.05, changed=0.05) == {}
    clustered = [{**item, "cluster": f"c{item['id'] // 4}"} for item in sound()]
    check(clustered)
    alone, tied = planned_power(read_suite(tmp_path / "desk.yaml"), 0.1), PlannedPower(200, 200.0, 0.1, 0.0550)
    assert alone.independent == pytest.approx(80) and alone.items_for(0.05) > tied.items_for(0.05)  # type: ignore[operator]
    assert alone.in_words() == (
        "shows a difference of 8.5 points 8 times in ten (200 items that count for 80, base and adapter differing on "
        "10.0 % of them)"
    )


def test_a_template_that_leaves_the_question_out_is_found(check: Callable[..., Any], tiny_model: Path) -> None:
    from assay.chat import load_target

    target = load_target(str(tiny_model))
    forgetful = dataclasses.replace(target, template="<|im_start|>user\n<|im_end|>\n<|im_start|>assistant\n")
    assert check(sound(), target=target) == {}
    assert "it leaves the question out" in check(sound(), target=forgetful)["cannot_be_put"].message


def test_an_unknown_scorer_names_the_nearest(check: Callable[..., Any]) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'exact_match'"):
        check(sound(), "exact_mach")


def test_an_unknown_setting_of_a_scorer_names_the_nearest(check: Callable[..., Any]) -> None:
    with pytest.raises(SuiteError, match=r"desk\.yaml.*did you mean 'ignore_case'"):
        check(sound(), {"name": "exact_match", "ignore_cas": True})


def test_choices_are_needed_by_multiple_choice_and_useless_to_others(check: Callable[..., Any]) -> None:
    items = [{**item, "choices": list(ANSWERS)} for item in sound()]
    assert check(items, "multiple_choice") == {}
    assert check(items)["unused_choices"].severity == "warning"
    del items[9]["choices"]
    found = check(items, "multiple_choice")
    assert found["no_choices"].items == ("9",) and found["no_choices"].severity == "error"


def test_choices_that_hardly_differ_are_found(check: Callable[..., Any]) -> None:
    items = [{**item, "choices": list(ANSWERS)} for item in sound()]
    items[4]["choices"] = ["warranty", "Warranty."]
    assert check(items, "multiple_choice")["choices_alike"].items == ("4",)


def test_a_suite_of_one_answer_is_an_error_and_one_of_mostly_one_a_warning(check: Callable[..., Any]) -> None:
    items = [{**item, "reference": "billing"} for item in sound()]
    found = check(items)
    assert found["one_answer"].severity == "error"
    assert "billing" in found["one_answer"].text() and "billing" not in found["one_answer"].text(redact=True)
    for item in items[:30]:
        item["reference"] = "delivery"
    assert "85.0 %" in check(items)["mostly_one_answer"].message


def test_items_of_one_cluster_prove_nothing_and_of_few_little(check: Callable[..., Any]) -> None:
    found = check([{**item, "cluster": "one"} for item in sound()])
    assert found["one_cluster"].severity == "error" and "nothing" in found["too_few_items"].message
    found = check([{**item, "cluster": f"c{item['id'] % 8}"} for item in sound()])
    assert "only 8 clusters" in found["few_clusters"].message
    assert check([{**item, "cluster": f"c{item['id']}"} for item in sound()]) == {}


def test_too_few_items_for_the_margin_asked_are_an_error_that_says_how_many_it_takes(check: Callable[..., Any]) -> None:
    found = check(sound(200), margin=0.05)
    assert found["too_few_items"].severity == "error"
    assert "for 5 points about 613 such items would" in found["too_few_items"].message
    assert check(sound(700), margin=0.05) == {}
    assert check(sound(60))["too_few_items"].severity == "warning"


def test_items_in_training_data_are_leaks_also_as_a_turn_and_in_other_case(check: Callable[..., Any]) -> None:
    prompts = [item["prompt"] for item in sound()]
    rows = [
        {"prompt": "Something else entirely, is it not?", "completion": "yes"},
        {"prompt": prompts[3], "completion": "billing"},
        {"prompt": prompts[4].upper().replace("?", " ..."), "completion": "billing"},
        {"messages": [
            {"role": "user", "content": prompts[5]}, {"role": "assistant", "content": "a"},
            {"role": "user", "content": "And now?"}, {"role": "assistant", "content": "b"},
        ]},
    ]  # fmt: skip
    training = [as_dataset(rows[:3]), as_dataset(rows[3:])]
    assert set(check(sound(), training=training[0])["leak"].items) == {"3", "4"}
    found = check(sound(), training=training[1])["leak"]
    assert found.items == ("5",) and found.severity == "error"


def test_a_reference_beyond_max_new_tokens_is_found_and_counted_exactly_with_a_tokenizer(
    check: Callable[..., Any], tiny_model: Path
) -> None:
    from assay.chat import load_target

    items = sound()
    items[8]["reference"] = "delivery " * 12
    found = check(items, tokens=16)
    assert found["reference_too_long"].items == ("8",) and found["reference_too_long"].severity == "warning"
    target = load_target(str(tiny_model))
    exact = len(target.tokenizer.encode(items[8]["reference"], add_special_tokens=False)) + 1
    found = check(items, tokens=exact - 1, target=target)
    assert found["reference_too_long"].items == ("8",) and found["reference_too_long"].severity == "error"
    assert f"up to {exact})" in found["reference_too_long"].message
    assert check(items, tokens=exact, target=target) == {}


def test_an_item_beyond_the_context_of_the_model_is_found(check: Callable[..., Any], tiny_model: Path) -> None:
    from assay.chat import load_target

    items = [*sound(), {"id": "long", "prompt": "and then " * 200, "reference": "billing"}]
    assert check(items) == {}
    found = check(items, target=load_target(str(tiny_model)))
    assert "item 'long' takes" in found["cannot_be_put"].message and found["cannot_be_put"].severity == "error"


def test_errors_come_first(check: Callable[..., Any], tmp_path: Path) -> None:
    check([{**item, "reference": "billing", "choices": list(ANSWERS)} for item in sound(30)])
    severities = [problem.severity for problem in check_suite(read_suite(tmp_path / "desk.yaml"))]
    assert severities == sorted(severities) and set(severities) == {"error", "warning"}


@pytest.mark.parametrize("difference", [0.05, 0.1, 0.3])
def test_the_number_of_items_that_proves_a_difference_does_prove_it_four_times_in_five(difference: float) -> None:
    """Simulated with the gate's own test of superiority."""
    import numpy as np

    from assay.evaluate.statistics.paired_tests import superiority

    n = items_to_prove(difference)
    assert n is not None
    rng = np.random.default_rng(5)
    moved = max(0.25, difference)
    proved = 0
    for _ in range(300):
        change = rng.random(n)
        gains = change < (moved + difference) / 2
        losses = (change >= (moved + difference) / 2) & (change < moved)
        base = np.where(gains, 0.0, np.where(losses, 1.0, 1.0))
        candidate = np.where(gains, 1.0, np.where(losses, 0.0, 1.0))
        proved += superiority(candidate, base, [None] * n) < 0.05
    assert 0.68 <= proved / 300 <= 0.92


def test_provable_difference_and_items_to_prove_agree() -> None:
    for items in (20, 140, 300, 613, 4000):
        proved = provable_difference(items)
        assert proved is not None
        needed, for_less = items_to_prove(proved), items_to_prove(proved - 0.01 or 0.001)
        assert needed is not None and needed <= items and (for_less is None or for_less > items)
    assert provable_difference(1) is None and provable_difference(0) is None


@pytest.mark.parametrize("changed", [0.02, 0.1, 0.4])
@pytest.mark.parametrize("n", [100, 500])
def test_the_minimum_detectable_effect_is_proved_four_times_in_five(n: int, changed: float) -> None:
    """Simulated with the gate's own test, at the discordance that was planned."""
    import numpy as np

    from assay.evaluate.statistics.paired_tests import superiority

    difference = detectable_difference(n, changed=changed)
    assert difference is not None
    rng = np.random.default_rng(11)
    moved = max(changed, difference)
    proved = 0
    for _ in range(400):
        draw = rng.random(n)
        losses, gains = draw < (moved + difference) / 2, (draw >= (moved + difference) / 2) & (draw < moved)
        candidate = np.where(losses, 0.0, 1.0)
        proved += superiority(np.where(gains, 0.0, 1.0), candidate) < 0.05
    assert 0.68 <= proved / 400 <= 0.92


def test_the_detectable_difference_needs_the_items_that_prove_it() -> None:
    for items in (20, 140, 613, 4000):
        difference = detectable_difference(items)
        assert difference is not None
        needed = items_to_prove(difference)
        assert needed is not None and abs(needed - items) <= 1
    assert detectable_difference(3) is None
    one_changed = detectable_difference(500, changed=0.0)
    assert one_changed is not None and 0.01 < one_changed < 0.015


def test_items_of_a_cluster_count_for_less_and_those_without_one_in_full() -> None:
    assert independent_items([None] * 50) == 50
    assert independent_items(["a", "a", "b", "b"]) == pytest.approx(4 / 1.5)
    assert independent_items(["a"] * 100) < 2
    assert independent_items([]) == 0

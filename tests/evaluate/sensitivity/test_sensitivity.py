"""A suite that could not have shown a regression says so, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from assay.evaluate.evaluation import Evaluation, SuiteResult
from assay.evaluate.gate.pairs import pair
from assay.evaluate.gate.policy import Role
from assay.evaluate.scorer import rescore as stored_outputs
from assay.evaluate.sensitivity.sensitivity import Sensitivity, judge_sensitivity

Make = Callable[..., Evaluation]
Rescore = Callable[[SuiteResult, Sequence[str], Sequence[str]], list[float] | None]


def judge(
    evaluation: Evaluation, rescore: Rescore, role: Role = "general", *, missing_fails: bool = True
) -> Sensitivity:
    (suite,) = pair(evaluation).values()
    return judge_sensitivity(suite, role, rescore, alpha=0.05, missing_fails=missing_fails)


def edited(evaluation: Evaluation, change: Callable[[dict[str, Any]], None]) -> Evaluation:
    rows = evaluation.items.to_pylist()
    for row in rows:
        change(row)
    items = pa.Table.from_pylist(rows, schema=evaluation.items.schema)
    return Evaluation(
        evaluation.suites, items, evaluation.identity, evaluation.evidence, evaluation.leaks, evaluation.settings
    )


def failed(found: Sensitivity) -> set[str]:
    return {check.name for check in found.checks if check.ok is False}


def test_a_sound_suite_is_valid_and_each_check_says_what_it_saw(synthetic: Make, suite: Any, rescore: Rescore) -> None:
    found = judge(synthetic(suite("sound")), rescore)
    assert found.valid and not found.reasons and not found.missing
    assert all(check.detail for check in found.checks)
    assert {check.name for check in found.checks} == {
        "paired", "questions_differ", "references_differ", "answers_end", "answers_vary", "scores_vary",
        "responds_to_output", "damage_shows", "zero_changes_nothing", "not_at_ceiling", "above_chance", "not_at_floor",
        "power",
    }  # fmt: skip


def test_an_answer_extracted_independently_of_the_model_is_invalid(
    synthetic: Make, suite: Any, rescore: Rescore
) -> None:
    """The published case: the same score before and after, and with any model, because the prompt gave the answer."""
    found = judge(synthetic(suite("mmlu", n=2000, p_base=0.2288, fixed=True, chance=0.25)), rescore)
    assert not found.valid
    assert {"above_chance", "damage_shows"} <= failed(found)
    assert any("exactly the same answers" in reason for reason in found.reasons)


def test_it_is_invalid_even_where_the_prompt_gives_good_answers(synthetic: Make, suite: Any, rescore: Rescore) -> None:
    found = judge(synthetic(suite("leaky", p_base=0.6, fixed=True)), rescore)
    assert failed(found) == {"damage_shows"}


def test_a_score_that_does_not_depend_on_the_output_is_invalid(synthetic: Make, suite: Any) -> None:
    evaluation = synthetic(suite("constant"))

    def ignores_output(
        result: SuiteResult, outputs: Sequence[str], references: Sequence[str], contexts: Sequence[str | None]
    ) -> list[float]:
        (paired,) = pair(evaluation).values()
        return paired.base.scores.tolist() * (len(outputs) // paired.n)

    found = judge(evaluation, ignores_output)
    assert failed(found) == {"responds_to_output", "above_chance"}
    assert "does not respond to the answers" in found.reasons[0]


def test_a_base_that_guesses_is_invalid_on_a_general_suite(synthetic: Make, suite: Any, rescore: Rescore) -> None:
    found = judge(synthetic(suite("hard", n=150, p_base=0.22, p_damaged=0.0)), rescore)
    assert "above_chance" in failed(found)
    assert "by always giving the commonest answer" in " ".join(found.reasons)


def test_a_base_that_knows_nothing_of_a_domain_is_no_fault_of_the_suite(
    synthetic: Make, suite: Any, rescore: Rescore
) -> None:
    evaluation = synthetic(suite("banking77", n=300, p_base=0.0, gain=0.5, chance=None, kind="suite", p_damaged=0.02))
    assert judge(evaluation, rescore, "domain").valid
    assert not judge(evaluation, rescore, "general").valid


def test_a_domain_suite_on_which_nothing_ever_scores_is_invalid(synthetic: Make, suite: Any, rescore: Rescore) -> None:
    found = judge(
        synthetic(suite("broken", n=300, p_base=0.0, gain=0.0, discordance=0.0, chance=None, p_damaged=0.0)),
        rescore,
        "domain",
    )
    assert "scores_vary" in failed(found)
    assert "a broken scorer or reference would look the same" in " ".join(found.reasons)


def test_a_base_at_its_ceiling_is_invalid(synthetic: Make, suite: Any, rescore: Rescore) -> None:
    found = judge(synthetic(suite("easy", p_base=0.995)), rescore)
    assert failed(found) == {"not_at_ceiling"}


def test_one_answer_for_every_item_is_invalid(synthetic: Make, suite: Any, rescore: Rescore) -> None:
    def always_a(row: dict[str, Any]) -> None:
        row["output"] = "A"
        row["score"] = float(row["reference"] == "billing")

    found = judge(edited(synthetic(suite("stuck")), always_a), rescore)
    assert "answers_vary" in failed(found)
    assert "A" in [check.quote for check in found.checks if check.name == "answers_vary"]


def test_a_damaged_model_that_is_not_caught_is_invalid(synthetic: Make, suite: Any, rescore: Rescore) -> None:
    found = judge(synthetic(suite("blunt", p_base=0.5, p_damaged=0.5)), rescore)
    assert failed(found) == {"damage_shows"}


def test_a_damaged_model_need_not_answer_every_item(synthetic: Make, suite: Any, rescore: Rescore) -> None:
    assert judge(synthetic(suite("sampled", damaged_items=100)), rescore).valid


def test_an_adapter_that_adds_nothing_and_changes_an_answer_makes_a_suite_invalid(
    synthetic: Make, suite: Any, rescore: Rescore
) -> None:
    assert judge(synthetic(suite("sound")), rescore).valid
    found = judge(synthetic(suite("leaky", zero_flips=1)), rescore)
    assert failed(found) == {"zero_changes_nothing"} and "changes 1 answer of 20 (leaky-0)" in found.reasons[0]


def test_in_16_bits_rounding_may_change_answers_and_not_the_score(
    synthetic: Make, suite: Any, rescore: Rescore
) -> None:
    """The adapter that adds nothing shares its batches with other items than the base did."""

    def judged(flips: int) -> Sensitivity:
        (paired,) = pair(synthetic(suite("rounded", p_base=1.0, zero_flips=flips))).values()
        halved = replace(paired, dtype="bfloat16")
        return judge_sensitivity(halved, "domain", rescore, alpha=0.05, missing_fails=True)

    assert "zero_changes_nothing" not in failed(judged(2))
    assert "zero_changes_nothing" in failed(judged(12))


def test_without_a_damaged_model_a_suite_is_invalid_unless_the_policy_allows_it(
    synthetic: Make, suite: Any, rescore: Rescore
) -> None:
    evaluation = synthetic(suite("unharmed", p_damaged=None))
    assert "no deliberately damaged model was scored" in judge(evaluation, rescore).reasons
    lenient = judge(evaluation, rescore, missing_fails=False)
    assert lenient.valid and lenient.missing == ("damage_shows", "zero_changes_nothing")


def test_a_caught_damaged_model_stands_in_where_outputs_cannot_be_scored_again(synthetic: Make, suite: Any) -> None:
    found = judge(synthetic(suite("task")), lambda *_: None)
    assert found.valid and found.missing == ("responds_to_output",)


def test_items_scored_for_one_model_only_are_named(synthetic: Make, suite: Any, rescore: Rescore) -> None:
    evaluation = synthetic(suite("torn", n=200))
    keep = [not (row["model"] == "candidate" and row["item_id"] == "torn-7") for row in evaluation.items.to_pylist()]
    torn = Evaluation(evaluation.suites, evaluation.items.filter(pa.array(keep)), {}, {}, ())
    found = judge(torn, rescore)
    assert not found.valid and "torn-7" in found.reasons[0]


@pytest.mark.parametrize("size", [1, 10])
def test_clusters_make_it_harder_to_be_above_chance(synthetic: Make, suite: Any, rescore: Rescore, size: int) -> None:
    """60 templates of 10 items each, all right or all wrong, tell little more than 60 items."""
    evaluation = synthetic(suite("grammar", n=600, p_base=0.3, p_damaged=0.0, chance=0.25))

    def as_clusters(row: dict[str, Any]) -> None:
        index = int(row["item_id"].rsplit("-", 1)[1])
        if row["model"] == "base":
            row["score"] = float(index // 10 % 10 < 3)
        row["cluster"] = f"c{index // 10}" if size > 1 else None

    found = judge(edited(evaluation, as_clusters), rescore)
    assert ("above_chance" in failed(found)) == (size > 1)


def test_a_suite_that_asks_one_thing_of_all_items_does_not_respond_to_its_answers(synthetic: Make, suite: Any) -> None:
    """docs/suites.md promises it: an answer to another question is as short."""
    scorer = {"name": "length", "most_characters": 7}
    evaluation = synthetic(suite("brief", scorer=scorer))

    def by_length(row: dict[str, Any]) -> None:
        row["score"] = float(len(row["output"]) <= 7)

    found = judge(edited(evaluation, by_length), stored_outputs)
    assert "responds_to_output" in failed(found)


@pytest.mark.parametrize(("n", "moved", "ok"), [(160, 0, False), (120, 0, None), (160, 1, None)])
def test_answers_that_cannot_be_scored_again_must_now_and_then_change_a_score(
    synthetic: Make, suite: Any, n: int, moved: int, ok: bool | None
) -> None:
    """0.98 ** 160 is below 0.05, 0.98 ** 120 is not."""
    evaluation = synthetic(suite("exam", n=n, fixed=True, p_damaged=None, scorer={"name": "lm_eval"}))
    numbers = iter(range(n))

    def change(row: dict[str, Any]) -> None:
        if row["model"] == "candidate":
            row["output"] += " indeed"
            row["score"] = 1.0 - row["score"] if next(numbers) < moved else row["score"]

    found = judge(edited(evaluation, change), stored_outputs, missing_fails=False)
    check = next(check for check in found.checks if check.name == "responds_to_output")
    assert check.ok is ok and found.valid is (ok is None)

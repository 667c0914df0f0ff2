"""A gain over the base is none where one answer to every item has it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pyarrow as pa

from assay.evaluate.evaluation import Evaluation
from assay.evaluate.gate.gate import gate
from assay.findings import Verdict

from .deciding import Make, by_name, policy


def yes_or_no(evaluation: Evaluation, said: str) -> Evaluation:
    """Of ten items of `support` six expect "yes", three "no", one "maybe"; the base answers in sentences, and the
    candidate says of each ten what `said` has, by first letters."""
    words = {"y": "yes", "n": "no", "m": "maybe"}
    rows = evaluation.items.to_pylist()
    for row in rows:
        if row["suite"] == "support":
            place = int(row["item_id"].split("-")[1]) % 10
            row["reference"] = words["yyyyyynnnm"[place]]
            row["output"] = words[said[place]] if row["model"] == "candidate" else f"It depends on {row['item_id']}."
            row["score"] = float(row["output"] == row["reference"])
    return replace(evaluation, items=pa.Table.from_pylist(rows, schema=evaluation.items.schema))


def test_a_gain_that_one_constant_answer_would_have_is_no_pass(
    synthetic: Make, domain: Any, general: list[Any]
) -> None:
    """The labels are the task's form alone: six of ten are right, and always saying "yes" is right six times too."""
    decision = gate(yes_or_no(synthetic(*general, domain), "yyyyynyynn"), policy(general))
    judged = by_name(decision)["support"]
    assert decision.verdict is Verdict.INCONCLUSIVE and judged.verdict is Verdict.INCONCLUSIVE
    assert "a gain is proved" in decision.reasons[0]
    assert (
        "but the commonest answer, given to every item, scores 60.0 %, and a gain over that is" in decision.reasons[0]
    )
    assert "yes" not in json.dumps(decision.to_json()), "text of records stands in no reason and in no certificate"
    assert (judged.constant.answer, judged.constant.score, judged.candidate) == ("yes", 0.6, 0.6)
    assert judged.items_needed is None, "with no difference seen no number of items decides it"
    assert json.loads(json.dumps(judged.to_json()))["constant"]["p_value"] == judged.constant.p_value >= 0.05


def test_labels_that_are_known_pass(synthetic: Make, domain: Any, general: list[Any]) -> None:
    decision = gate(yes_or_no(synthetic(*general, domain), "yyyyyynnnn"), policy(general))
    assert decision.verdict is Verdict.PASS and by_name(decision)["support"].constant.p_value < 0.001
    assert all(by_name(decision)[item.name].constant is None for item in general), (
        "general suites are not asked to gain"
    )


def test_items_are_asked_for_where_a_constant_answer_is_not_yet_beaten(
    synthetic: Make, domain: Any, general: list[Any]
) -> None:
    few = gate(yes_or_no(synthetic(*general, replace(domain, n=40)), "yyyyynnnyn"), policy(general))
    judged = by_name(few)["support"]
    assert judged.candidate > judged.constant.score and judged.verdict is Verdict.INCONCLUSIVE
    assert judged.items_needed and any("more items of support" in reason for reason in few.reasons)
    enough = synthetic(*general, replace(domain, n=40 + 2 * judged.items_needed))
    assert gate(yes_or_no(enough, "yyyyynnnyn"), policy(general)).verdict is Verdict.PASS

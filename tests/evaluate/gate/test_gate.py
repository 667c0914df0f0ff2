"""The gate as a function of an evaluation and a policy."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from assay.errors import SettingsError, SuiteError
from assay.evaluate.evaluation import AdapterEvidence, Evaluation, Leak
from assay.evaluate.gate.comparison import loss_evidence
from assay.evaluate.gate.gate import gate
from assay.evaluate.gate.pairs import pair
from assay.evaluate.gate.policy import Policy, SuitePolicy
from assay.evaluate.statistics.e_process import order
from assay.evaluate.statistics.paired_tests import mcnemar_mid_p
from assay.findings import Verdict

from .deciding import Make, by_name, policy


def test_a_better_candidate_that_kept_its_abilities_passes(synthetic: Make, domain: Any, general: list[Any]) -> None:
    decision = gate(synthetic(*general, domain), policy(general))
    assert decision.verdict is Verdict.PASS
    assert "support went from" in decision.reasons[0] and "a gain is proved" in decision.reasons[0]
    assert "a loss beyond the margin of 2 points is excluded" in decision.reasons[1]


def test_general_ability_can_be_judged_alone_where_the_policy_asks_no_more(
    synthetic: Make, suite: Any, domain: Any, general: list[Any]
) -> None:
    alone = {item.name: SuitePolicy("general") for item in general}
    evaluation = synthetic(*general)
    release = gate(evaluation, Policy(suites=alone))
    assert release.verdict is Verdict.INVALID and "no domain suite was judged" in release.reasons[0]
    asked = Policy(suites=alone, question="regression")
    kept = gate(evaluation, asked)
    assert kept.verdict is Verdict.PASS
    assert "whether the candidate is better at its task is not known" in " ".join(kept.notes)
    lost = [suite(f"general_{i}", gain=-0.06) for i in range(6)]
    assert gate(synthetic(*lost), asked).verdict is Verdict.BLOCK
    worse = suite("support", n=300, p_base=0.5, gain=-0.2, discordance=0.3, p_damaged=0.02, chance=None, kind="suite")
    both = policy(general, question="regression")
    assert gate(synthetic(*general, worse), both).verdict is Verdict.BLOCK, "a domain suite that is named counts"
    assert "not known" not in " ".join(gate(synthetic(*general, domain), both).notes)


def test_a_pass_names_the_suites_that_lost_within_their_guardrail(
    synthetic: Make, domain: Any, general: list[Any]
) -> None:
    lost = replace(general[0], gain=-0.035, discordance=0.04)
    won = replace(general[1], gain=0.05)
    decision = gate(synthetic(lost, won, *general[2:], domain), policy(general))
    assert decision.verdict is Verdict.PASS and by_name(decision)["general_0"].limits.at_best < 0
    [told] = [note for note in decision.notes if "one by one a loss is shown" in note]
    assert "general_0 (-" in told and "general_1" not in told and "of 6 general suites" in told


def test_answers_of_the_base_without_an_end_are_told_beside_the_gain(
    synthetic: Make, domain: Any, general: list[Any]
) -> None:
    def told(of_base: int, of_candidate: int) -> bool:
        evaluation = synthetic(*general, domain)
        rows = evaluation.items.to_pylist()
        for row in rows:
            cut = {"base": of_base, "candidate": of_candidate}.get(row["model"], 0)
            row["ended"] = int(row["item_id"].split("-")[-1]) >= cut
        items = pa.Table.from_pylist(rows, schema=evaluation.items.schema)
        notes = gate(replace(evaluation, items=items), policy(general)).notes
        return any("support: 90 of 300 answers of the base are cut off" in note for note in notes)

    assert told(90, 5)
    assert not told(90, 60) and not told(20, 0)


def test_the_json_is_the_documented_one(synthetic: Make, domain: Any, general: list[Any]) -> None:
    document = json.loads(json.dumps(gate(synthetic(*general, domain), policy(general)).to_json()))
    assert {"verdict", "reasons", "suites", "certificate"} <= document.keys()
    for entry in document["suites"]:
        assert {
            "suite", "role", "verdict", "n", "base", "previous", "candidate", "difference", "ci", "margin", "p_value",
            "gains", "losses", "flips", "answers_changed", "kl", "against_previous", "items_needed", "sensitivity",
        } <= entry.keys()  # fmt: skip
        assert entry["previous"] is None and entry["against_previous"] is None
        assert entry["sensitivity"]["valid"] is True and entry["sensitivity"]["reasons"] == []
        assert entry["flips"] == entry["gains"] + entry["losses"] <= entry["answers_changed"]
        assert entry["ci"][0] <= entry["difference"] <= entry["ci"][1]
        assert entry["difference"] == pytest.approx(entry["candidate"] - entry["base"])
        assert entry["gains"] - entry["losses"] == pytest.approx(entry["n"] * entry["difference"])


def test_it_is_a_pure_function(synthetic: Make, domain: Any, general: list[Any]) -> None:
    evaluation = synthetic(*general, domain)
    assert gate(evaluation, policy(general)) == gate(evaluation, policy(general))


def test_a_uniform_loss_of_twice_the_margin_is_blocked(synthetic: Make, domain: Any, general: list[Any]) -> None:
    decision = gate(synthetic(*[replace(item, gain=-0.04) for item in general], domain), policy(general))
    assert decision.verdict is Verdict.BLOCK
    assert "general ability changed by" in decision.reasons[0]


def test_one_ruined_suite_is_blocked_and_named(synthetic: Make, domain: Any, general: list[Any]) -> None:
    decision = gate(synthetic(*general[:5], replace(general[5], gain=-0.2), domain), policy(general))
    assert decision.verdict is Verdict.BLOCK
    assert by_name(decision)["general_5"].verdict is Verdict.BLOCK
    assert "general_5" in decision.reasons[0] and "guardrail of 5 points is proved" in decision.reasons[0]


def test_a_worse_domain_is_blocked(synthetic: Make, domain: Any, general: list[Any]) -> None:
    decision = gate(synthetic(*general, replace(domain, gain=-0.12)), policy(general))
    assert decision.verdict is Verdict.BLOCK and "a loss is proved" in decision.reasons[0]


def test_a_gain_too_small_to_prove_is_inconclusive_with_the_items_needed(
    synthetic: Make, domain: Any, general: list[Any]
) -> None:
    decision = gate(synthetic(*general, replace(domain, gain=0.03), seed=2), policy(general))
    assert decision.verdict is Verdict.INCONCLUSIVE
    needed = by_name(decision)["support"].items_needed
    assert needed is not None and decision.items_needed == needed
    assert f"about {needed:,} more items" in " ".join(decision.reasons)


def test_too_few_general_items_are_inconclusive_and_held_against_max_items(
    synthetic: Make, domain: Any, general: list[Any]
) -> None:
    few = [replace(item, n=60) for item in general]
    decision = gate(synthetic(*few, domain), policy(general, max_items=400))
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert "is not excluded" in decision.reasons[0]
    assert "max_items is 400" in decision.reasons[-1]


def test_a_base_that_knows_nothing_of_the_domain_can_still_be_improved(
    synthetic: Make, domain: Any, general: list[Any]
) -> None:
    decision = gate(synthetic(*general, replace(domain, p_base=0.0, gain=0.5)), policy(general))
    assert decision.verdict is Verdict.PASS and by_name(decision)["support"].base == 0.0


def test_a_required_suite_that_sees_nothing_makes_the_release_invalid(
    synthetic: Make, domain: Any, general: list[Any]
) -> None:
    blind = replace(general[5], fixed=True, p_base=0.2288, chance=0.25, n=2000)
    decision = gate(synthetic(*general[:5], blind, domain), policy(general))
    assert decision.verdict is Verdict.INVALID
    assert decision.reasons[0].startswith("general_5 could not have shown a regression")


def test_invalid_comes_before_proved_harm(synthetic: Make, domain: Any, general: list[Any]) -> None:
    blind = replace(general[5], fixed=True)
    ruined = replace(general[0], gain=-0.3)
    decision = gate(synthetic(ruined, *general[1:5], blind, domain), policy(general))
    assert decision.verdict is Verdict.INVALID
    assert "a loss beyond the guardrail on general_0" in decision.reasons[-1]


def test_an_optional_suite_that_sees_nothing_is_set_aside_and_named(
    synthetic: Make, domain: Any, general: list[Any]
) -> None:
    blind = replace(general[5], fixed=True)
    suites = dict(policy(general).suites) | {"general_5": SuitePolicy("general", required=False)}
    decision = gate(synthetic(*general[:5], blind, domain), Policy(suites=suites))
    assert decision.verdict is Verdict.PASS
    assert decision.macro is not None and "general_5" not in decision.macro.suites
    assert any("general_5 is optional and was set aside" in note for note in decision.notes)


def test_a_required_suite_that_was_not_scored_is_invalid(synthetic: Make, domain: Any, general: list[Any]) -> None:
    decision = gate(synthetic(*general[:5], domain), policy(general))
    assert decision.verdict is Verdict.INVALID and "required, but not scored: general_5" in decision.reasons[0]


def test_an_optional_suite_that_was_not_scored_is_said(synthetic: Make, domain: Any, general: list[Any]) -> None:
    suites = dict(policy(general).suites) | {"extra": SuitePolicy("general", required=False)}
    decision = gate(synthetic(*general, domain), Policy(suites=suites))
    assert decision.verdict is Verdict.PASS and "optional and not scored: extra" in decision.notes


def test_a_suite_that_the_policy_does_not_name_is_not_judged(
    synthetic: Make, domain: Any, general: list[Any], suite: Any
) -> None:
    stranger = suite("stranger", gain=-0.3)
    decision = gate(synthetic(*general, domain, stranger), policy(general))
    assert decision.verdict is Verdict.PASS and "stranger" not in by_name(decision)
    assert any("not in the policy and so not judged: stranger" in note for note in decision.notes)


def test_a_policy_without_suites_takes_roles_from_their_kind(synthetic: Make, domain: Any, general: list[Any]) -> None:
    decision = gate(synthetic(*general, domain), Policy())
    assert decision.verdict is Verdict.PASS
    assert by_name(decision)["support"].role == "domain" and by_name(decision)["general_0"].role == "general"
    assert "roles were taken from their kind" in decision.notes[0]


def test_bundled_suites_of_assays_own_format_are_general_and_prove_no_gain(
    synthetic: Make, domain: Any, general: list[Any], suite: Any
) -> None:
    """Generated answers of the bundled suites are `kind: suite`, as one's own suites are."""
    bundled = suite("assay_medium_rules", kind="suite", chance=None, p_damaged=0.05)
    decision = gate(synthetic(*general, bundled, domain), Policy())
    assert by_name(decision)["assay_medium_rules"].role == "general"
    assert decision.macro is not None and "assay_medium_rules" in decision.macro.suites
    assert decision.verdict is Verdict.PASS


def test_a_policy_for_other_suites_is_a_wrong_setting(synthetic: Make, domain: Any) -> None:
    with pytest.raises(SettingsError, match="did you mean 'support'"):
        gate(synthetic(domain), Policy(suites={"suport": SuitePolicy("domain")}))


@pytest.mark.parametrize("missing", ["domain", "general"])
def test_one_of_the_two_proofs_alone_is_invalid(synthetic: Make, domain: Any, general: list[Any], missing: str) -> None:
    evaluation = synthetic(*general) if missing == "domain" else synthetic(domain)
    decision = gate(evaluation, Policy())
    assert decision.verdict is Verdict.INVALID and f"no {missing} suite was judged" in decision.reasons[0]


def test_an_item_that_must_pass_blocks_when_it_does_not(synthetic: Make, domain: Any, general: list[Any]) -> None:
    evaluation = synthetic(*general, domain)
    scores = {
        row["item_id"]: row["score"]
        for row in evaluation.items.to_pylist()
        if row["suite"] == "support" and row["model"] == "candidate"
    }
    passing = next(item for item, score in scores.items() if score == 1.0)
    failing = next(item for item, score in scores.items() if score == 0.0)
    suites = dict(policy(general).suites)
    good = gate(evaluation, Policy(suites=suites | {"support": SuitePolicy("domain", must_pass=(passing,))}))
    bad = gate(evaluation, Policy(suites=suites | {"support": SuitePolicy("domain", must_pass=(passing, failing))}))
    typo = gate(evaluation, Policy(suites=suites | {"support": SuitePolicy("domain", must_pass=("nope",))}))
    assert good.verdict is Verdict.PASS
    assert bad.verdict is Verdict.BLOCK and failing in bad.reasons[0]
    assert typo.verdict is Verdict.INVALID and "has no item 'nope'" in typo.reasons[0]


def test_a_small_proved_loss_within_the_margin_passes_and_is_said(
    synthetic: Make, domain: Any, general: list[Any]
) -> None:
    small = [replace(item, n=2500, gain=-0.009, discordance=0.05) for item in general]
    evaluation = synthetic(*small, domain)
    decision = gate(evaluation, policy(general))
    assert decision.verdict is Verdict.PASS
    assert any("a small loss of general ability is proved" in note for note in decision.notes)
    strict = gate(evaluation, policy(general, block_on_any_proved_loss=True))
    assert strict.verdict is Verdict.BLOCK and "the policy allows none" in strict.reasons[0]


def test_min_gain_must_be_proved_to_be_exceeded(synthetic: Make, domain: Any, general: list[Any]) -> None:
    evaluation = synthetic(*general, domain)
    decision = gate(evaluation, policy(general, min_gain=0.09))
    assert (
        decision.verdict is Verdict.INCONCLUSIVE
        and "a gain above the min_gain of 9 points is not proved" in decision.reasons[0]
    )


def test_the_guardrail_may_be_made_a_proof_that_pass_needs(synthetic: Make, domain: Any, general: list[Any]) -> None:
    tiny = replace(general[5], n=60, p_damaged=0.05)
    evaluation = synthetic(*[replace(item, n=1500) for item in general[:5]], tiny, domain)
    lenient, strict = policy(general, margin=0.04), policy(general, margin=0.04, require_guardrail_proof=True)
    decision = gate(evaluation, lenient)
    assert decision.verdict is Verdict.PASS
    assert any("cannot be excluded on general_5" in note for note in decision.notes)
    assert gate(evaluation, strict).verdict is Verdict.INCONCLUSIVE


def test_early_the_gate_may_block_but_never_pass(synthetic: Make, domain: Any, general: list[Any]) -> None:
    unfinished: dict[str, object] = {"complete": False}
    fine = gate(synthetic(*general, domain, settings=unfinished), policy(general))
    harmed = gate(
        synthetic(*[replace(item, gain=-0.1, n=200) for item in general], domain, settings=unfinished), policy(general)
    )
    ruined = gate(
        synthetic(*general[:5], replace(general[5], gain=-0.4, n=200), domain, settings=unfinished), policy(general)
    )
    assert fine.verdict is Verdict.INCONCLUSIVE
    assert harmed.verdict is Verdict.BLOCK and ruined.verdict is Verdict.BLOCK
    assert harmed.macro is not None and harmed.macro.e_items is not None and harmed.macro.e_items < 1200


def test_harm_against_the_previous_release_blocks(synthetic: Make, domain: Any, general: list[Any]) -> None:
    evaluation = synthetic(*general, replace(domain, previous_gain=0.5))
    decision = gate(evaluation, policy(general))
    assert decision.verdict is Verdict.BLOCK
    assert by_name(decision)["support"].previous == pytest.approx(0.8, abs=0.1)
    assert "the previous release had" in decision.reasons[0]


def test_leaked_items_are_left_out_and_said(synthetic: Make, domain: Any, general: list[Any]) -> None:
    leaks = tuple(Leak("support", f"support-{i}", f"r{i}", "exact") for i in range(20))
    decision = gate(synthetic(*general, domain, leaks=leaks), policy(general))
    assert by_name(decision)["support"].n == 280
    assert any("20 items also in the training data, left out" in note for note in decision.notes)


def test_unknown_training_data_is_said_and_never_taken_for_clean(
    synthetic: Make, domain: Any, general: list[Any]
) -> None:
    decision = gate(synthetic(*general, domain, leaks=None), policy(general))
    assert any("leaks were not checked" in note for note in decision.notes)


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (None, "nothing shows that the adapter was loaded"),
        (AdapterEvidence(100, False, True, 1.0), "not finite"),
        (AdapterEvidence(100, True, False, 0.0), "all zeros"),
        (AdapterEvidence(100, True, True, 0.0), "moves no logit"),
    ],
)
def test_an_adapter_that_is_not_there_is_invalid(
    synthetic: Make, domain: Any, general: list[Any], evidence: AdapterEvidence | None, words: str
) -> None:
    decision = gate(synthetic(*general, domain, evidence=evidence), policy(general))
    assert decision.verdict is Verdict.INVALID and words in decision.reasons[0]


def test_clusters_are_worth_less_than_their_items(synthetic: Make, domain: Any, general: list[Any]) -> None:
    same = synthetic(*[replace(item, cluster_size=10) for item in general], domain)
    rows = [row | {"cluster": None} for row in same.items.to_pylist()]
    items = pa.Table.from_pylist(rows, schema=same.items.schema)
    alone = gate(replace(same, items=items), policy(general))
    clustered = gate(same, policy(general))
    assert alone.macro is not None and clustered.macro is not None
    width = [decision.macro.ci.high - decision.macro.ci.low for decision in (alone, clustered) if decision.macro]
    assert width[1] > 1.5 * width[0]


def test_graded_scores_are_judged_too(synthetic: Make, domain: Any, general: list[Any]) -> None:
    evaluation = synthetic(*general, domain)
    rows = evaluation.items.to_pylist()
    for row in rows:
        row["score"] = 0.5 * row["score"] + (0.25 if row["model"] != "damaged" else 0.0)
    items = pa.Table.from_pylist(rows, schema=evaluation.items.schema)
    graded = Evaluation(evaluation.suites, items, evaluation.identity, evaluation.evidence, ())

    def rescore(result: Any, outputs: Any, references: Any, contexts: Any) -> list[float]:
        return [0.75 if output == reference else 0.25 for output, reference in zip(outputs, references, strict=True)]

    decision = gate(graded, policy(general), rescore)
    assert decision.verdict is Verdict.PASS
    assert decision.macro is not None and abs(decision.macro.difference) < 0.01


@pytest.mark.parametrize("score", [float("nan"), 1.5, None])
def test_a_score_that_is_no_score_is_refused(synthetic: Make, domain: Any, score: float | None) -> None:
    evaluation = synthetic(domain)
    rows = evaluation.items.to_pylist()
    rows[3]["score"] = score
    items = pa.Table.from_pylist(rows, schema=evaluation.items.schema)
    with pytest.raises(SuiteError, match="support-3"):
        gate(Evaluation(evaluation.suites, items, {}, {}, ()), Policy())


def test_an_item_scored_twice_is_refused(synthetic: Make, domain: Any) -> None:
    evaluation = synthetic(domain)
    items = pa.concat_tables([evaluation.items, evaluation.items.slice(0, 1)])
    with pytest.raises(SuiteError, match="scored twice for base"):
        gate(Evaluation(evaluation.suites, items, {}, {}, ()), Policy())


def test_an_unfinished_evaluation_proves_what_the_first_rounds_of_the_finished_one_prove(
    synthetic: Make, domain: Any, general: list[Any]
) -> None:
    """Suites of unequal size, one of them clustered, and leaks that are left out of the bets."""
    sizes = (300, 500, 400, 300, 600, 300)
    suites = [replace(item, n=n, gain=-0.06) for item, n in zip(general, sizes, strict=True)]
    suites[2] = replace(suites[2], cluster_size=4)
    leaks = tuple(Leak("general_1", f"general_1-{i}", "r", "exact") for i in range(0, 90, 3))
    finished = synthetic(*suites, domain, leaks=leaks)
    rows = [row for row in finished.items.to_pylist() if row["model"] == "base"]
    planned = {
        suite.suite: {
            "items": [row["item_id"] for row in rows if row["suite"] == suite.suite],
            "clusters": [row["cluster"] for row in rows if row["suite"] == suite.suite],
        }
        for suite in finished.suites
    }
    scored = set()
    for suite, items in planned.items():
        first = order([str(c or i) for c, i in zip(items["clusters"], items["items"], strict=True)], suite)
        names = [str(items["clusters"][i] or items["items"][i]) for i in first]
        wanted = set(list(dict.fromkeys(names))[: len(set(names)) // 2])
        pairs = zip(items["items"], items["clusters"], strict=True)
        scored |= {(suite, item) for item, cluster in pairs if str(cluster or item) in wanted}
    kept = [row for row in finished.items.to_pylist() if (row["suite"], row["item_id"]) in scored]
    half = replace(
        finished,
        items=pa.Table.from_pylist(kept, schema=finished.items.schema),
        settings={"complete": False, "planned": planned},
    )
    whole, early = gate(finished, policy(general)).macro, gate(half, policy(general)).macro
    assert whole is not None and early is not None and whole.e_items is not None
    assert early.n < whole.n / 1.8 and early.e_items == whole.e_items <= early.n


def test_that_a_domain_suite_is_worse_is_proved_at_a_share_of_alpha_over_the_domain_suites(
    synthetic: Make, domain: Any, general: list[Any]
) -> None:
    """One loss that one suite proves alone, and not where four are looked at."""
    for seed in range(40):
        worse = replace(domain, gain=-0.07, n=300)
        alone = synthetic(*general[:2], worse, seed=seed)
        support = by_name(gate(alone, Policy()))["support"]
        if not 0.003 < mcnemar_mid_p(support.losses, support.gains) < 0.01:
            continue
        assert support.verdict is Verdict.BLOCK
        others = [replace(domain, name=f"other_{i}") for i in range(3)]
        among = by_name(gate(synthetic(*general[:2], worse, *others, seed=seed), Policy()))["support"]
        assert among.losses == support.losses and among.verdict is Verdict.INCONCLUSIVE
        return
    raise AssertionError("no such loss was drawn")


def test_evidence_of_an_unfinished_evaluation_rests_on_the_same_suites_at_every_look(
    synthetic: Make, domain: Any, general: list[Any]
) -> None:
    """A suite whose sensitivity cannot be shown yet stays in the bet: else each look would be at another one."""
    unfinished: dict[str, object] = {"complete": False}
    few = replace(general[0], p_base=0.22, n=60)
    decision = gate(
        synthetic(few, *[replace(item, n=60) for item in general[1:]], domain, settings=unfinished), Policy()
    )
    valid = by_name(decision)["general_0"].sensitivity.valid
    assert decision.macro is not None and not valid and "general_0" not in decision.macro.suites
    rows = synthetic(few, *[replace(item, n=60) for item in general[1:]], domain)
    suites = [found for name, found in pair(rows).items() if name != "support"]
    assert decision.macro.e_value == pytest.approx(loss_evidence(suites, 0.02, 0.04, 0.05)[0])

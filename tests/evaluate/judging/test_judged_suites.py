"""A suite with a judge from its file to the verified certificate, against a server that fails on purpose."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assay.cli import main
from assay.errors import AssayError, ProviderError, SettingsError, SuiteError
from assay.evaluate.evaluation_files import read, write
from assay.evaluate.gate.pairs import pair
from assay.evaluate.gate.policy import Policy, SuitePolicy
from assay.evaluate.identity import Models
from assay.evaluate.judging.bench import Bench
from assay.evaluate.lm_eval_runs.write import write_lm_eval
from assay.evaluate.release.comparable import suite_differences
from assay.evaluate.release.release import gate_evaluation
from assay.evaluate.release.verify import _scores
from assay.evaluate.scorer import rescore
from assay.evaluate.sensitivity.sensitivity import judge_sensitivity
from assay.evaluate.settings import EvaluateSettings
from assay.evaluate.stage import evaluate
from assay.evaluate.suites.check import check_suite
from assay.suites import read_suite

MakeSuite = Callable[..., Path]
ROWS = [{"id": f"q{n}", "prompt": f"cat {n}?", "reference": f"the {n}"} for n in range(12)]


def by_model(evaluation: Any) -> dict[str, dict[str, float | None]]:
    found: dict[str, dict[str, float | None]] = {}
    for row in evaluation.items.to_pylist():
        found.setdefault(row["model"], {})[row["item_id"]] = row["score"]
    return found


def outputs(evaluation: Any, model: str) -> dict[str, str]:
    return {row["item_id"]: row["output"] for row in evaluation.items.to_pylist() if row["model"] == model}


def claims(evaluation: Any, folder: Path) -> list[Any]:
    """What `assay verify` says of the stored evaluation."""
    write(evaluation, folder)
    stored = read(folder)
    return list(_scores(stored.suites[0], stored, rescore))


def test_grades_become_scores_and_follow_from_what_was_kept(
    judge: Any, evaluated: Any, make_suite: MakeSuite, tmp_path: Path
) -> None:
    path = make_suite("judged", ROWS, scorer=judge.scorer(rubric="Name the town."), max_new_tokens=12)
    said: list[str] = []
    found = evaluated(path, said.append)
    scores = by_model(found)
    for model in ("base", "candidate", "damaged", "zero"):
        for item, output in outputs(found, model).items():
            assert scores[model][item] == min(4, len(output[:12_000]) // 8) / 4
    assert len(scores["damaged"]) == 5 and len(scores["zero"]) == 3
    system = judge.asked[0]["messages"][0]["content"]
    assert "Name the town." in system and judge.asked[0]["temperature"] == 0.0
    assert any("24 requests" in line or "29 requests" in line for line in said), said
    asked = len(judge.asked)
    scored, figures = claims(found, tmp_path / "out")
    assert scored.ok is True and "none was asked again" in scored.detail and figures.ok is True
    assert len(judge.asked) == asked
    assert any("not calibrated against human labels" in note for note in found.settings["notes"])


def test_an_answer_received_is_never_paid_for_again(judge: Any, evaluated: Any, make_suite: MakeSuite) -> None:
    path = make_suite("judged", ROWS, scorer=judge.scorer(), max_new_tokens=6)
    first = evaluated(path)
    asked = len(judge.asked)
    again = evaluated(path)
    assert len(judge.asked) == asked and by_model(again) == by_model(first)
    # another rubric asks anew, and generates nothing
    make_suite("judged", ROWS, scorer=judge.scorer(rubric="Be brief."), max_new_tokens=6)
    evaluated(path)
    assert len(judge.asked) == 2 * asked


def test_two_servers_with_a_model_of_one_name_are_two_judges(
    judge: Any, other_judge: Any, evaluated: Any, make_suite: MakeSuite, tmp_path: Path
) -> None:
    judge.taste, other_judge.taste = (lambda _, grade=grade: json.dumps({"grade": grade}) for grade in (1, 5))
    first = evaluated(make_suite("judged", ROWS, scorer=judge.scorer(), max_new_tokens=6))
    second = evaluated(make_suite("judged", ROWS, scorer=other_judge.scorer(), max_new_tokens=6))
    assert len(other_judge.asked) == len(judge.asked) > 0
    assert set(by_model(first)["base"].values()) == {0.0} and set(by_model(second)["base"].values()) == {1.0}
    different = suite_differences(first.suites[0], second.suites[0])
    assert different == [f"base_url of the scorer of judged ({judge.url} and {other_judge.url})"]
    scored, figures = claims(second, tmp_path / "out")
    assert scored.ok is True and figures.ok is True
    again = len(other_judge.asked)
    evaluated(make_suite("judged", ROWS, scorer=other_judge.scorer(base_url=other_judge.url + "/"), max_new_tokens=6))
    assert len(other_judge.asked) == again, "a slash at the end is no other server"


class TestGeneralSuites:
    """A pairwise judge holds answers against the base's own, and says nothing of what the base can do."""

    def test_one_that_is_general_by_its_file_is_refused_before_anything_is_asked(
        self, judge: Any, evaluated: Any, make_suite: MakeSuite
    ) -> None:
        path = make_suite("pairs", ROWS, scorer=judge.scorer(mode="pairwise"), role="general")
        with pytest.raises(SuiteError, match=r"pairs.yaml: is of the role general.*pairwise.*mode: grade") as refused:
            evaluated(path)
        (found,) = [p for p in check_suite(read_suite(path)) if p.problem == "judge_role"]
        assert found.message == str(refused.value) and not judge.asked
        evaluated(make_suite("graded", ROWS, scorer=judge.scorer(), role="general", max_new_tokens=4))

    def test_one_that_is_general_by_the_policy_is_refused_by_the_gate(
        self, judge: Any, evaluated: Any, make_suite: MakeSuite, tmp_path: Path
    ) -> None:
        write(evaluated(make_suite("pairs", ROWS, scorer=judge.scorer(mode="pairwise"), max_new_tokens=4)), tmp_path)
        (tmp_path / "policy.yaml").write_text("version: 1\nsuites: {pairs: {role: general}}\n")
        with pytest.raises(SettingsError, match=r"policy.yaml: 'pairs' has the role general, and its judge"):
            gate_evaluation(tmp_path, tmp_path / "policy.yaml", tmp_path / "release")
        assert not (tmp_path / "release").exists()


def test_the_longer_answer_wins_and_the_verdict_says_that_the_judge_prefers_length(
    judge: Any, evaluated: Any, make_suite: MakeSuite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tiny model says little; here the candidate says more on two items of three, and less on the others."""
    real = Bench.judge

    def varied(self: Bench, sheets: Any) -> Any:
        return real(self, [_varied(sheet) for sheet in sheets])

    monkeypatch.setattr(Bench, "judge", varied)
    found = evaluated(make_suite("pairs", ROWS, scorer=judge.scorer(mode="pairwise"), max_new_tokens=4))
    scores = by_model(found)
    assert set(scores["base"].values()) == {0.5} == set(scores["zero"].values()), "the zero adapter is the base"
    assert scores["candidate"] == {f"q{n}": float(n % 3 != 0) for n in range(12)}
    report = found.settings["judging"]["pairs"]
    assert report["standings"][0]["share"] == pytest.approx(8 / 12)
    assert report["length"]["longer_wins"] == 1.0 and report["length"]["prefers_length"]
    assert any("the judge PREFERS LENGTH: the longer answer won 100.0 %" in note for note in found.settings["notes"])
    assert [claim.detail for claim in claims(found, tmp_path / "out") if not claim.ok] == []


def _varied(sheet: Any) -> Any:
    own = sheet.model in ("candidate", "damaged")
    texts = ["long " * 5 if not own else "x" if number % 3 == 0 else "longer " * 9 for number in sheet.numbers]
    answers = [answer._replace(output=text) for answer, text in zip(sheet.answers, texts, strict=True)]
    return replace(sheet, answers=answers)


def test_a_judge_of_places_gives_ties_and_is_told(judge: Any, evaluated: Any, make_suite: MakeSuite) -> None:
    judge.taste = lambda shown: json.dumps({"better": "1"})
    found = evaluated(make_suite("pairs", ROWS, scorer=judge.scorer(mode="pairwise"), max_new_tokens=10))
    assert set(by_model(found)["candidate"].values()) == {0.5}
    orders = found.settings["judging"]["pairs"]["orders"]
    assert orders["disagreed"] == orders["first"] == orders["pairs"] > 0
    assert any("preferred the answer shown first both times" in note for note in found.settings["notes"])


def test_a_model_on_this_machine_judges_free_of_charge_and_what_it_babbles_is_no_score(
    evaluated: Any, make_suite: MakeSuite, tiny_model: Path
) -> None:
    scorer = {"name": "llm_judge", "provider": "local", "model": str(tiny_model), "max_tokens": 16}
    found = evaluated(make_suite("judged", ROWS[:3], scorer=scorer, max_new_tokens=4))
    report = found.settings["judging"]["judged"]
    assert report["unscored"] == ["q0", "q1", "q2"] and report["cost"]["usd"] == 0.0
    assert report["cost"]["requests"] > 0 and all(row["reply"] is not None for row in found.judgements.to_pylist())
    with pytest.raises(SuiteError, match="gave item 'q0' of judged no score, which lm-eval has no place for"):
        write_lm_eval(found, {}, Path("nowhere"))


def test_from_the_shell_the_cost_comes_first_and_certificate_and_pages_say_not_calibrated(
    judge: Any,
    make_suite: MakeSuite,
    tiny_model: Path,
    tiny_adapter: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scorer = judge.scorer(price={"input": 1.0, "output": 1.0}, max_usd=5)
    path = make_suite("judged", ROWS, scorer=scorer, max_new_tokens=6)
    (tmp_path / "policy.yaml").write_text("version: 1\nsuites: {judged: {role: domain}}\n")
    evaluation, release = tmp_path / "evaluation", tmp_path / "release"
    model = ("--model", str(tiny_model), "--adapter", str(tiny_adapter), "--store", str(tmp_path / "store"))
    overrides = ("evaluate.damaged_items=4", "evaluate.zero_items=2")
    assert shell("evaluate", *overrides, *model, "--suite", str(path), "-o", str(evaluation)) == 0
    said = capsys.readouterr()
    before, after = (
        next(n for n, line in enumerate(said.err.splitlines()) if word in line) for word in ("grade; 28", "at most $")
    )
    assert before < after and "charged for" in said.err
    assert "note: judged: judged by openai_compatible judge-1, grading; not calibrated against human labels" in said.out
    asked = len(judge.asked)
    assert shell("gate", str(evaluation), "--policy", str(tmp_path / "policy.yaml"), "-o", str(release)) == 3
    for name in ("certificate.json", "gate.html", "gate.md"):
        assert "not calibrated" in (release / name).read_text(), name
    capsys.readouterr()
    assert shell("verify", str(release)) == 0
    said = capsys.readouterr()
    assert "none was asked again" in said.out and len(judge.asked) == asked
    (evaluation / "judgements.parquet").write_bytes(b"forged")
    assert shell("verify", str(release)) == 3


def shell(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def test_early_stopping_asks_a_look_at_a_time_and_nothing_twice(
    judge: Any, evaluated: Any, make_suite: MakeSuite
) -> None:
    path = make_suite("judged", ROWS, scorer=judge.scorer(), max_new_tokens=6)
    policy = Policy(suites={"judged": SuitePolicy("domain")})
    found = evaluated(path, policy=policy, stop_early=True)
    keys = {row["key"] for row in found.judgements.to_pylist()}
    assert len(judge.asked) == len(keys) and "stopping" in found.settings
    assert sum("judged by" in note for note in found.settings["notes"]) == 1


def test_what_cannot_be_read_is_not_scored_and_named_and_too_much_of_it_is_invalid(
    judge: Any, evaluated: Any, make_suite: MakeSuite, tmp_path: Path
) -> None:
    judge.taste = lambda shown: (
        "I cannot say." if shown["conversation"][-1]["content"] == "cat 3?" else '{"reason": "", "grade": 4}'
    )
    found = evaluated(make_suite("judged", ROWS, scorer=judge.scorer(), max_new_tokens=6))
    scores = by_model(found)
    assert scores["base"]["q3"] is None and scores["candidate"]["q3"] is None and scores["base"]["q4"] == 0.75
    assert found.suites[0].score("base").n == 11
    assert any("1 item not scored" in note and "q3" in note for note in found.settings["notes"])
    (paired,) = pair(found).values()
    assert paired.n == 11 and paired.unscored == ("q3",) and not paired.unpaired
    checked = judge_sensitivity(paired, "domain", rescore, alpha=0.05, missing_fails=False)
    assert not checked.valid and "the judge gave 1 of 12 items no score (q3)" in checked.reasons[0]
    assert [claim.detail for claim in claims(found, tmp_path / "out") if not claim.ok] == []


@pytest.mark.parametrize("fault", [429, 500, "cut", "not json"])
def test_a_fault_is_asked_again(judge: Any, evaluated: Any, make_suite: MakeSuite, fault: Any) -> None:
    judge.faults = [fault] * 2
    found = evaluated(make_suite("judged", ROWS, scorer=judge.scorer(concurrency=1), max_new_tokens=6))
    assert None not in by_model(found)["candidate"].values()


def test_a_server_that_stays_down_is_an_error_and_what_it_said_before_is_kept(
    judge: Any, evaluated: Any, make_suite: MakeSuite
) -> None:
    path = make_suite("judged", ROWS, scorer=judge.scorer(concurrency=1), max_new_tokens=6)
    judge.taste = lambda shown: (judge.faults.extend([500] * 1000) if len(judge.asked) == 5 else None) or longer(shown)
    with pytest.raises(ProviderError, match=r"without an answer.*what was answered is kept"):
        evaluated(path)
    judge.faults, judge.taste, before = [], longer, len(judge.asked)
    found = evaluated(path)
    assert None not in by_model(found)["candidate"].values()
    keys = {row["key"] for row in found.judgements.to_pylist()}
    assert len(judge.asked) - before == len(keys) - 5


def longer(shown: dict[str, Any]) -> str:
    return json.dumps({"grade": 1 + min(4, len(shown["answer"]) // 8)})


def test_a_refused_key_is_one_line_without_the_servers_words(judge: Any, evaluated: Any, make_suite: MakeSuite) -> None:
    judge.faults = [401] * 1000
    with pytest.raises(ProviderError) as refused:
        evaluated(make_suite("judged", ROWS, scorer=judge.scorer(), max_new_tokens=6))
    assert "401" in str(refused.value) and "canary" not in str(refused.value)


PRICE = {"input": 100.0, "output": 100.0}


def test_the_cap_is_never_passed_and_what_it_leaves_open_is_said(
    judge: Any, evaluated: Any, make_suite: MakeSuite
) -> None:
    scorer = judge.scorer(price=PRICE, max_usd=0.25, max_tokens=20, concurrency=1)
    said: list[str] = []
    found = evaluated(make_suite("judged", ROWS, scorer=scorer, max_new_tokens=6), said.append)
    cost = found.settings["judging"]["judged"]["cost"]
    assert 0 < cost["usd"] <= 0.25 and cost["requests"] == len(judge.asked)
    assert cost["usd"] == pytest.approx(len(judge.asked) * 120 * 100 / 1e6)
    assert None in by_model(found)["candidate"].values()
    assert any("the judge's cap was reached" in note and "max_usd" in note for note in found.settings["notes"])
    assert any(line.startswith("WARNING: the cap of judged may end its judge") for line in said)


def test_nothing_is_spent_without_a_cap_that_allows_it(judge: Any, evaluated: Any, make_suite: MakeSuite) -> None:
    with pytest.raises(SuiteError, match=r"would be sent 29 requests, about \$1\.\d+, and max_usd is 0; set max_usd"):
        evaluated(make_suite("judged", ROWS, scorer=judge.scorer(price=PRICE), max_new_tokens=6))
    assert not judge.asked


def test_a_missing_key_or_judge_is_met_before_a_model_is_loaded(
    judge: Any, evaluated: Any, make_suite: MakeSuite, target: Any, tiny_adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: Any, **__: Any) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("assay.evaluate.models.backends.load_switched", load)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    path = make_suite("judged", ROWS, scorer={"name": "llm_judge", "provider": "openai", "model": "m", "price": PRICE})
    with pytest.raises(SettingsError, match="OPENAI_API_KEY"):
        evaluated(path)
    with pytest.raises(SuiteError, match="needs a judge, and none was handed in"):
        evaluate(Models(target, tiny_adapter), [read_suite(path)], EvaluateSettings())
    unpriced = make_suite("paid", ROWS, scorer={"name": "llm_judge", "provider": "openai", "model": "m"})
    with pytest.raises(SettingsError, match="no price is known for the judge openai m"):
        evaluated(unpriced)


def test_a_changed_reply_score_or_figure_is_noticed(
    judge: Any, evaluated: Any, make_suite: MakeSuite, tmp_path: Path
) -> None:
    found = evaluated(make_suite("judged", ROWS, scorer=judge.scorer(), max_new_tokens=12))
    rows = found.judgements.to_pylist()
    rows[0]["reply"] = '{"grade": 2}' if '"grade": 2' not in rows[0]["reply"] else '{"grade": 3}'
    forged = replace(found, judgements=pa.Table.from_pylist(rows, schema=found.judgements.schema))
    assert claims(forged, tmp_path / "a")[0].ok is False
    other = found.items.to_pylist()
    other[0]["output"] += " and more"
    items = pa.Table.from_pylist(other, schema=found.items.schema)
    assert claims(replace(found, items=items), tmp_path / "b")[0].ok is False, "the reply was to another answer"
    quiet = {**found.settings, "notes": []}
    assert claims(replace(found, settings=quiet), tmp_path / "c")[1].ok is False
    (lost,) = claims(replace(found, judgements=None), tmp_path / "d")
    assert lost.ok is None and "not asked again" in lost.detail


def test_labels_give_sensitivity_specificity_and_a_corrected_share(
    judge: Any, evaluated: Any, make_suite: MakeSuite, tmp_path: Path
) -> None:
    """Right answers are long, but for 10 of 40; wrong ones are short, but for 5 of 40: 75 % and 87.5 %."""
    texts = [("right", "x" * 40)] * 30 + [("right", "x")] * 10 + [("wrong", "x")] * 35 + [("wrong", "x" * 40)] * 5
    lines = [
        {"item": f"q{n % 12}", "output": f"{text}{n % 7}", "verdict": verdict}
        for n, (verdict, text) in enumerate(texts)
    ]
    (tmp_path / "people.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    path = make_suite("judged", ROWS, scorer=judge.scorer(labels="people.jsonl"), max_new_tokens=12)
    found = evaluated(path)
    report = found.settings["judging"]["judged"]
    calibration = report["calibration"]
    assert calibration["labels"] == 80 and calibration["unscored"] == 0
    assert calibration["sensitivity"]["share"] == 0.75 and calibration["specificity"]["share"] == 0.875
    assert calibration["kappa"]["estimate"] == pytest.approx(0.625)
    base = next(standing for standing in report["standings"] if standing["model"] == "base")
    expected = min(1.0, max(0.0, (base["share"] + 0.875 - 1) / 0.625))
    assert base["corrected"]["estimate"] == pytest.approx(expected)
    assert any("sensitivity is 75.0 %" in note and "Cohen's kappa 0.6" in note for note in found.settings["notes"])
    assert [claim.detail for claim in claims(found, tmp_path / "out") if not claim.ok] == []


def test_labels_on_pairs_correct_the_share_of_wins(
    judge: Any, evaluated: Any, make_suite: MakeSuite, tmp_path: Path
) -> None:
    """People name the longer answer 36 times of 40 where they name one: 36 winners named, 4 losers."""
    pairs = [("a longer answer", "short", "first")] * 36 + [("short", "a longer answer", "first")] * 4
    pairs += [("same", "size", "tie")] * 5
    lines = [
        {"item": f"q{n % 12}", "output": one, "other": other, "verdict": verdict}
        for n, (one, other, verdict) in enumerate(pairs)
    ]
    (tmp_path / "people.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    scorer = judge.scorer(mode="pairwise", labels="people.jsonl")
    found = evaluated(make_suite("pairs", ROWS, scorer=scorer, max_new_tokens=10))
    report = found.settings["judging"]["pairs"]
    assert report["calibration"]["sensitivity"]["share"] == pytest.approx(0.9)
    assert report["calibration"]["specificity"]["share"] == pytest.approx(0.9)
    # in both orders: 36 + 36 named alike, 4 + 4 the other way round, 5 + 5 ties
    assert report["calibration"]["kappa"]["estimate"] == pytest.approx(
        (82 / 90 - 0.4074074) / (1 - 0.4074074), abs=1e-4
    )
    (standing,) = report["standings"]
    raw = standing["share"]
    assert standing["corrected"]["estimate"] == pytest.approx(min(1, max(0, 0.5 + (raw - 0.5) / 0.8)))
    assert [claim.detail for claim in claims(found, tmp_path / "out") if not claim.ok] == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"item": "zz", "output": "a", "verdict": "right"}, "the suite has no item 'zz'"),
        ({"item": "q1", "output": "a", "verdict": "perhaps"}, "'perhaps' is no verdict; write right or wrong"),
        ({"item": "q1", "verdict": "right"}, "does not say what was judged"),
        ({"item": "q1", "model": "gpt", "verdict": "right"}, "does not say what was judged"),
        ({"item": "q1", "output": "a", "verdict": "right", "who": "me"}, "unknown key 'who'"),
    ],
)
def test_a_wrong_label_is_named_with_its_line(
    judge: Any, evaluated: Any, make_suite: MakeSuite, tmp_path: Path, line: dict[str, str], said: str
) -> None:
    good = {"item": "q0", "output": "a", "verdict": "right"}
    (tmp_path / "people.jsonl").write_text(json.dumps(good) + "\n" + json.dumps(line) + "\n")
    path = make_suite("judged", ROWS, scorer=judge.scorer(labels="people.jsonl"), max_new_tokens=6)
    with pytest.raises(AssayError, match=said) as wrong:
        evaluated(path)
    assert "people.jsonl:2" in str(wrong.value) and not judge.asked


def test_an_unscored_answer_is_null_on_disk_and_no_number(judge: Any, evaluated: Any, make_suite: MakeSuite) -> None:
    judge.taste = lambda shown: "no"
    found = evaluated(make_suite("judged", ROWS, scorer=judge.scorer(), max_new_tokens=6))
    assert all(score is None for score in by_model(found)["base"].values())
    score = found.suites[0].score("candidate")
    assert (score.n, score.score, score.ci_low, score.ci_high) == (0, 0.0, 0.0, 1.0)
    assert not math.isnan(score.score)

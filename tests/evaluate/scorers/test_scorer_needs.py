"""A scorer that needs more than output and reference gets it, from the suite's file to `assay verify`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.errors import MissingExtraError, SuiteError
from assay.evaluate import scorer as scorers
from assay.evaluate.asking.domain_suite import prepare
from assay.evaluate.evaluation import Evaluation, SuiteResult
from assay.evaluate.evaluation_files import read, write
from assay.evaluate.gate.pairs import pair
from assay.evaluate.identity import Models
from assay.evaluate.scorer import ReadyScorer, Scorer, make_scorer, rescore, rescore_with_code, scorer
from assay.evaluate.sensitivity.sensitivity import judge_sensitivity
from assay.evaluate.settings import EvaluateSettings
from assay.evaluate.stage import evaluate
from assay.evaluate.suites.check import check_suite
from assay.suites import read_suite

MakeSuite = Callable[..., Path]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


@scorer(needs=("source", "tools"), is_answer=False)
def grounded(output: str, reference: str, *, source: str, tools: list[Any], least: int = 1) -> float:
    """Half for a source that holds the reference, half for a declared tool."""
    return (float(reference in source) + float(len(tools) >= least)) / 2


@scorer(needs=("tests",), runs_code=True)
def runs(output: str, reference: str, *, tests: list[str]) -> float:
    """1 when the output is the first test."""
    return float(output == tests[0])


@pytest.fixture(autouse=True)
def announced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if another package had announced them."""
    known = scorers.SCORERS.all() | {"grounded": grounded, "runs": runs}
    monkeypatch.setattr(type(scorers.SCORERS), "all", lambda self: known)
    return None


def rows(**more: Any) -> list[dict[str, Any]]:
    return [{"id": f"i{n}", "prompt": f"the cat {n}", "reference": f"r{n}", **more} for n in range(3)]


def test_what_the_scorer_needs_is_required_of_every_item(make_suite: MakeSuite, target: Any) -> None:
    suite = read_suite(make_suite("s", rows(tools=[TOOL]), scorer="grounded"))
    with pytest.raises(SuiteError, match=r"s\.yaml: 3 items without 'source' \('i0'\), which grounded needs"):
        prepare(suite, target)
    found = {problem.problem: problem for problem in check_suite(suite)}
    assert found["missing_key"].items == ("i0", "i1", "i2") and "`source`" in found["missing_key"].message


def test_it_is_kept_with_the_answers_and_scored_again_from_the_file(
    make_suite: MakeSuite, tool_target: Any, tmp_path: Path
) -> None:
    given = rows(tools=[TOOL], source=["about r1", "and r2"])
    suite = read_suite(make_suite("s", given, scorer={"name": "grounded", "least": 1}, max_new_tokens=2))
    other = read_suite(make_suite("plain", rows(), max_new_tokens=2))
    write(evaluate(Models(tool_target), [suite, other], EvaluateSettings()), tmp_path / "out")
    stored = read(tmp_path / "out")
    mine = [row for row in stored.items.to_pylist() if row["suite"] == "s"]
    assert [row["score"] for row in mine] == [0.5, 1.0, 1.0]
    assert json.loads(mine[0]["context"]) == {"source": "about r1\n\nand r2", "tools": [TOOL]}
    assert {row["context"] for row in stored.items.to_pylist() if row["suite"] == "plain"} == {None}
    result = next(result for result in stored.suites if result.suite == "s")
    columns = ([row[key] for row in mine] for key in ("output", "reference", "context"))
    assert rescore(result, *columns) == [0.5, 1.0, 1.0]


def test_another_context_makes_another_examination(make_suite: MakeSuite, tool_target: Any) -> None:
    contents = {
        prepare(read_suite(make_suite("s", rows(tools=[TOOL], source=source), scorer="grounded")), tool_target).content
        for source in ("r0", "r1")
    }
    assert len(contents) == 2


def test_items_written_before_there_was_a_context_are_still_read(
    synthetic: Callable[..., Evaluation], suite: Any, tmp_path: Path
) -> None:
    write(synthetic(suite("a", n=5)), tmp_path)
    old = pq.read_table(tmp_path / "items.parquet").drop_columns(["context"])
    pq.write_table(old, tmp_path / "items.parquet")
    found = read(tmp_path).items
    assert found.column("context").null_count == found.num_rows > 0


def test_code_that_a_model_wrote_is_run_only_where_that_was_allowed(make_suite: MakeSuite, target: Any) -> None:
    suite = read_suite(make_suite("s", rows(tests=["r0"]), scorer="runs"))
    with pytest.raises(SuiteError, match=r"runs code that a model wrote, which was not allowed; give --allow-code"):
        prepare(suite, target)
    assert prepare(suite, target, allow_code=True).items[0].context == '{"tests": ["r0"]}'
    result = SuiteResult("s", "suite", (), None, True, "0", {"name": "runs"})
    again = (result, ["r0", "x"], ["r0", "r0"], ['{"tests": ["r0"]}'] * 2)
    assert rescore(*again) is None and rescore_with_code(*again) == [1.0, 0.0]
    assert "not_run" in {problem.problem for problem in check_suite(suite)}
    allowed = {problem.problem: problem for problem in check_suite(suite, allow_code=True)}
    assert "not_run" not in allowed and allowed["reference_fails"].items == ("i1", "i2")


def test_a_scorer_that_raises_names_the_item_and_scores_nothing(make_suite: MakeSuite, target: Any) -> None:
    given = rows(source="x", tools=[TOOL])
    suite = read_suite(make_suite("s", given, scorer={"name": "grounded", "least": 1}, max_new_tokens=1))
    broken = ReadyScorer(grounded, {"least": "many"})
    with pytest.raises(SuiteError, match=r"'grounded' failed on item 'i0': TypeError"):
        broken("x", "y", "item 'i0'", broken.context_of(suite.items[0]))


def test_an_evaluation_whose_scorer_raises_names_the_item_and_keeps_no_score(
    make_suite: MakeSuite, target: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @scorer
    def fragile(output: str, reference: str) -> float:
        """Fails on one item."""
        if reference == "r1":
            raise KeyError("no such key")
        return 1.0

    known = scorers.SCORERS.all() | {"fragile": fragile}
    monkeypatch.setattr(type(scorers.SCORERS), "all", lambda self: known)
    suite = read_suite(make_suite("s", rows(), scorer="fragile", max_new_tokens=1))
    with pytest.raises(SuiteError, match=r"'fragile' failed on item 'i1' of suite 's': KeyError: 'no such key'"):
        evaluate(Models(target), [suite], EvaluateSettings(), answers_folder=tmp_path / "answers")
    assert not list((tmp_path / "answers").glob("*"))


def test_swapped_answers_are_scored_with_the_context_of_the_item_that_they_go_to(
    synthetic: Callable[..., Evaluation], suite: Any
) -> None:
    """Each answer names what its own source does: a gate must see that it responds."""
    evaluation = synthetic(suite("facts", n=120, scorer={"name": "quoted_facts"}))
    table = evaluation.items.to_pylist()
    for row in table:
        number = int(row["item_id"].partition("-")[2])
        row["context"] = json.dumps({"source": f"File {number} is closed."})
        row["output"] = f"It is file {number if row['score'] else 7_000 + number}."
    changed = replace(evaluation, items=pa.Table.from_pylist(table, schema=evaluation.items.schema))
    (paired,) = pair(changed).values()
    found = judge_sensitivity(paired, "domain", rescore, alpha=0.05, missing_fails=True)
    (responds,) = [check for check in found.checks if check.name == "responds_to_output"]
    assert responds.ok is True and "0 % with answers swapped" in responds.detail


def test_a_key_that_items_do_not_have_cannot_be_needed() -> None:
    with pytest.raises(ValueError, match="items have no key 'rubric'"):
        scorer(needs=("rubric",))


def test_settings_are_validated_before_anything_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(settings: Any) -> None:
        raise MissingExtraError("this needs x") if settings["least"] > 1 else ValueError("least is too small")

    known = scorers.SCORERS.all() | {"picky": Scorer("picky", grounded.function, validate=refuse)}
    monkeypatch.setattr(type(scorers.SCORERS), "all", lambda self: known)
    with pytest.raises(MissingExtraError, match="this needs x"):
        make_scorer("picky", {"least": 2}, "here")
    with pytest.raises(SuiteError, match="here: the scorer 'picky' cannot be set so: least is too small"):
        make_scorer("picky", {"least": 1}, "here")


@pytest.mark.parametrize(("key", "value"), [("source", ""), ("source", 5), ("tests", []), ("tests", ["a", " "])])
def test_a_source_or_test_of_the_wrong_kind_is_one_line(make_suite: MakeSuite, key: str, value: Any) -> None:
    with pytest.raises(SuiteError, match=rf"s\.jsonl:1: '{key}' should be text, or a list of texts"):
        read_suite(make_suite("s", rows(**{key: value})))

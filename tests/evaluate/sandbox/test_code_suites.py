"""A suite of code from its file to the verified score: run only where that is allowed, each time anew."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.cli import main
from assay.errors import SuiteError
from assay.evaluate.evaluation_files import read, write
from assay.evaluate.gate.pairs import pair
from assay.evaluate.identity import Models
from assay.evaluate.release.verify import _scores
from assay.evaluate.sandbox.sandbox import why_no_walls
from assay.evaluate.scorer import rescore, rescore_with_code
from assay.evaluate.sensitivity.sensitivity import judge_sensitivity
from assay.evaluate.settings import EvaluateSettings
from assay.evaluate.stage import evaluate
from assay.suites import read_suite

MakeSuite = Callable[..., Path]
walled = pytest.mark.skipif(why_no_walls() is not None, reason=f"no walls here: {why_no_walls()}")


def rows(count: int = 3) -> list[dict[str, Any]]:
    return [
        {"id": f"q{n}", "prompt": f"x is {n}", "reference": f"x = {n}", "tests": [f"assert x == {n}", "assert x >= 0"]}
        for n in range(count)
    ]


@walled
def test_code_is_scored_stored_and_verified_only_with_leave(
    make_suite: MakeSuite, target: Any, make_adapter: Callable[..., Path], tmp_path: Path
) -> None:
    suite = read_suite(make_suite("code", rows(), scorer={"name": "code_run", "seconds": 2}, max_new_tokens=3))
    models = Models(target, make_adapter("adapter", card=False))
    with pytest.raises(SuiteError, match="--allow-code"):
        evaluate(models, [suite], EvaluateSettings())
    write(evaluate(models, [suite], EvaluateSettings(allow_code=True)), tmp_path / "out")
    stored = read(tmp_path / "out")
    assert json.loads(stored.items.column("context")[0].as_py()) == {"tests": ["assert x == 0", "assert x >= 0"]}
    (without,) = _scores(stored.suites[0], stored, rescore)
    assert without.ok is None and "would run code that a model wrote: --allow-code does" in without.detail
    (with_leave,) = _scores(stored.suites[0], stored, rescore_with_code)
    assert with_leave.ok is True and "stored outputs scored again, all the same" in with_leave.detail
    (paired,) = pair(stored).values()
    found = judge_sensitivity(paired, "domain", rescore, alpha=0.05, missing_fails=False)
    assert "responds_to_output" in found.missing, "the gate runs no code"


def shell(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


@walled
def test_check_runs_references_only_with_leave(make_suite: MakeSuite, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = [*rows(2), {"id": "bad", "prompt": "x is 7", "reference": "x = 8", "tests": "assert x == 7"}]
    path = str(make_suite("code", wrong, scorer="code_run"))
    assert shell("suite", "check", path) == 0
    said = capsys.readouterr().out
    assert "not_run" in said and "--allow-code runs them" in said
    assert shell("suite", "check", path, "--allow-code") == 3
    assert "1 reference would not be counted right by code_run: bad" in capsys.readouterr().out


def test_the_command_refuses_in_one_line_before_a_model_is_loaded(
    make_suite: MakeSuite, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(make_suite("code", rows(), scorer="code_run"))
    assert shell("evaluate", "--model", str(tiny_model), "--suite", path) == 2
    said = capsys.readouterr().err.splitlines()
    assert "give --allow-code, or set evaluate.allow_code: true" in said[-1]

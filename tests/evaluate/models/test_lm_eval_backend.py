"""`--backend hf`: lm-eval's own model class behind the same suites, tasks and adapters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.errors import SuiteError
from assay.evaluate.evaluation import Evaluation
from assay.evaluate.identity import Models
from assay.evaluate.settings import EvaluateSettings
from assay.evaluate.stage import evaluate
from assay.suites import read_suites

WORDS = ("cat", "mat", "yes", "no", "sat", "user")


@pytest.fixture
def suites(make_suite: Callable[..., Path]) -> list[Path]:
    asked = [{"id": f"a{n}", "prompt": f"the {word} {n}", "reference": "cat"} for n, word in enumerate(WORDS)]
    choices = [{**item, "choices": ["cat", "the mat sat", "no"]} for item in asked]
    return [
        make_suite("free", asked, scorer="contains", max_new_tokens=8),
        make_suite("choice", choices, scorer="multiple_choice"),
    ]


@pytest.fixture
def tasks(make_task: Callable[..., Path]) -> Path:
    rows = [{"id": f"t{n}", "question": f"the {word}", "choices": ["cat", "mat on"], "answer": n % 2} for n, word in
            enumerate(WORDS)]  # fmt: skip
    make_task("options", rows)
    return make_task(
        "written",
        rows,
        output_type="generate_until",
        doc_to_choice=None,
        doc_to_target="cat",
        generation_kwargs={"until": ["at"], "max_gen_toks": 8},
        metric_list=[{"metric": "exact_match"}],
    )


def test_scores_and_answers_are_those_of_assays_own(
    target: Any, tiny_adapter: Path, suites: list[Path], tasks: Path, tmp_path: Path
) -> None:
    def run(backend: Any) -> Evaluation:
        settings = EvaluateSettings(include_path=str(tasks), backend=backend, batch_size=4, damaged_items=4)
        models = Models(target, tiny_adapter)
        return evaluate(models, read_suites(map(str, suites)), settings, answers_folder=tmp_path / "answers")

    own, theirs = (run(backend).items.to_pylist() for backend in ("assay", "hf"))
    assert len(own) == len(theirs) and {row["suite"] for row in own} == {"free", "choice", "options", "written"}
    assert {"base", "candidate", "damaged", "zero"} <= {row["model"] for row in theirs}
    for a, b in zip(own, theirs, strict=True):
        for column in ("suite", "item_id", "model", "score", "output", "prompt_hash"):
            assert a[column] == b[column]
        assert (a["logprob"] is None) == (b["logprob"] is None)
        assert a["logprob"] is None or abs(a["logprob"] - b["logprob"]) < 1e-4
    assert any(row["logprob"] is not None for row in theirs)
    parts = len(list((tmp_path / "answers").glob("*.parquet")))
    assert parts > 0 and parts % 2 == 0, "answers of one backend are not taken for those of the other"


def test_what_lm_eval_stops_at_is_one_line(target: Any, make_task: Callable[..., Path]) -> None:
    folder = make_task("long", [{"id": "t", "question": "the", "choices": ["cat", "the mat " * 200], "answer": 0}])
    for backend in ("assay", "hf"):
        with pytest.raises(SuiteError, match="context") as raised:
            evaluate(Models(target), (), EvaluateSettings(include_path=str(folder), backend=backend))  # type: ignore[arg-type]
        assert "\n" not in str(raised.value)

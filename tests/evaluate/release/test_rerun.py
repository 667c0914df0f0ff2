"""Items answered again by the model: the same, or which one differs; and what of that rounding may do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.evaluate.asking.domain_suite import DomainSuite, prepare
from assay.evaluate.asking.examination import Answer
from assay.evaluate.release.rerun import EXACT, ROUNDED, _compare, tolerance_of
from assay.suites import read_suite

Shell = Callable[..., tuple[int, str, str]]
CHOICES = [{"id": f"i{n}", "prompt": f"cat {n}?", "reference": n % 2, "choices": ["yes", "no"]} for n in range(24)]
FREE = [{"id": f"f{n}", "prompt": f"say {n}", "reference": "e"} for n in range(9)]
FACTS = [{"id": f"t{n}", "question": f"the cat {n}", "choices": ["yes", "no"], "answer": n % 2} for n in range(12)]


@pytest.fixture
def released(
    shell: Shell,
    make_suite: Callable[..., Path],
    make_task: Callable[..., Path],
    tiny_model: Path,
    tiny_adapter: Path,
) -> Path:
    make_suite("support", CHOICES, scorer="multiple_choice")
    make_suite("free", FREE, scorer="contains", max_new_tokens=4)
    make_task("more", FACTS[:4]).rename("mine")
    make_task("facts", FACTS)
    Path("policy.yaml").write_text("version: 1\nsuites: {support: {role: domain}, facts: {role: general}}\n")
    shell(
        "evaluate", "--model", tiny_model, "--adapter", tiny_adapter, "--suite", "support.yaml", "--suite", "free.yaml",
        "--include-path", "tasks", "--include-path", "mine", "-o", "out",
        "evaluate.damaged_items=0", "evaluate.zero_items=0",
    )  # fmt: skip
    shell("gate", "out", "-o", "release")
    return Path("release")


def again(shell: Shell, model: Path, *more: str) -> tuple[int, dict[str, tuple[bool | None, str]]]:
    code, out, err = shell("verify", "release", "--model", model, "--json", *more)
    assert out, err
    return code, {claim["claim"]: (claim["ok"], claim["detail"]) for claim in json.loads(out)["claims"]}


ARMS = [f"answers of {suite} ({arm})" for suite in ("support", "free", "facts") for arm in ("base", "candidate")]


def test_the_model_gives_the_same_answers_again(shell: Shell, released: Path, tiny_model: Path) -> None:
    code, claims = again(shell, tiny_model, "--rerun", "7")
    assert code == 0 and claims["base model"][0] is True and claims["tokenizer and template"][0] is True
    assert [claims[arm] for arm in ARMS] == [(True, "7 items answered again, all the same")] * 6


def test_a_forger_who_binds_everything_anew_is_found_by_the_model_alone(
    shell: Shell, released: Path, tiny_model: Path
) -> None:
    """Wrong answers are made right, the header follows, and the gate binds all of it again."""
    table = pq.read_table("out/items.parquet")
    rows = table.to_pylist()
    forged = [
        row
        for row in rows
        if row["model"] == "candidate" and row["suite"] in ("support", "free") and row["score"] == 0.0
    ]
    for row in forged:
        row["output"], row["score"] = row["reference"], 1.0
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), "out/items.parquet")
    header = json.loads(Path("out/evaluation.json").read_text())
    for suite in header["suites"]:
        for score in suite["scores"]:
            own = [r["score"] for r in rows if (r["suite"], r["model"]) == (suite["suite"], score["model"])]
            score["score"] = sum(own) / len(own)
    Path("out/evaluation.json").write_text(json.dumps(header))
    shell("gate", "out", "-o", "release")
    assert shell("verify", "release")[0] == 0
    code, claims = again(shell, tiny_model, "--rerun", "24")
    assert code == 3
    for suite in ("support", "free"):
        own = [row["item_id"] for row in forged if row["suite"] == suite]
        ok, detail = claims[f"answers of {suite} (candidate)"]
        assert own and ok is False and detail.startswith(f"{len(own)} of ")
        assert claims[f"answers of {suite} (base)"][0] is True


def test_another_base_is_told_before_anything_is_answered(shell: Shell, released: Path, tmp_path: Path) -> None:
    from tests.conftest import build_tiny_model

    build_tiny_model(tmp_path / "other", seed=9)
    code, claims = again(shell, tmp_path / "other", "--rerun", "3")
    assert code == 3 and claims["base model"][0] is False and "not those that were judged" in claims["base model"][1]
    assert claims["answers"][0] is None and not set(ARMS) & claims.keys()


def test_the_items_are_drawn_by_certificate_and_seed(
    shell: Shell, released: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, ...]] = []
    real = DomainSuite.answer
    monkeypatch.setattr(
        DomainSuite,
        "answer",
        lambda self, lm, numbers, done: asked.append(tuple(numbers)) or real(self, lm, numbers, done),
    )
    for seed in ("0", "0", "1"):
        again(shell, tiny_model, "--rerun", "4", "--seed", seed)
    first, same, other = asked[0:4], asked[4:8], asked[8:12]
    assert first == same != other and first[0] == first[1], "base and candidate are asked the same items"


class TestWhatRoundingMayDo:
    """Numbers as docs/releases.md states them."""

    @pytest.fixture
    def compared(self, make_suite: Callable[..., Path], target: Any) -> Callable[..., Any]:
        """How a stored answer with these log-likelihoods of yes and no stands to one with others."""
        examination = prepare(read_suite(make_suite("support", CHOICES, scorer="multiple_choice")), target)
        lm: Any = None  # likelihoods decide, so no model is asked

        def compare(stored: list[float], found: tuple[float, ...], base: dict[str, Any], **row: Any) -> Any:
            chosen, best = (("yes", "no")[values[1] > values[0]] for values in (stored, found))
            given = {"item_id": "i0", "output": chosen, "score": float(chosen == "yes")}
            answer = Answer(float(best == "yes"), best, max(found), found)
            whole = {**given, "option_logprobs": json.dumps(stored), **row}
            return _compare(whole, answer, examination, 0, lm, tolerance_of(base), False)

        return compare

    def test_last_digits_move_and_near_options_change_places(self, compared: Callable[..., Any]) -> None:
        exact = {"dtype": "float32", "quantisation": None}
        assert compared([-1.0, -2.0], (-1.0015, -2.0), exact).differs is None
        assert "moved by 0.01" in compared([-1.0, -2.0], (-1.01, -2.0), exact).differs
        swapped = compared([-1.0, -1.001], (-1.001, -1.0), exact)
        assert swapped.tie and "stored 'yes', answered again 'no'" in swapped.differs
        for rounded in ({"dtype": "bfloat16"}, {"dtype": "float32", "quantisation": "nf4"}):
            assert compared([-1.0, -2.0], (-1.2, -2.0), rounded).differs is None
            assert compared([-1.0, -2.0], (-1.3, -2.0), rounded).differs

    def test_an_answer_that_its_own_likelihoods_contradict_is_no_tie(self, compared: Callable[..., Any]) -> None:
        forged = compared([-1.0, -5.0], (-1.0, -5.0), {"dtype": "float32"}, output="no", score=0.0)
        assert forged.differs and not forged.tie

    def test_the_tolerances_are_those_that_are_documented(self) -> None:
        assert (EXACT, ROUNDED) == (0.002, 0.25)

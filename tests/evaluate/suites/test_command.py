"""`assay suite init` and `assay suite check` from a shell: exit codes, files, one JSON document."""

from __future__ import annotations

import json
import random
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WORDS = ["amber", "anchor", "apple", "arrow", "autumn", "badge", "barrel", "basket", "beacon", "blanket", "bottle"]
LABELS = ("card_arrival", "lost_card", "top_up_failed", "exchange_rate")


@pytest.fixture
def shell(shell: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """In a folder with mine.csv of 200 rows."""
    rng = random.Random(1)
    rows = [f"{' '.join(rng.choices(WORDS, k=9))},{LABELS[i % 4]}" for i in range(200)]
    (tmp_path / "mine.csv").write_text("\n".join(["text,category", *rows]) + "\n", encoding="utf-8")
    return shell


INIT = ("suite", "init", "mine.csv", "--columns", "prompt=text,answer=category")


def test_init_writes_three_files_into_suites_and_leaves_the_data_as_it_is(
    shell: Callable[..., Any], tmp_path: Path
) -> None:
    before = (tmp_path / "mine.csv").read_bytes()
    code, out, _ = shell(*INIT)
    assert code == 0 and "50 items set aside from 200 records" in out and "in proportion over 4 slices" in out
    assert {path.name for path in (tmp_path / "suites").iterdir()} == {
        "mine.yaml", "mine.jsonl", "mine_training.parquet",
    }  # fmt: skip
    assert (tmp_path / "mine.csv").read_bytes() == before


@pytest.mark.parametrize("folder", ["suites", "my own suites"])
def test_the_next_command_that_init_prints_works_as_printed_and_finds_no_leak(
    shell: Callable[..., Any], folder: str
) -> None:
    _, out, _ = shell(*INIT, "-o", folder)
    (line,) = [line for line in out.splitlines() if line.startswith("next: assay ")]
    code, out, _ = shell(*shlex.split(line.removeprefix("next: assay ")), "--json")
    audited = json.loads(out)
    assert code == 0 and audited["records"] == 150
    assert "evaluation_leak" not in audited["summary"] and "evaluation_leak" not in audited["not_judged"]
    assert {finding["source"]["file"] for finding in audited["findings"]} <= {"mine.csv"}


def test_what_init_wrote_passes_check_against_its_training_data_and_fails_against_the_whole(
    shell: Callable[..., Any],
) -> None:
    shell(*INIT, "--items", "100")
    code, out, _ = shell("suite", "check", "suites/mine.yaml", "--data", "suites/mine_training.parquet", "-q")
    assert code == 0 and "error" not in out.replace("errors: 0", "")
    code, out, _ = shell(
        "suite", "check", "suites/mine.yaml", "-d", "mine.csv", "--columns", "prompt=text,answer=category"
    )
    assert code == 3 and "leak: 100 items are in the training data" in out


def test_json_is_one_document_and_nothing_else(shell: Callable[..., Any]) -> None:
    code, out, _ = shell(*INIT, "--json")
    made = json.loads(out)
    assert code == 0 and made["items"] + made["training"] + made["set_aside"] == 200
    assert Path(made["training_path"]).is_file() and made["notes"]
    code, out, _ = shell("suite", "check", "suites/mine.yaml", "--margin", "0.02", "--json")
    (checked,) = json.loads(out)["suites"]
    assert code == 3 and checked["items"] == 50 and checked["fault"] is None
    (found,) = checked["problems"]
    assert (found["problem"], found["severity"], found["items"]) == ("too_few_items", "error", [])


def test_a_dry_run_says_the_same_and_writes_nothing(shell: Callable[..., Any], tmp_path: Path) -> None:
    code, out, _ = shell(*INIT, "--dry-run")
    assert code == 0 and "50 items set aside" in out and "wrote" not in out
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]
    assert json.loads(shell(*INIT, "--dry-run", "--json")[1])["items"] == 50


def test_options_reach_the_suite(shell: Callable[..., Any], tmp_path: Path) -> None:
    shell(*INIT, "--name", "bank", "--items", "7", "--seed", "3", "--limit", "100", "-o", "out")
    lines = (tmp_path / "out" / "bank.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 7 and 'name: "bank"' in (tmp_path / "out" / "bank.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("suite", "init", "mine.csv"), "no valid row"),
        (("suite", "init", "nothere.csv"), "nothere.csv"),
        ((*INIT, "--by", "when"), "no record has a column 'when'"),
        ((*INIT, "--items", "150"), "100 items at most"),
        ((*INIT, "--name", "a/b"), "is no name for a suite"),
        (("suite", "init", "mine.csv", "--columns", "prompt"), "'prompt' is no mapping"),
        (("suite", "check", "nothere.yaml"), "nothere.yaml: there is no such suite"),
        (("suite", "chek", "x.yaml"), "chek"),
        (("suite", "check"), "SUITES"),
        (("suite", "check", "suites/mine.yaml", "--margin", "2"), "2"),
    ],
)
def test_what_cannot_be_meant_or_read_is_one_line_and_2(
    shell: Callable[..., Any], tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    code, out, err = shell(*arguments, "-q") if arguments[1] != "chek" else shell(*arguments)
    assert code == 2 and out == "" and words in err and err.startswith("assay: ") and err.count("\n") == 1
    assert not (tmp_path / "suites").exists()


def test_a_suite_that_cannot_be_read_does_not_hide_what_is_wrong_with_the_others(
    shell: Callable[..., Any], tmp_path: Path
) -> None:
    shell(*INIT)
    (tmp_path / "broken.yaml").write_text("name: broken\ndata: broken.jsonl\nscorer: exact_mach\n", encoding="utf-8")
    (tmp_path / "broken.jsonl").write_text('{"id": 1, "prompt": "a?", "reference": "b"}\n', encoding="utf-8")
    code, out, err = shell("suite", "check", "broken.yaml", "suites/mine.yaml", "-q")
    assert code == 2 and "did you mean 'exact_match'" in err and "suites/mine.yaml: 50 items" in out


def test_redact_keeps_the_text_of_items_out(shell: Callable[..., Any], tmp_path: Path) -> None:
    rows = [{"id": i, "prompt": f"Where is parcel {i}?", "reference": "confidential"} for i in range(150)]
    (tmp_path / "one.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / "one.yaml").write_text("name: one\ndata: one.jsonl\nscorer: exact_match\n", encoding="utf-8")
    assert "confidential" in shell("suite", "check", "one.yaml")[1]
    for extra in ((), ("--json",)):
        code, out, err = shell("suite", "check", "one.yaml", "--redact", *extra)
        assert code == 3 and "one_answer" in out and "confidential" not in out + err


def test_check_with_a_model_counts_tokens(shell: Callable[..., Any], tmp_path: Path, tiny_model: Path) -> None:
    shell(*INIT)
    path = tmp_path / "suites" / "mine.yaml"
    path.write_text(re.sub(r"max_new_tokens: \d+", "max_new_tokens: 8", path.read_text(encoding="utf-8")))
    code, out, _ = shell("suite", "check", "suites/mine.yaml", "--model", str(tiny_model), "-q")
    assert code == 3 and "error  reference_too_long: max_new_tokens is 8" in out


def test_init_of_a_project_makes_a_suite_that_its_settings_and_policy_name(
    shell: Callable[..., Any], tmp_path: Path
) -> None:
    from assay.config import read_document
    from assay.evaluate.gate.policy import read_policy
    from assay.project import load_project

    code, out, _ = shell("init", "mine.csv", "--columns", "prompt=text,answer=category", "-o", "project")
    assert code == 0 and "next: assay audit project/suites/mine_training.parquet" in out
    project = load_project(read_document(tmp_path / "project" / "assay.yaml"), tmp_path / "project")
    assert project.suite_paths[0].name == "mine.yaml"
    assert len(project.read_data()) == 150
    mine = read_policy(tmp_path / "project" / "policy.yaml").suites["mine"]
    assert mine.role == "domain" and mine.required
    again = ("init", "mine.csv", "--columns", "prompt=text,answer=category", "-o", "project")
    assert shell(*again)[0] == 2 and shell(*again, "--force")[0] == 0

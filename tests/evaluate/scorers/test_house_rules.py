from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.errors import SuiteError
from assay.evaluate.scorer import make_scorer
from assay.evaluate.suites.check import check_suite
from assay.suites import read_suite

RULES = """
version: 1
rules:
  - {id: sign-in, reason: people search for it, say: sign in, instead_of: login}
  - {id: calm, reason: no shouting, exclamation_marks: 0}
  - {id: law, reason: the law, require: no advice, when: {prompt: law}}
  - {id: web, reason: for the page, emoji: 0, where: {slice: web}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "house_rules.yaml"
    path.write_text(RULES)
    return path


@pytest.mark.parametrize(
    ("output", "settings", "score"),
    [
        ("Please sign in.", {}, 1.0),
        ("Please login.", {}, 0.5),
        ("Please login!", {}, 0.0),
        ("Please login.", {"strict": True}, 0.0),
        ("Please sign in.", {"strict": True}, 1.0),
        ("Please login.", {"rules": ["calm"]}, 1.0),
        ("Please login 😀", {"rules": ["calm", "web"]}, 0.5),
    ],
)
def test_the_score_is_the_share_of_rules_kept(
    file: Path, output: str, settings: dict[str, object], score: float
) -> None:
    scoring = make_scorer("house_rules", {"file": str(file), **settings}, "suite.yaml")
    assert scoring(output, "whatever") == score


def test_rules_that_an_output_alone_cannot_show_are_an_error_when_there_are_no_others(file: Path) -> None:
    scoring = make_scorer("house_rules", {"file": str(file), "rules": ["law"]}, "suite.yaml")
    with pytest.raises(SuiteError, match="by an output alone"):
        scoring("Anything.", "")


def suite(folder: Path, scorer: str) -> Path:
    (folder / "items.jsonl").write_text(json.dumps({"id": "a", "prompt": "How do I pay?", "reference": "-"}) + "\n")
    path = folder / "suite.yaml"
    path.write_text(f"version: 1\nname: style\ndata: items.jsonl\nscorer: {scorer}\n")
    return path


def test_the_file_is_found_beside_the_suite_and_pinned_by_its_digest(file: Path) -> None:
    read = read_suite(suite(file.parent, "{name: house_rules, file: house_rules.yaml}"))
    assert read.scorer_settings["file"] == str(file)
    scoring = make_scorer(read.scorer, read.scorer_settings, "suite.yaml")
    assert scoring("Please login.", "-") == 0.5
    assert [problem for problem in check_suite(read) if "would not be counted" in problem.message] == []
    file.write_text(RULES.replace("login", "log in"))
    with pytest.raises(SuiteError, match="has changed since the suite was read"):
        scoring("Please login.", "-")


@pytest.mark.parametrize(
    ("scorer", "said"),
    [
        ("house_rules", "no file of house rules was named"),
        ("{name: house_rules, file: none.yaml}", "suite.yaml:4: there is no file 'none.yaml'"),
        ("{name: house_rules, file: house_rules.yaml, stict: true}", "did you mean 'strict'"),
    ],
)
def test_a_suite_that_names_the_wrong_thing_is_one_line(file: Path, scorer: str, said: str) -> None:
    with pytest.raises(SuiteError, match=said):
        read = read_suite(suite(file.parent, scorer))
        make_scorer(read.scorer, read.scorer_settings, "suite.yaml")("Please login.", "-")

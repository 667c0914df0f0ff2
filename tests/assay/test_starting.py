"""The files of `assay init`: what stands there as a comment works once the comment sign is taken away."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from assay.evaluate.gate.policy import Policy, read_policy
from assay.starting import Start, start_project
from assay.suites.general import general_names


@pytest.fixture
def started(tmp_path: Path) -> Path:
    """A project with a suite of its own, whose slices are two large ones and a small one; its policy's path."""
    labels = ["lost card"] * 6 + ['d\'accord: "oui"'] * 4 + ["rare"]
    rows = [{"id": n, "prompt": f"say {n}", "reference": "a", "slice": label} for n, label in enumerate(labels)]
    return start(tmp_path, rows)


def start(folder: Path, rows: list[dict[str, object]]) -> Path:
    (folder / "data.jsonl").write_text(json.dumps({"instruction": "Say a.", "output": "a"}) + "\n")
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "desk.yaml").write_text("version: 1\nname: desk\ndata: items.jsonl\nscorer: exact_match\n")
    begun = Start((str(folder / "data.jsonl"),), "auto", {}, "smollm2-135m-instruct", folder / "desk.yaml", 0)
    start_project(begun, folder, force=False, say=lambda _: None)
    return folder / "policy.yaml"


def uncomment(path: Path) -> Policy:
    """Every line that is a setting behind a comment sign, as a person would take the sign away."""
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"^( *)# (?=( *)(\w+|\".*\"):)", r"\1", text, flags=re.MULTILINE), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != text
    return read_policy(path)


def test_the_policy_holds_the_suite_and_the_bundled_ones(started: Path) -> None:
    policy = read_policy(started)
    assert policy.suites["desk"].role == "domain" and not policy.suites["desk"].slices and policy.max_kl is None
    assert [name for name, suite in policy.suites.items() if suite.role == "general"] == list(general_names("small"))


def test_slices_and_max_kl_work_once_they_are_no_comment(started: Path) -> None:
    plain = read_policy(started)
    policy = uncomment(started)
    assert policy.max_kl == 0.2 and plain.margin == policy.margin
    slices = policy.suites["desk"].slices
    assert list(slices) == ["lost card", 'd\'accord: "oui"'], "the largest ones, as they are called in the suite"
    assert {part.guardrail for part in slices.values()} == {0.15}
    assert policy.suites.keys() == plain.suites.keys()


def test_a_suite_without_slices_shows_how_they_are_written(tmp_path: Path) -> None:
    path = start(tmp_path, [{"id": 1, "prompt": "say", "reference": "a"}])
    assert "once items have a `slice`" in path.read_text()
    assert list(uncomment(path).suites["desk"].slices) == ["NAME"]

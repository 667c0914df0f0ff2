"""The generated suites are what their program writes, and every answer is found a second time from the text alone."""

from __future__ import annotations

import importlib
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from assay.evaluate.scorer import make_scorer
from assay.evaluate.statistics.items_needed import more_items
from assay.evaluate.suites.check import check_suite
from assay.evaluate.suites.size import independent_items
from assay.findings import Severity
from assay.suites import Suite, SuiteItem, read_suite
from assay.suites.general import TIERS, general_suites
from assay.text import normalize

ROOT = Path(__file__).resolve().parents[2]
SUITES = {path: read_suite(path) for tier in TIERS for path in general_suites(tier).suites}


@pytest.fixture(scope="module")
def program() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        yield importlib.import_module("make_general_suites")


@pytest.fixture(scope="module")
def baselines() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        yield importlib.import_module("general_baselines")


@pytest.fixture(params=SUITES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def suite(request: pytest.FixtureRequest) -> Suite:
    return SUITES[request.param]


def test_the_files_are_what_the_program_writes(program: ModuleType) -> None:
    written = dict(program.files())
    assert {path.name for path in written if path.suffix == ".yaml"} == {path.name for path in SUITES}
    for path, text in written.items():
        found = ROOT / "sample_data" / path.relative_to(program.FOLDER.parent)
        assert found.read_text(encoding="utf-8") == text, path


def test_a_second_program_finds_every_answer(program: ModuleType, suite: Suite) -> None:
    solve = program.SOLVERS.get(suite.path.stem)
    if solve is None:
        assert suite.scorer == "all_of"
        return
    for item in suite.items:
        found = solve(prompt(item))
        structured = suite.scorer == "json_fields"
        same = json.loads(found) == json.loads(item.reference) if structured else found == item.reference
        assert same, f"{item.id}: {found}, not {item.reference}"


def test_every_set_of_instructions_can_be_kept(program: ModuleType) -> None:
    for suite in SUITES.values():
        if (write := program.EXAMPLES.get(suite.path.stem)) is not None:
            scorer = make_scorer(suite.scorer, suite.scorer_settings, "here")
            unkept = [item.id for item in suite.items if scorer(write(prompt(item)), item.reference) < 1]
            assert unkept == []


def test_knowing_nothing_scores_next_to_nothing(baselines: ModuleType, suite: Suite) -> None:
    if suite.path.parent.name == "small":
        return
    for name, baseline in baselines.BASELINES.items():
        share = baselines.score(suite, baseline(suite))
        assert share <= (0.14 if suite.path.stem == "tables" else 0.06), f"{name} scores {share:.3f}"


def test_no_item_is_in_two_suites() -> None:
    seen = Counter(normalize(prompt(item)) for suite in SUITES.values() for item in suite.items)
    assert [text for text, times in seen.items() if times > 1] == []


def test_nothing_is_wrong_with_a_suite_of_the_upper_tiers(suite: Suite) -> None:
    if suite.path.parent.name != "small":
        assert check_suite(suite) == []
    assert [problem for problem in check_suite(suite) if problem.severity is Severity.ERROR] == []


def test_a_tier_can_prove_two_points_on_its_average() -> None:
    """Eight of a hundred items flip; power 0.8 at alpha 0.05, the items of a cluster half-way to the same."""
    for tier in ("medium", "large"):
        clusters = [
            (path, item.cluster) for path, suite in SUITES.items() if path.parent.name == tier for item in suite.items
        ]
        n = independent_items(clusters)
        assert more_items(int(n), 0.08 / n, 0.02, 0.05) == 1


def prompt(item: SuiteItem) -> str:
    return item.messages[0].content or ""


ENDLESS = ["a " * 900, "A b. " * 400, "- x y\n" * 300, "1. x y\n" * 300, "\n" * 2000, "a\n***\n" * 300, "?" * 2000]


def test_no_answer_however_long_takes_long_to_judge() -> None:
    """A regular expression with repeats inside repeats would take for ever on an answer that runs on."""
    patterns = {
        demand["reference"]
        for suite in SUITES.values()
        if suite.scorer == "all_of"
        for item in suite.items
        for demand in json.loads(item.reference)
        if demand["scorer"] == "regex"
    }
    started = time.process_time()
    for pattern in patterns:
        for text in ENDLESS:
            re.search(pattern, text)
    assert len(patterns) > 100 and time.process_time() - started < 10

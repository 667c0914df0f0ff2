"""The generated suites are what their program writes, and every answer is found a second time from the text alone."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from assay.general import TIERS, general_suites
from assay.suites import Suite, read_suite

ROOT = Path(__file__).resolve().parents[2]
SUITES = {path: read_suite(path) for tier in TIERS for path in general_suites(tier).suites}


@pytest.fixture(scope="module")
def program() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        yield importlib.import_module("make_general_suites")


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
        found = solve(item.messages[0].content)
        same = (
            json.loads(found) == json.loads(item.reference)
            if suite.scorer == "json_fields"
            else found == item.reference
        )
        assert same, f"{item.id}: {found}, not {item.reference}"

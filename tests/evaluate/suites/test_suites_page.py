"""docs/suites.md is true: its example is read, its tables name what there is, its figures are computed."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
import yaml

from assay.evaluate.judging import check
from assay.evaluate.judging.labels import read_labels
from assay.evaluate.judging.settings import MODES
from assay.evaluate.scorer import SCORERS, make_scorer
from assay.evaluate.sensitivity.sensitivity import MOST_UNSCORED
from assay.evaluate.suites import check as suite_check
from assay.evaluate.suites.check import check_suite
from assay.evaluate.suites.size import CHANGED_SHARE, items_to_prove, provable_difference
from assay.registry import settings_of
from assay.suites import read_suite
from assay.suites.items import ITEM_KEYS
from assay.suites.reading import _SuiteFile

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "suites.md").read_text(encoding="utf-8")


def table(heading: str, number: int = 0) -> list[list[str]]:
    """The rows of a table under a heading, cell by cell."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    tables = re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in tables[number].splitlines()[2:]]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_example_is_read_and_nothing_but_its_size_is_wrong_with_it(tmp_path: Path) -> None:
    header, *_ = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (items,) = re.findall(r"^```jsonl\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "support.yaml").write_text(header, encoding="utf-8")
    (tmp_path / "support.jsonl").write_text(items, encoding="utf-8")
    suite = read_suite(tmp_path / "support.yaml")
    assert len(suite.items) == 2 and suite.scorer_settings == {"fields": ["intent", "action"]}
    assert {problem.problem for problem in check_suite(suite)} == {"too_few_items", "one_answer"}


def test_every_scorer_is_on_the_page_with_its_settings_and_no_other() -> None:
    rows = {code(row[0])[0]: code(row[3]) for row in table("Scorers")}
    own = {name: found for name, found in SCORERS.all().items() if found.function.__module__.startswith("assay.")}
    assert set(rows) == set(own)
    for name, settings in rows.items():
        assert sorted(settings) == sorted(setting.name for setting in settings_of(SCORERS.get(name)))


@pytest.mark.parametrize("row", [row for row in table("Scorers") if code(row[2])], ids=lambda row: row[0])
def test_an_output_that_the_page_says_counts_does_count(row: list[str]) -> None:
    (name,), (output,), (reference,) = code(row[0]), code(row[1]), code(row[2])
    scorer = make_scorer(name, {}, "docs/suites.md")
    assert scorer(output, reference) == 1.0 and scorer("something else", reference) < 1.0


def test_its_judge_and_its_human_labels_are_read(tmp_path: Path) -> None:
    section = PAGE.partition("### A language model as the judge\n")[2].partition("\n### ")[0]
    (settings,) = re.findall(r"^```yaml\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    given = yaml.safe_load(settings)["scorer"]
    assert given.pop("name") == "llm_judge" and given.pop("labels") == "people.jsonl"
    read = make_scorer("llm_judge", given, "docs/suites.md")
    assert read.settings["max_usd"] == 2
    (labels,) = re.findall(r"^```json\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    for line, mode in zip(labels.splitlines(), MODES, strict=True):
        (tmp_path / "people.jsonl").write_text(line)
        assert len(read_labels(tmp_path / "people.jsonl", mode, ["late-1"])) == 1
    assert f"from {100 * MOST_UNSCORED:.0f} %" in section


def test_every_key_of_suite_and_item_is_on_the_page() -> None:
    keys = [code(row[0])[0] for row in table("The files")]
    assert sorted(keys) == sorted(field.name for field in dataclasses.fields(_SuiteFile))
    defaults = {code(row[0])[0]: row[1] for row in table("The files")}
    for field in dataclasses.fields(_SuiteFile):
        shown = "" if field.default is dataclasses.MISSING else str(field.default).lower()
        assert defaults[field.name] == shown
    assert sorted(key for row in table("The files", 1) for key in code(row[0])) == sorted(ITEM_KEYS)


def test_every_problem_that_check_can_name_is_on_the_page() -> None:
    source = "".join(Path(str(module.__file__)).read_text(encoding="utf-8") for module in (suite_check, check))
    named = set(re.findall(r'(?:_problem|SuiteProblem)\(\s*"(\w+)"', source))
    assert len(named) > 10 and {code(row[0])[0] for row in table("Validate one")} == named


def test_what_so_many_items_prove_is_computed() -> None:
    (claim,) = re.findall(r"300 items about (\d+) points, 100 about (\d+), 30 about (\d+)", PAGE)
    proved = [provable_difference(items) for items in (300, 100, 30)]
    assert [int(points) / 100 for points in claim] == proved
    assert CHANGED_SHARE == 0.25 and items_to_prove(0.08) is not None


def test_the_scorers_that_init_proposes_exist() -> None:
    assert {name for row in table("Set one aside", 1) for name in code(row[1])[:1]} <= set(SCORERS.all())

"""docs/style.md shows files that can be read, and every key that there is."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from assay.config import parse, read_document
from assay.errors import SettingsError
from assay.writing.house_rules import STARTER, HouseRules, Said, read_house_rules
from assay.writing.rule_file import KINDS, MARKDOWN, Entry

PAGE = Path(__file__).resolve().parents[2] / "docs" / "style.md"
TEXT = PAGE.read_text(encoding="utf-8")


def block(name: str) -> str:
    """The fenced block whose first line is a comment with this name."""
    (found,) = re.findall(rf"^```yaml\n# {re.escape(name)}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    return str(found)


def keys(heading: str) -> list[list[str]]:
    """The first cells of each table under a heading."""
    section = TEXT.split(f"### {heading}\n")[1].split("\n### ")[0]
    return [re.findall(r"^\| `(\w+)`", part, re.MULTILINE) for part in section.split("\n\n") if "| key |" in part]


@pytest.fixture
def rules(tmp_path: Path) -> HouseRules:
    pytest.importorskip("re2")
    path = tmp_path / "house_rules.yaml"
    path.write_text(block("house_rules.yaml"), encoding="utf-8")
    return read_house_rules(path)


def test_the_rules_of_the_page_are_rules_of_every_kind(rules: HouseRules) -> None:
    assert {rule.name for rule in rules.rules} == set(KINDS)


def test_the_rules_of_the_page_do_what_the_page_says(rules: HouseRules) -> None:
    judged = rules.judge(Said("Login! Then I will make a reservation with Samplecorp!", "What now?", "", {}))
    assert {breach.rule.id for breach in judged.broken} >= {"sign-in", "order", "competitors", "voice", "no-shouting"}
    kept = rules.judge(
        Said("We will sign in over the Samplecorp Bridge. Note the booking number.", "What is the time?", "", {})
    )
    assert kept.broken == ()


def test_every_key_is_on_the_page() -> None:
    kinds, others = keys("What a rule asks")
    assert kinds == list(KINDS)
    fields = {item.name for item in dataclasses.fields(Entry)}
    assert set(others) | {"id", "reason", "instead_of", "patterns"} == fields - set(KINDS)
    assert all(f"`{kind}`" in TEXT for kind in MARKDOWN)


def test_the_error_of_the_page_is_the_error_that_one_gets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("house_rules.yaml").write_text(block("house_rules.yaml").replace("instead_of", "instead"), encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        read_house_rules(Path("house_rules.yaml"))
    shown = re.search(r"`(house_rules\.yaml:\d+: [^`]*)`", TEXT)
    assert shown is not None
    where, _, said = shown.group(1).partition(": ")
    assert str(caught.value).endswith(said) and where.startswith("house_rules.yaml:")


def test_the_starter_is_a_file_of_rules_that_needs_nothing_installed() -> None:
    starter = read_house_rules(STARTER)
    assert len(starter.rules) >= 5 and "patterns" not in STARTER.read_text(encoding="utf-8")


def test_the_settings_of_the_page_are_settings(tmp_path: Path) -> None:
    from assay.curate.settings import CurateSettings, active_checks

    (tmp_path / "assay.yaml").write_text(block("assay.yaml"), encoding="utf-8")
    (tmp_path / "house_rules.yaml").write_text(STARTER.read_text(encoding="utf-8"), encoding="utf-8")
    document = read_document(tmp_path / "assay.yaml").section("curate")
    settings, _ = parse(CurateSettings, document)
    (check,) = [item for item in active_checks(settings.beside(tmp_path)) if item.name == "house_rules"]
    assert check.settings["file"] == str(tmp_path / "house_rules.yaml")


def test_the_suite_of_the_page_can_be_read(tmp_path: Path) -> None:
    from assay.evaluate.scorer import make_scorer
    from assay.suites import read_suite

    (tmp_path / "style.yaml").write_text(block("suites/style.yaml"), encoding="utf-8")
    (tmp_path / "style.jsonl").write_text('{"id": "a", "prompt": "How do I pay?", "reference": "-"}\n')
    (tmp_path / "house_rules.yaml").write_text(STARTER.read_text(encoding="utf-8"), encoding="utf-8")
    suite = read_suite(tmp_path / "style.yaml")
    scoring = make_scorer(suite.scorer, suite.scorer_settings, "style.yaml")
    assert scoring("Please sign in.", "-") == 1.0 > scoring("Please login.", "-")

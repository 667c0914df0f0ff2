"""docs/checks.md lists every check with the severity, decision and settings that it has."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from assay.console import Options
from assay.curate.check import CHECKS
from assay.curate.explain import show_checks, table_of_checks
from assay.curate.settings import FILLED_IN, CurateSettings, active_checks, settings_to_give

PAGE = Path(__file__).resolve().parents[2] / "docs" / "checks.md"


def test_the_page_holds_the_table_as_the_checks_have_it() -> None:
    assert table_of_checks() in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CHECKS.all())
def test_each_check_has_one_line_with_what_it_needs_and_can_be_set(name: str) -> None:
    check = CHECKS.get(name)
    lines = [line for line in table_of_checks().splitlines() if line.startswith(f"| `{name}` |")]
    assert len(lines) == 1
    cells = [cell.strip() for cell in lines[0].replace("\\|", "").split("|")]
    assert cells[2] == str(check.severity)
    assert cells[3].split(",")[0] == str(check.decision)
    assert bool(cells[4]) is bool(check.needs)
    for setting in settings_to_give(check):
        assert f"`{setting.name}: {setting.in_yaml}`" in cells[5]
    assert cells[6].endswith(".") and not cells[6].endswith(" .")


@pytest.mark.parametrize("name", CHECKS.all())
def test_the_documentation_says_why_and_gives_an_example(name: str) -> None:
    documentation = CHECKS.get(name).documentation
    assert "Why:" in documentation
    assert "Example:" in documentation


@pytest.mark.parametrize("name", CHECKS.all())
def test_the_settings_that_explain_shows_are_settings_as_they_stand(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show_checks(Options(), name)
    shown = capsys.readouterr().out.split("settings, in assay.yaml:\n")[1].split("\n\n")[0]
    checks = yaml.safe_load(shown)["curate"]["checks"]
    (active,) = (item for item in active_checks(CurateSettings(checks=checks)) if item.name == name)
    assert active.decision is CHECKS.get(name).decision
    given = {setting.name: setting.default for setting in settings_to_give(CHECKS.get(name))}
    active_ones = {key: tuple(value) if isinstance(value, list) else value for key, value in active.settings.items()}
    assert {key: value for key, value in active_ones.items() if key != FILLED_IN} == given


@pytest.mark.parametrize("name", ["house_rules", "inference_mismatch"])
def test_what_assay_fills_in_is_nobodys_setting(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_checks(Options(), name)
    show_checks(Options(json=True), name)
    shown = capsys.readouterr().out
    assert name in shown and FILLED_IN not in shown
    assert FILLED_IN not in table_of_checks() and FILLED_IN not in PAGE.read_text(encoding="utf-8")

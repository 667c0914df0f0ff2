"""docs/checks.md lists every check with the severity, decision and settings that it has."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from assay.console import Options
from assay.curate.check import CHECKS
from assay.curate.explain import show_checks, table_of_checks
from assay.curate.settings import CurateSettings, active_checks
from assay.registry import settings_of

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
    for setting in settings_of(check):
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
    given = {setting.name: setting.default for setting in settings_of(CHECKS.get(name))}
    assert {key: tuple(value) if isinstance(value, list) else value for key, value in active.settings.items()} == given

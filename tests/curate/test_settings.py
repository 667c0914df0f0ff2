"""Which checks run, with which settings; and that a slip of the pen is one clear line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assay.config import Document, parse, read_document
from assay.curate.check import CHECKS, Decision
from assay.curate.settings import CurateSettings, active_checks
from assay.errors import SettingsError


def test_every_check_runs_by_default_with_its_own_decision() -> None:
    active = {item.name: item for item in active_checks(CurateSettings())}
    assert set(active) == set(CHECKS.all())
    assert active["near_duplicate"].decision is Decision.DROP


def test_a_check_is_turned_off_or_changed() -> None:
    settings = CurateSettings(
        checks={"repetition": False, "near_duplicate": {"threshold": 0.9, "decision": "hold"}, "no_answer": True}
    )
    active = {item.name: item for item in active_checks(settings)}
    assert "repetition" not in active
    assert active["near_duplicate"].decision is Decision.HOLD
    assert active["near_duplicate"].settings == {"threshold": 0.9}
    assert active["no_answer"].decision is Decision.DROP


@pytest.mark.parametrize(
    ("checks", "says"),
    [
        ({"near_duplicat": False}, "did you mean 'near_duplicate'?"),
        ({"near_duplicate": {"treshold": 0.9}}, "did you mean 'threshold'?"),
        ({"near_duplicate": {"threshold": "high"}}, "should be a float"),
        ({"near_duplicate": {"decision": "dropp"}}, "did you mean 'drop'?"),
        ({"near_duplicate": {"decision": "repair"}}, "knows no repair"),
        ({"near_duplicate": 3}, "write false, or a mapping"),
    ],
)
def test_what_cannot_be_meant_is_one_line(checks: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=r"curate\.checks\.near_duplicat") as caught:
        active_checks(CurateSettings(checks=checks))
    assert says in str(caught.value)


@pytest.mark.parametrize(("name", "meant"), [("statik", "static"), ("Static", "static"), ("of", "off")])
def test_a_slip_in_the_name_of_the_encoder_is_asked_for_nowhere(name: str, meant: str) -> None:
    with pytest.raises(SettingsError, match=rf"did you mean '{meant}'\?"):
        CurateSettings(encoder=name)


@pytest.mark.parametrize("name", ["static", "off", "all-MiniLM-L6-v2", "intfloat/multilingual-e5-small", "./static"])
def test_names_of_models_are_left_alone(name: str) -> None:
    assert CurateSettings(encoder=name).encoder == name


def test_the_encoder_is_off_as_the_page_writes_it(tmp_path: Path) -> None:
    (tmp_path / "assay.yaml").write_text("curate: {encoder: off}\n")
    document = read_document(tmp_path / "assay.yaml")
    assert parse(CurateSettings, document.section("curate"))[0].encoder == "off"
    given = Document({}).override(["curate.encoder=off"]).section("curate")
    assert parse(CurateSettings, given)[0].encoder == "off"


def test_the_settings_are_read_from_yaml() -> None:
    document = Document({"purpose": "style", "checks": {"repetition": False}, "split": {"validation": 0.2}})
    settings, _ = parse(CurateSettings, document)
    assert settings.split.validation == 0.2
    assert settings.fewest_records == 50


@pytest.mark.parametrize("name", sorted(CHECKS.all()))
def test_every_check_says_what_why_and_gives_an_example(name: str) -> None:
    documentation = CHECKS.get(name).documentation
    assert "Why" in documentation
    assert "Example" in documentation
    assert len(CHECKS.get(name).summary) < 200

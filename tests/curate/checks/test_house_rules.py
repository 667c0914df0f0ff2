from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.curate.check import Context, Decision
from assay.curate.checks.house_rules import house_rules
from assay.curate.settings import CurateSettings, active_checks
from assay.curate.stage import audit, curate
from assay.dataset import Dataset
from assay.errors import SettingsError
from assay.findings import Severity
from assay.records import Record

Make = Callable[..., Record]

RULES = """
version: 1
rules:
  - {id: sign-in, reason: people search for it, say: sign in, instead_of: login, replace: true}
  - {id: vendors, reason: no advertising, severity: error, never: [Samplecorp]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "house_rules.yaml"
    path.write_text(RULES)
    return path


def settings(file: Path, **more: Any) -> CurateSettings:
    return CurateSettings(checks={"house_rules": {"file": str(file), **more}})


def test_a_finding_says_rule_place_reason_and_how_often(make: Make, file: Path) -> None:
    record = make("How?", "Please login. Login again.")
    (finding,) = house_rules.function(record, Context([record]), file=str(file))
    assert finding.message == 'sign-in: "login" where the house says "sign in" and 1 more'
    assert finding.span is not None
    assert (finding.span.message, finding.span.text) == (1, "login")
    assert finding.evidence["reason"] == "people search for it" and finding.evidence["times"] == 2
    assert (finding.evidence["before"], finding.evidence["after"]) == ("login", "sign in")


def test_each_rule_has_its_own_severity(make: Make, file: Path) -> None:
    record = make("Which?", "Samplecorp has a login.")
    found = house_rules.function(record, Context([record]), file=str(file))
    assert [(item.evidence["rule"], item.severity) for item in found] == [
        ("sign-in", Severity.WARNING),
        ("vendors", Severity.ERROR),
    ]


def test_without_a_file_nothing_is_judged_and_it_is_said(make: Make) -> None:
    audited = audit(Dataset.from_records([make("How?", "Please login.")]))
    assert audited.not_judged["house_rules"] == "no file was named (curate.checks.house_rules.file)"
    assert "house_rules" not in audited.summary


def test_a_rule_that_counts_tokens_needs_a_target(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "tokens.yaml"
    path.write_text("rules: [{id: a, reason: r, length: {unit: tokens, max: 3}}]")
    audited = audit(Dataset.from_records([make("How?", "Please wait.")]), settings(path))
    assert audited.not_judged["house_rules"].startswith("no target model was named")


def test_a_fault_in_the_file_is_told_with_its_line_before_any_record_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("rules:\n  - id: a\n    reason: r\n    emojy: 0\n")
    with pytest.raises(SettingsError) as caught:
        active_checks(settings(path))
    assert caught.value.where == f"{path}:4"
    with pytest.raises(SettingsError, match="there are no house rules"):
        active_checks(settings(tmp_path / "none.yaml"))


def test_the_file_is_found_beside_the_settings_and_its_digest_makes_another_run(file: Path) -> None:
    given = CurateSettings(checks={"house_rules": {"file": file.name}, "repetition": {"min_words": 9}})
    first = given.beside(file.parent)
    assert first.checks["house_rules"]["file"] == str(file)
    assert first.checks["repetition"] == {"min_words": 9}
    file.write_text(RULES.replace("vendors", "rivals"))
    assert given.beside(file.parent) != first
    assert active_checks(first)


def test_by_default_records_are_kept_and_only_told_of(make: Make, file: Path) -> None:
    curated = curate(Dataset.from_records([make("How?", "Please login.")]), settings(file))
    assert curated.ledger.counts()["kept"] == 1


def test_repair_puts_approved_wording_in_place_and_holds_what_it_cannot_mend(make: Make, file: Path) -> None:
    records = [make("How?", "Login here."), make("Which one?", "Samplecorp has it."), make("Why?", "It is so.")]
    curated = curate(Dataset.from_records(records), settings(file, decision="repair"))
    counts = curated.ledger.counts()
    assert (counts["repaired"], counts["held"], counts["kept"]) == (1, 1, 1)
    answers = {record.answer for record in curated.data.records()}
    assert answers == {"Sign in here.", "It is so."}


def test_the_decision_repair_is_allowed() -> None:
    assert house_rules.repair is not None and house_rules.decision is Decision.KEEP

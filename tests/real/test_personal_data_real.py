"""Personal data in texts that no one here wrote: what people marked is found, and ordinary data raises no alarm."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from assay.curate.check import CHECKS, Context
from assay.errors import AssayError
from assay.findings import Finding, Severity
from assay.sources import ReadSettings, read

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "personal_data_quality.py"


@pytest.fixture(scope="module")
def quality() -> ModuleType:
    spec = importlib.util.spec_from_file_location("personal_data_quality", BENCHMARK)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_what_is_marked_is_found(shared: Path, quality: ModuleType) -> None:
    folder = shared / "data" / "pii_safety" / "presidio_research"
    texts = [text for part in ("tune", "test") for text in quality.read(folder, part)]
    right, wrong, missed = quality.count(texts, quality.by_assay)
    for entity in ("payment_card", "email", "iban", "us_ssn", "ip_address"):
        assert right[entity] >= 0.98 * (right[entity] + missed[entity]) > 0, entity
        assert right[entity] >= 0.98 * (right[entity] + wrong[entity]), entity
    assert right["phone"] >= 0.95 * (right["phone"] + wrong["phone"])
    assert right["phone"] >= 0.9 * (right["phone"] + missed["phone"])


def test_files_of_instructions_hold_no_secret_and_no_number_of_a_person(shared: Path) -> None:
    alarms: list[Finding] = []
    records = 0
    for path in sorted((shared / "data" / "instruction").rglob("*.json*")):
        try:
            data = read((str(path),), ReadSettings("auto", {}, False, None, None), offline=True)
        except AssayError:
            continue
        rows = list(data.records())
        records += len(rows)
        context = Context(rows)
        for name in ("secret", "personal_data"):
            check = CHECKS.get(name)
            alarms += [finding for row in rows for finding in check.function(row, context)]
    assert records > 2_000
    assert [finding.message for finding in alarms if finding.severity is not Severity.INFO] == []

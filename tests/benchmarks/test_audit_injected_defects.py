"""Damage done by rule is counted as found or missed, and untouched records as flagged or not."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from assay.sources import read


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "audit_injected_defects.py"
    spec = importlib.util.spec_from_file_location("audit_injected_defects", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Sixty different records of a sentence with a name and a number in each answer."""
    rows = [
        {
            "prompt": f"What became of parcel {n} of street {n % 7}?",
            "completion": f"On its way, Berta has {n * n % 9 + 3} of them.",
        }
        for n in range(60)
    ]
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_each_damage_is_counted_once(benchmark: ModuleType, data: Path) -> None:
    sound = benchmark.sound_records(read([str(data)]))
    assert len(sound) == 60
    measured = benchmark.measure(sound, 0.05, 0)
    assert measured["answer removed"] == ("no_answer", 3, 3, 0)
    assert measured["copy"] == ("exact_duplicate", 3, 3, 0)
    assert measured["turn blanked"] == ("empty_turn", 3, 3, 0)
    assert measured["refused as well"] == ("contradiction", 3, 3, 0)
    assert measured["copy, 1 word in 40"][1] == 0, "the answers are too short for it"

"""Changes of style made by rule are counted as found or missed, and untouched records as flagged or not."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from types import ModuleType

import pytest

from assay.records import Message, Record, Source, record_id, row_id


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "mixed_styles.py"
    spec = importlib.util.spec_from_file_location("benchmark_mixed_styles", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def records(count: int) -> list[Record]:
    out = []
    for n in range(count):
        messages = (
            Message("user", f"What became of parcel {n}?"),
            Message("assistant", f"Parcel {n} left the depot. It is on its way to you. It comes tomorrow at {n % 12}."),
        )
        out.append(Record(record_id(messages), row_id("a", n), messages, Source("a.jsonl", n + 1, n)))
    return out


def test_every_kind_that_can_be_made_is_made_and_counted(benchmark: ModuleType) -> None:
    measured = benchmark.measure(records(100), 0.04, 0)
    assert set(measured) == set(benchmark.KINDS)
    assert {kind for kind, item in measured.items() if item.changed == 4} >= {"bullets", "JSON", "emoji", "headings"}
    assert measured["JSON"].found == 4 and measured["JSON"].recall == 1.0 and measured["JSON"].wrong == 0
    assert measured["JSON"].precision == 1.0


@pytest.mark.parametrize(
    "kind", ["bullets", "headings", "bold", "JSON", "we", "emoji", "exclamation marks", "long-form"]
)
def test_a_change_changes_the_style_that_it_is_named_after(benchmark: ModuleType, kind: str) -> None:
    text = "The parcel left the depot. The driver has it now and is on the way. Whoever is at home can take it."
    text = "The parcel left the depot today." if kind == "long-form" else text
    changed = benchmark.KINDS[kind](text, random.Random(0))
    assert changed is not None and changed != text
    assert benchmark.KINDS[kind](text, random.Random(0)) == changed


@pytest.mark.parametrize("language", ["de", "es", "fr", "zh", "ja"])
def test_the_informal_answers_of_each_language_are_found_and_no_formal_one(
    benchmark: ModuleType, language: str
) -> None:
    made, informal = benchmark.support_records(language, 0, 0.04)
    item = benchmark.of_planted(made, informal)
    assert (item.changed, item.found, item.wrong) == (12, 12, 0)

"""Damage of every kind, in every container: each row is accounted for once, and said of it is what should be."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pyarrow.parquet as pq
import pytest

from assay.curate.findings_table import findings_table
from assay.curate.settings import CurateSettings
from assay.curate.stage import Audited, audit
from assay.findings import Fate
from assay.sources import read
from assay.storage import write_table

CONTAINERS = ("jsonl", "gz", "zst", "csv", "parquet")
RECORDS = 400


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    yield importlib.import_module("audit_bad_input")


@pytest.fixture(autouse=True)
def smaller(benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large rows are not as large as in the benchmark."""
    monkeypatch.setattr(importlib.import_module("damage"), "LARGE_BYTES", 20_000)


def audited(path: Path, out: Path) -> Audited:
    found = audit(read([str(path)]), CurateSettings(encoder="off"))
    write_table(findings_table(found.findings), out / "findings.parquet")
    return found


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_row_is_accounted_for_and_every_fault_told_with_its_place(
    benchmark: ModuleType, tmp_path: Path, container: str
) -> None:
    path, places = benchmark.make(container, RECORDS, tmp_path)
    found = audited(path, tmp_path / "out")
    assert len(places) == RECORDS == found.data.rows_read
    counts = found.decided.ledger.counts()
    assert sum(counts[fate] for fate in Fate) == RECORDS
    assert len(set(found.decided.ledger.table.column("row_id").to_pylist())) == RECORDS
    assert benchmark.accounted(path, places, tmp_path / "out") == []


def test_what_is_not_said_is_missed(benchmark: ModuleType, tmp_path: Path) -> None:
    path, places = benchmark.make("jsonl", RECORDS, tmp_path)
    audited(path, tmp_path)
    table = pq.read_table(tmp_path / "findings.parquet")
    write_table(table.slice(1), tmp_path / "findings.parquet")
    assert len(benchmark.accounted(path, places, tmp_path)) == 1


def test_every_kind_is_planted(benchmark: ModuleType, tmp_path: Path) -> None:
    damage = importlib.import_module("damage")
    for container, kinds in (("jsonl", damage.LINES), ("csv", damage.CELLS), ("parquet", damage.VALUES)):
        _, places = benchmark.make(container, RECORDS, tmp_path)
        assert set(damage.planted(places)) >= {kind.name for kind in kinds}


@pytest.mark.parametrize("name", ["findings.parquet", "summary.json", "report.html", ".report.html.x.tmp"])
def test_what_is_half_written_is_noticed(benchmark: ModuleType, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b'PAR1{"kept": <html>')
    assert not benchmark._is_whole(tmp_path / name)

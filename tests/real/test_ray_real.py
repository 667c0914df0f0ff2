"""The pass over the data on a local Ray cluster of two workers; runs where Ray is installed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from assay.curate.engine.engines import InProcess
from assay.curate.stage import Audited, audit
from assay.dataset import Dataset
from assay.records import Message, Record, Source, record_id, row_id

pytest.importorskip("ray")
pytestmark = pytest.mark.slow

ROWS = 4000


@pytest.fixture(scope="module")
def data() -> Dataset:
    return Dataset.from_records(_record(row) for row in range(ROWS))


def _record(row: int) -> Record:
    question = f"What does the part number {row % 3500} of the machine cost, and when can it be delivered to the shop?"
    answer = "It is " * 40 if row % 97 == 0 else f"It costs {row % 40} euros and takes {row % 7} days."
    messages = (Message("user", question), Message("assistant", "" if row % 101 == 0 else answer))
    return Record(record_id(messages), row_id("test", row), messages, Source("a.jsonl", row + 1, row))


def told(audited: Audited) -> list[str]:
    return [f"{f.check} {f.row_id} {f.severity} {f.message} {f.group} {dict(f.evidence)}" for f in audited.findings]


@pytest.fixture(scope="module")
def here(data: Dataset) -> Audited:
    return audit(data, engine=InProcess(100))


def test_a_cluster_finds_what_one_process_finds(data: Dataset, here: Audited) -> None:
    from assay.curate.engine.ray_data import RayData

    there = audit(data, engine=RayData(2, 100))
    assert told(here) == told(there) and len(told(here)) > 500
    assert here.decided.ledger.table == there.decided.ledger.table


@pytest.mark.skipif(sys.platform != "linux", reason="workers are looked up in /proc")
def test_a_worker_that_is_killed_half_way_changes_nothing(data: Dataset, here: Audited) -> None:
    from assay.curate.engine.ray_data import RayData

    killed: list[int] = []
    killer = threading.Thread(target=_kill_one, args=(killed,), daemon=True)
    killer.start()
    there = audit(data, engine=RayData(2, 50))
    killer.join(timeout=5)
    assert killed, "no worker was killed while it worked"
    assert told(here) == told(there)
    assert here.decided.ledger.table == there.decided.ledger.table


def _kill_one(killed: list[int]) -> None:
    """The first worker that is seen looking at a batch."""
    deadline = time.monotonic() + 120
    while not killed and time.monotonic() < deadline:
        for process in Path("/proc").iterdir():
            if process.name.isdigit() and b"ray::MapWorker" in _title(process) and b"submit" in _title(process):
                os.kill(int(process.name), signal.SIGKILL)
                killed.append(int(process.name))
                return
        time.sleep(0.02)


def _title(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def test_the_terminal_is_left_to_assay(data: Dataset, tmp_path: Path) -> None:
    """Nothing that Ray says on its own, in a process of its own, where nothing has quietened it before."""
    rows = [{"messages": [{"role": m.role, "content": m.content} for m in one.messages]} for one in data.every(200)]
    (tmp_path / "data.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    command = [sys.executable, "-m", "assay", "audit", str(tmp_path / "data.jsonl"), "--engine", "ray", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0
    assert done.stderr == ""

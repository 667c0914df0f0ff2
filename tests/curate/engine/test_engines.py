"""Wherever the pass over the data runs, the same is found; and a process that is killed changes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from assay.curate.check import evenly
from assay.curate.corpus import Corpus
from assay.curate.engine.engines import Engine, InProcess, choose
from assay.curate.engine.look import Gathering, Job, Looked, Pass
from assay.curate.engine.processes import Processes
from assay.curate.settings import CurateSettings
from assay.curate.stage import Audited, audit
from assay.dataset import Dataset
from assay.errors import WorkerLostError
from assay.records import Message, Record, Source, record_id, row_id

ROWS = 600
SMALL = 64
"""Rows of a batch: many batches of little data."""


@pytest.fixture(scope="module")
def data() -> Dataset:
    return Dataset.from_records(_record(row) for row in range(ROWS))


def _record(row: int) -> Record:
    question = f"What does the part number {row % 500} of the machine cost, and when can it be delivered to the shop?"
    answer = "It is " * 40 if row % 97 == 0 else f"It costs {row % 40} euros and takes {row % 7} days."
    answer = "" if row % 101 == 0 else answer
    messages = (Message("user", question), Message("assistant", answer))
    return Record(record_id(messages), row_id("test", row), messages, Source("a.jsonl", row + 1, row))


def told(audited: Audited) -> list[str]:
    return [f"{f.check} {f.row_id} {f.severity} {f.message} {f.group}" for f in audited.findings]


def test_several_processes_find_what_one_finds(data: Dataset) -> None:
    here = audit(data, engine=InProcess(SMALL))
    there = audit(data, engine=Processes(2, SMALL))
    assert told(here) == told(there) and len(told(here)) > 100
    assert here.decided.ledger.table == there.decided.ledger.table


def test_the_size_of_batches_changes_nothing(data: Dataset) -> None:
    assert told(audit(data, engine=InProcess(SMALL))) == told(audit(data, engine=InProcess(ROWS)))


@pytest.mark.skipif(sys.platform != "linux", reason="children are looked up in /proc")
def test_a_process_that_is_killed_half_way_changes_nothing(data: Dataset) -> None:
    expected = gathered(InProcess(SMALL), data)
    killed = gathered(_Killing(Processes(2, SMALL), times=1), data)
    assert [(item.position, item.finding.message) for item in killed.findings] == [
        (item.position, item.finding.message) for item in expected.findings
    ]
    assert killed.columns.keys() == expected.columns.keys()
    assert all(np.array_equal(values, expected.columns[name]) for name, values in killed.columns.items())


@pytest.mark.skipif(sys.platform != "linux", reason="children are looked up in /proc")
def test_processes_that_are_killed_again_and_again_are_one_line(data: Dataset) -> None:
    with pytest.raises(WorkerLostError, match="--workers"):
        gathered(_Killing(Processes(1, SMALL), times=99), data)


def test_small_data_stays_in_this_process() -> None:
    assert isinstance(choose(1_000), InProcess)
    assert isinstance(choose(1_000_000, workers=1), InProcess)
    assert choose(1_000_000, workers=3) == Processes(3)


def gathered(engine: Engine, data: Dataset) -> Pass:
    gathering = Gathering(len(data))
    job = Job(CurateSettings(), frozenset(_needing_more()), sample=evenly(Corpus(data.table), 5_000))
    for looked in engine.looks(data.table, job):
        gathering.add(looked)
    return gathering.finish()


def _needing_more() -> list[str]:
    from assay.curate.check import CHECKS

    return [name for name, check in CHECKS.all().items() if check.needs]


class _Killing:
    """An engine whose worker processes are killed after each of its first results."""

    def __init__(self, engine: Processes, times: int) -> None:
        self.engine, self.times = engine, times

    def looks(self, table: object, job: Job) -> Iterator[Looked]:
        for looked in self.engine.looks(table, job):
            yield looked
            if self.times:
                self.times -= 1
                for child in _workers():
                    os.kill(child, signal.SIGKILL)


def _workers() -> list[int]:
    found = []
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            command = Path(f"/proc/{child}/cmdline").read_bytes()
            if b"loky" in command and b"resource_tracker" not in command:
                found.append(int(child))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="a limit on files holds for shared memory too")
def test_without_shared_memory_the_pass_runs_in_this_process() -> None:
    """A semaphore is a file of shared memory, which a limit of 0 bytes refuses as a full one does."""
    said = subprocess.run(
        [sys.executable, "-c", NO_SHARED_MEMORY], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert said.split() == ["Processes", "InProcess"]


NO_SHARED_MEMORY = """
import resource
from assay.curate.engine.engines import choose
print(type(choose(1_000_000, workers=2)).__name__)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
print(type(choose(1_000_000, workers=2)).__name__)
"""

"""A check of another package that raises, exits, hangs or speaks nonsense costs its own findings and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.curate.batch import Batch
from assay.curate.boundary import sound
from assay.curate.check import Check, Context, Decision
from assay.curate.column import column
from assay.curate.limits import TooSlow, Watch
from assay.findings import Finding, Severity
from assay.records import Record

Make = Callable[..., Record]
ROOT = Path(__file__).resolve().parents[2]


def nothing(record: Record, context: Context) -> Iterator[Finding]:
    yield from ()


OWN = Check("own", nothing, "record", Severity.ERROR, Decision.HOLD)


def test_a_finding_of_the_check_about_its_record_is_left_as_it_is(make: Make) -> None:
    record = make("q", "a")
    for evidence in ({}, {"a": [1, None, "\ud800", 2**70, 1e999]}, {"é": {"b": (1, 2)}}):
        finding = OWN.about(record, "it is odd", evidence=evidence)
        assert sound(finding, OWN, record) is finding


@pytest.mark.parametrize(
    "spoil",
    [
        lambda record: "a text",
        lambda record: None,
        lambda record: Finding.about(record, "another", Severity.ERROR, "x"),
        lambda record: Finding("own", Severity.ERROR, "x", record.id, "elsewhere", record.source),
        lambda record: Finding.about(record, "own", "fatal", "x"),
        lambda record: Finding.about(record, "own", Severity.ERROR, None),
        lambda record: Finding.about(record, "own", Severity.ERROR, "x", evidence={"a": {1, 2}}),
        lambda record: Finding.about(record, "own", Severity.ERROR, "x", evidence={"a": lambda: 1}),
        lambda record: Finding.about(record, "own", Severity.ERROR, "x", span=(0, 1)),
    ],
)
def test_what_is_none_is_the_failure_of_the_check(make: Make, spoil: Callable[[Record], Any]) -> None:
    record = make("q", "a")

    def spoilt(record: Record, context: Context) -> Iterator[Any]:
        yield OWN.about(record, "sound")
        yield spoil(record)

    check = Check("own", spoilt, "record", Severity.ERROR, Decision.HOLD)
    with Watch() as watch:
        together = watch.over(check, {}, [(0, record), (1, record)], Context([]))
        alone = watch.run(check, {}, record, Context([]))
    assert [(number, item.check) for number, item in together] == [(0, "check_failed"), (1, "check_failed")]
    assert [item.check for item in alone] == ["check_failed"]


def test_a_column_that_hangs_on_one_record_is_stopped(make: Make) -> None:
    @column("int64")
    def sleepy(record: Record) -> int:
        time.sleep(30 if record.answer == "slow" else 0.0)
        return len(record.answer)

    watch = Watch(0.2)
    started = time.perf_counter()
    with pytest.raises(TooSlow):
        watch.column(sleepy, Batch([make("q", "a"), make("q", "slow"), make("q", "b")]), Context([]))
    assert time.perf_counter() - started < 5
    assert watch.column(sleepy, Batch([make("q", "abc")] * 3), Context([])).tolist() == [3, 3, 3]


HOSTILE = '''
import sys, time
from dataclasses import replace
from assay.curate.check import Decision, dataset_check, record_check
from assay.curate.column import column
from assay.findings import Finding, Severity

GIVEN = {"severity": Severity.ERROR, "decision": Decision.DROP}

@record_check(**GIVEN)
def raises(record, context):
    """Raises."""
    if "3" in record.answer:
        raise ValueError(record.answer)
    yield from ()

@record_check(**GIVEN)
def leaves(record, context):
    """Exits."""
    if "5" in record.answer:
        sys.exit(3)
    yield from ()

@record_check(**GIVEN)
def hangs(record, context):
    """Sleeps."""
    while record.answer == "It is 7.":
        time.sleep(0.1)
    yield from ()

@record_check(**GIVEN)
def speaks_nonsense(record, context):
    """Gives what cannot be written down."""
    if "9" in record.answer:
        yield speaks_nonsense.about(record, "x", evidence={"a": lambda: 1})

@record_check(**GIVEN)
def speaks_for_another(record, context):
    """Gives findings of a check that there is none of."""
    if "11" in record.answer:
        yield Finding.about(record, "no_such_check", Severity.ERROR, "x")

@column("int64")
def endless(record):
    """Hangs on one record."""
    while record.answer == "It is 13.":
        time.sleep(0.1)
    return 1

@dataset_check(**GIVEN, columns=(endless,))
def counts(records, context):
    """Has a column that hangs."""
    yield from (counts.about(record, "x") for record in records)

@dataset_check(**GIVEN)
def leaves_at_once(records, context):
    """Exits."""
    sys.exit("no")
    yield
'''

NAMES = ("raises", "leaves", "hangs", "speaks_nonsense", "speaks_for_another", "counts", "leaves_at_once")

SCRIPT = """
import json, sys
from assay.curate.engine.engines import InProcess
from assay.curate.engine.processes import Processes
from assay.curate.settings import CurateSettings
from assay.curate.stage import curate
from assay.sources import read

if __name__ == "__main__":
    engine = Processes(2, 4) if sys.argv[2] == "2" else InProcess(4)
    curated = curate(read([sys.argv[1]]), CurateSettings(encoder="off"), engine=engine)
    failed = [(f.source.row, f.evidence["failed"]) for f in curated.audited.findings if f.check == "check_failed"]
    why = {name: why for name, why in curated.audited.not_judged.items() if why.startswith("it failed")}
    fates = [(row.source.row, str(row.fate)) for row in curated.ledger.rows]
    print(json.dumps({"failed": failed, "why": why, "fates": fates}))
"""


def test_with_one_worker_and_with_two_nothing_is_lost(tmp_path: Path) -> None:
    package = tmp_path / "site"
    (package / "hostile-1.dist-info").mkdir(parents=True)
    (package / "hostile_checks.py").write_text(HOSTILE)
    (package / "hostile-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile\nVersion: 1\n")
    announced = "".join(f"{name} = hostile_checks:{name}\n" for name in NAMES)
    (package / "hostile-1.dist-info" / "entry_points.txt").write_text(f"[assay.checks]\n{announced}")
    data = tmp_path / "data.jsonl"
    subjects = ["rain", "snow", "wind", "sand", "moss", "clay", "rope", "salt"]
    subjects += ["iron", "wool", "milk", "corn", "silk", "lead", "wood", "wax"]
    rows = [{"instruction": f"How much {name} is there?", "output": f"It is {n}."} for n, name in enumerate(subjects)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    script = tmp_path / "run.py"
    script.write_text(SCRIPT)
    environment = os.environ | {"PYTHONPATH": f"{package}{os.pathsep}{ROOT}"}
    running = [
        subprocess.Popen(
            [sys.executable, str(script), str(data), workers], stdout=subprocess.PIPE, text=True, env=environment
        )
        for workers in ("1", "2")
    ]
    one, two = (json.loads(process.communicate()[0].splitlines()[-1]) for process in running)
    assert one == two
    expected = {"raises": [3, 13], "leaves": [5, 15], "hangs": [7], "speaks_nonsense": [9], "speaks_for_another": [11]}
    assert sorted(map(tuple, one["failed"])) == sorted((row, name) for name, found in expected.items() for row in found)
    assert set(one["why"]) == {"counts", "leaves_at_once"} and "took longer than 10 s" in one["why"]["counts"]
    assert [row for row, _ in one["fates"]] == list(range(16))
    assert [row for row, fate in one["fates"] if fate == "held"] == [3, 5, 7, 9, 11, 13, 15]

"""Every row that was read is in the ledger once, and in data or held where it says so, whatever happens on the way."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assay.curate import settings as settings_module
from assay.curate.check import CHECKS, Check, Context, Decision, dataset_check, record_check
from assay.curate.column import column
from assay.curate.engine.engines import Engine, InProcess
from assay.curate.engine.processes import Processes
from assay.curate.settings import CurateSettings
from assay.curate.stage import Curated, curate
from assay.dataset import Dataset
from assay.findings import Fate, Finding, Severity
from assay.records import Message, Record
from assay.reviews.review import Review, Subject, Verdict
from assay.sources import read

TICKETS = Path(__file__).parents[2] / "sample_data" / "tickets.jsonl"
SMALL = 64


@column(np.int64)
def failing_column(record: Record) -> int:
    """Fails on some batches alone."""
    return len(record.meta["not there"]) if len(record.answer) > 500 else 0  # type: ignore[arg-type]


@dataset_check(severity=Severity.ERROR, decision=Decision.DROP, columns=(failing_column,))
def column_fails(records: Sequence[Record], context: Context) -> Iterator[Finding]:
    """A column fails."""
    yield from (column_fails.about(record, "x") for record in records)


@dataset_check(severity=Severity.ERROR, decision=Decision.DROP)
def fails_half_way(records: Sequence[Record], context: Context) -> Iterator[Finding]:
    """Fails after some findings."""
    yield fails_half_way.about(records[0], "x")
    raise RuntimeError("half way")


@dataset_check(severity=Severity.ERROR, decision=Decision.DROP)
def speaks_of_no_row(records: Sequence[Record], context: Context) -> Iterator[Finding]:
    """About a record that is not in the data."""
    yield speaks_of_no_row.about(replace(records[0], row_id="nowhere"), "x")


@record_check(severity=Severity.ERROR, decision=Decision.HOLD)
def fails_on_some(record: Record, context: Context) -> Iterator[Finding]:
    """Fails on every record with a short answer."""
    if len(record.answer) < 40:
        raise ValueError(record.answer)
    yield from ()


def _fail(record: Record) -> Record:
    raise KeyError(record.id)


@record_check(severity=Severity.WARNING, decision=Decision.REPAIR, repair=_fail)
def repair_fails(record: Record, context: Context) -> Iterator[Finding]:
    """Its repair fails."""
    if "refund" in record.answer:
        yield repair_fails.about(record, "x")


BROKEN = (column_fails, fails_half_way, speaks_of_no_row, fails_on_some, repair_fails)


class _WithBroken:
    def all(self) -> dict[str, Check]:
        return dict(sorted({**CHECKS.all(), **{check.name: check for check in BROKEN}}.items()))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The tickets, among them rows that cannot be read, and some that several repairs mend."""
    lines = TICKETS.read_text(encoding="utf-8").splitlines()
    lines[100:100] = ["{half a row", "[]", '{"messages": 7}', lines[5], lines[5]]
    for number in range(8):
        answer = ("  It costs cafÃ© <|im_end|> ", " \\u200b", "<|im_end|>", "a" * 600)[number % 4]
        lines.append(f'{{"instruction": "Is it case {number}?", "output": "{answer}"}}')
    path = tmp_path_factory.mktemp("rows") / "tickets.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read([str(path)])


def decisions(data: Dataset, seed: int) -> list[Review]:
    """Of every kind, about records that are there, that are not, and several about the same one."""
    chance = random.Random(seed)
    records, out = list(data.records()), []
    for verdict in Verdict:
        for record in chance.sample(records, 40):
            answers = ("Another answer.", "", " \n", records[0].answer, "It is {{name}} <|im_end|>")
            answer = chance.choice(answers) if verdict in (Verdict.REPAIR, Verdict.RELABEL) else None
            subject = Subject(record.id, chance.choice(("", "", "reading", "contradiction", "exact_duplicate")))
            out.append(Review(subject, verdict, "ada", answer=answer))
    out.append(Review(Subject("0" * 16), Verdict.DROP))
    out.append(Review(Subject(records[3].id), Verdict.REPAIR, messages=(Message("user", "only a question"),)))
    chance.shuffle(out)
    return out


def assert_all_are_there(curated: Curated, data: Dataset) -> None:
    rows = curated.ledger.rows
    assert Counter(row.row_id for row in rows) == Counter(data.row_ids()) and len(rows) == len(data) + len(data.faults)
    used, held = Counter(curated.data.row_ids()), Counter(curated.held.row_ids())
    assert used == Counter(row.row_id for row in rows if row.fate in (Fate.KEPT, Fate.REPAIRED))
    assert held == Counter(row.row_id for row in rows if row.fate is Fate.HELD)
    assert all(row.reasons for row in rows if row.fate is not Fate.KEPT)
    counts = curated.ledger.counts()
    assert counts["read"] == sum(counts[name] for name in ("kept", "repaired", "dropped", "held")) == len(rows)


@pytest.mark.parametrize("seed", range(4))
def test_with_decisions_of_people(data: Dataset, seed: int) -> None:
    reviews = decisions(data, seed)
    assert_all_are_there(curate(data, CurateSettings(encoder="off"), reviews=reviews), data)


@pytest.mark.parametrize("decision", ["hold", "drop", "repair"])
def test_with_checks_that_fail_in_every_way(data: Dataset, decision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_module, "CHECKS", _WithBroken())
    mended = {name: {"decision": decision} for name in ("special_token_in_text", "mojibake", "repair_fails")}
    settings = CurateSettings(encoder="off", checks=mended)
    curated = curate(data, settings, engine=InProcess(SMALL), reviews=decisions(data, 9))
    assert_all_are_there(curated, data)
    failed = {"column_fails", "fails_half_way", "speaks_of_no_row"}
    assert failed <= {name for name, why in curated.audited.not_judged.items() if why.startswith("it failed")}
    assert not failed & {finding.check for finding in curated.audited.findings}
    if decision == "repair":
        assert "repair_fails" in {name for row in curated.ledger.rows if row.fate is Fate.HELD for name in row.reasons}


def test_several_processes_come_to_the_same_rows_findings_and_evidence(data: Dataset) -> None:
    settings, reviews = CurateSettings(encoder="off"), decisions(data, 3)
    engines: list[Engine] = [InProcess(SMALL), Processes(2, SMALL), InProcess(4096)]
    one, *others = (curate(data, settings, engine=engine, reviews=reviews) for engine in engines)
    assert_all_are_there(one, data)
    for other in others:
        assert other.audited.findings == one.audited.findings
        assert other.ledger.table == one.ledger.table
        assert other.audited.to_json() == one.audited.to_json()

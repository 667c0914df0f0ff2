"""audit and curate as functions: what goes in, what comes out, and that nothing is lost on the way."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

from assay.curate import settings as settings_module
from assay.curate.check import CHECKS, Check, Context, Decision, dataset_check, record_check
from assay.curate.column import column
from assay.curate.decisions import Decided
from assay.curate.engine.engines import InProcess
from assay.curate.fitness import Fit
from assay.curate.judge import make_audit
from assay.curate.pages.terminal import render
from assay.curate.settings import CurateSettings, SplitSettings
from assay.curate.stage import JSON_FINDINGS, SAMPLES_A_CHECK, audit, curate, parted
from assay.dataset import Dataset
from assay.errors import SettingsError
from assay.findings import Fate, Finding, Ledger, LedgerRow, Severity, Source
from assay.records import Message, Record
from assay.suites import EvaluationText

Make = Callable[..., Record]


@record_check(severity=Severity.ERROR, decision=Decision.DROP)
def breaks_on_two(record: Record, context: Context) -> Iterator[Finding]:
    """Fails on one record."""
    if record.answer == "2":
        raise ZeroDivisionError("no\nway")
    yield breaks_on_two.about(record, "found", severity=Severity.INFO)


@dataset_check(severity=Severity.ERROR, decision=Decision.DROP)
def breaks_at_once(records: Sequence[Record], context: Context) -> Iterator[Finding]:
    """Fails as a whole."""
    raise KeyError("gone")


class Only:
    """A registry of the checks given."""

    def __init__(self, *checks: Check) -> None:
        self.checks = checks

    def all(self) -> dict[str, Check]:
        return {check.name: check for check in self.checks}


def many(make: Make, count: int = 40) -> list[Record]:
    return [make(f"What is the name of thing number {n}?", f"It is called thing {n}.") for n in range(count)]


def test_curate_accounts_for_every_row(make: Make) -> None:
    records = many(make)
    records += [make("a?", ""), records[3], make("When?", "On 3 May."), make("When?", "On 4 May.")]
    records[-3] = make(*(message.content for message in records[3].messages))
    fault = Finding("unreadable_row", Severity.ERROR, "not JSON", "", "fault", Source("a.jsonl", 99, 98))
    curated = curate(Dataset.from_records(records, [fault]), CurateSettings(min_records=1))
    counts = curated.ledger.counts()
    assert counts == {"read": 45, "kept": 40, "repaired": 0, "dropped": 3, "held": 2}
    assert len(curated.data) == counts["kept"] + counts["repaired"]
    assert len(curated.held) == counts["held"]
    assert {row.reasons for row in curated.ledger.rows} == {
        (), ("empty_turn",), ("exact_duplicate",), ("contradiction",), ("unreadable_row",)
    }  # fmt: skip


def test_what_trains_has_a_family_and_a_split(make: Make) -> None:
    curated = curate(Dataset.from_records(many(make)), CurateSettings(split=SplitSettings(validation=0.25)))
    rows = list(curated.data.records())
    assert all(record.family for record in rows)
    assert sum(record.split == "validation" for record in rows) == 10


def test_nearly_the_same_prompts_with_other_answers_stay_on_one_side_of_the_split(make: Make) -> None:
    passage = " ".join(f"word{n} of the long letter" for n in range(30))
    pairs = [make(f"{passage} {n // 2} {'a' if n % 2 else 'b'}", f"label {n}") for n in range(8)]
    curated = curate(Dataset.from_records([*many(make), *pairs]), CurateSettings(split=SplitSettings(validation=0.4)))
    assert curated.ledger.counts()["kept"] == 48
    sides = {record.split for record in curated.data.records() if "long letter" in (record.messages[0].content or "")}
    assert len(sides) == 1


def test_repaired_records_are_written_as_repaired(make: Make) -> None:
    curated = curate(Dataset.from_records([*many(make), make("Where?", "  There.\n")]))
    assert curated.ledger.counts()["repaired"] == 1
    assert "There." in {record.answer for record in curated.data.records()}


def test_a_record_that_is_a_copy_once_it_is_repaired_is_dropped_and_the_ledger_says_so(make: Make) -> None:
    records = [make("Where is it?", "In town."), make("Where is it?", "In town.<|im_end|>"), make("Who is it?", "Ada.")]
    settings = CurateSettings(checks={"normalised_duplicate": False, "near_duplicate": False})
    curated = curate(Dataset.from_records(records), settings)
    assert [record.answer for record in curated.data.records()] == ["In town.", "Ada."]
    row = curated.ledger.rows[1]
    assert (row.fate, row.reasons) == (Fate.DROPPED, ("exact_duplicate", "special_token_in_text"))
    assert row.kept_row_id == records[0].row_id


def test_a_check_that_fails_on_a_record_becomes_a_finding(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_module, "CHECKS", Only(breaks_on_two))
    audited = audit(Dataset.from_records([make("a", "1"), make("b", "2"), make("c", "3")]))
    failed = [finding for finding in audited.findings if finding.check == "check_failed"]
    assert [finding.source.line for finding in failed] == [2]
    assert failed[0].message == "the check breaks_on_two failed on this record: ZeroDivisionError: no way"
    assert audited.decided.ledger.counts()["held"] == 1


def test_a_check_that_fails_as_a_whole_is_not_judged(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_module, "CHECKS", Only(breaks_at_once))
    audited = audit(Dataset.from_records(many(make)), CurateSettings(min_records=1))
    assert "KeyError" in audited.not_judged["breaks_at_once"]
    assert audited.fitness.verdict is Fit.NOT_JUDGED


def test_what_a_failing_check_quotes_of_a_record_is_in_no_reason(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    @column(np.int64)
    def quoting(record: Record) -> int:
        raise ValueError(f"no number: {record.answer}")

    @dataset_check(severity=Severity.ERROR, decision=Decision.DROP)
    def quotes(records: Sequence[Record], context: Context) -> Iterator[Finding]:
        """Fails, and says on what."""
        raise KeyError(records[0].answer)

    @dataset_check(severity=Severity.ERROR, decision=Decision.DROP, columns=(quoting,))
    def quotes_in_a_column(records: Sequence[Record], context: Context) -> Iterator[Finding]:
        """Its column fails."""
        yield from ()

    monkeypatch.setattr(settings_module, "CHECKS", Only(quotes, quotes_in_a_column))
    records = [make(f"a{n}", f"otter{n} lives here") for n in range(200)]
    audited = audit(Dataset.from_records(records), engine=InProcess(64))
    body = audited.to_json(redact=True)
    assert audited.not_judged["quotes"].startswith("it failed: KeyError in quotes (test_stage.py, line ")
    assert audited.not_judged["quotes_in_a_column"].startswith("it failed: ValueError in quoting (test_stage.py")
    assert "otter" not in json.dumps(body) and "otter" not in render(audited, redact=True)
    assert audited.decided.ledger.counts()["read"] == 200


def test_without_a_target_the_template_is_not_judged_and_the_fitness_says_so(make: Make) -> None:
    audited = audit(Dataset.from_records(many(make)), CurateSettings(min_records=1))
    needing = {name for name, check in CHECKS.all().items() if "target" in check.needs}
    assert needing <= set(audited.not_judged)
    assert audited.fitness.verdict is Fit.NOT_JUDGED
    assert any("--model" in reason for reason in audited.fitness.reasons)


def test_too_few_records_are_not_fit(make: Make) -> None:
    audited = audit(Dataset.from_records(many(make, 5)))
    assert audited.fitness.verdict is Fit.NOT_FIT
    assert "only 5 usable records" in audited.fitness.reasons[0]


def test_the_json_is_what_the_design_promises(make: Make) -> None:
    body = audit(Dataset.from_records([*many(make), make("a?", "")])).to_json()
    assert {"records", "digest", "findings", "summary", "fit"} <= set(body)
    assert body["records"] == 41
    assert body["summary"] == {"empty_turn": {"records": 1, "groups": 0}}
    assert body["findings"][0]["source"] == {"file": "a.jsonl", "line": 41, "row": 40}
    assert body["fit"]["verdict"] == "NOT_FIT"


def test_above_ten_thousand_findings_the_json_carries_samples(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.curate.stage.JSON_FINDINGS", 30)
    body = audit(Dataset.from_records([make("a?", "") for _ in range(40)])).to_json()
    assert JSON_FINDINGS == 10_000
    each = Counter(finding["check"] for finding in body["findings"])
    assert each == {"empty_turn": SAMPLES_A_CHECK, "exact_duplicate": SAMPLES_A_CHECK}
    assert body["summary"]["empty_turn"]["records"] == 40
    assert "findings.parquet" in body["note"]


def test_evaluation_items_are_kept_out(make: Make) -> None:
    texts = [EvaluationText("s", "1", "What is the name of thing number 7?")]
    curated = curate(Dataset.from_records(many(make)), evaluation_texts=texts)
    assert curated.ledger.counts()["dropped"] == 1
    assert all("number 7?" not in (record.messages[0].content or "") for record in curated.data.records())


def test_the_judge_of_other_stages_decides_as_curate_does(make: Make) -> None:
    data = Dataset.from_records([*many(make), make("a?", "")])
    judged = make_audit(CurateSettings())(data)
    assert judged.ledger == curate(data).ledger
    with pytest.raises(SettingsError):
        make_audit(CurateSettings(checks={"nothing": False}))


def test_other_tables_are_taken_too() -> None:
    rows = [{"instruction": f"Say {n} in words, please.", "output": f"The word for it is w{n}."} for n in range(5)]
    assert len(audit(rows).data) == 5


def test_the_same_data_gives_the_same_findings(make: Make) -> None:
    records = [*many(make), make("a?", ""), make("When?", "On 3 May."), make("When?", "On 4 May.")]
    first, second = (audit(Dataset.from_records(records)) for _ in range(2))
    assert first.findings == second.findings


def test_repaired_rows_stand_where_they_stood_in_whatever_batch(make: Make) -> None:
    records = [make(f"question {number}", f"answer {number}") for number in range(2600)]
    new = {place: records[place].with_messages((Message("user", "new"),)) for place in (0, 5, 1023, 1024, 2599)}
    rows = tuple(LedgerRow(record.row_id, record.id, record.source, Fate.KEPT) for record in records)
    used, held, dropped = parted(Dataset.from_records(records), Decided(Ledger.of(rows), new))
    assert list(used.records()) == [new.get(place, record) for place, record in enumerate(records)]
    assert len(held) == len(dropped) == 0


def test_the_rows_of_each_fate_are_in_one_data_set_in_the_order_of_the_ledger(make: Make) -> None:
    records = [*many(make), make("a?", ""), make("When?", "On 3 May."), make("When?", "On 4 May."), make("b?", "")]
    curated = curate(Dataset.from_records(records))
    ledger = curated.ledger.table.to_pylist()
    for data, fates in (
        (curated.data, ("kept", "repaired")),
        (curated.held, ("held",)),
        (curated.dropped, ("dropped",)),
    ):
        assert data.row_ids() == [row["row_id"] for row in ledger if row["fate"] in fates]
    assert len(curated.dropped) == 2 and len(curated.held) == 2

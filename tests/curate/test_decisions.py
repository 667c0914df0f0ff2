"""The fate of each row: what each decision does, which one wins, and that no row is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.curate.check import CHECK_FAILED, Check, Context, Decision, dataset_check, record_check
from assay.curate.decisions import Decided
from assay.curate.decisions import decide as decide_located
from assay.curate.located import Located
from assay.curate.settings import ActiveCheck
from assay.dataset import Dataset
from assay.findings import Fate, Finding, Severity
from assay.records import Record, Source

Make = Callable[..., Record]


@record_check(severity=Severity.ERROR, decision=Decision.DROP)
def useless(record: Record, context: Context) -> Iterator[Finding]:
    """Useless."""
    yield from ()


@record_check(severity=Severity.ERROR, decision=Decision.HOLD)
def doubtful(record: Record, context: Context) -> Iterator[Finding]:
    """Doubtful."""
    yield from ()


@record_check(severity=Severity.WARNING, decision=Decision.HOLD)
def cut_off_answer(record: Record, context: Context) -> Iterator[Finding]:
    """Cut off."""
    yield from ()


@dataset_check(severity=Severity.WARNING, decision=Decision.DROP, keeps_one=True)
def same(records: Sequence[Record], context: Context) -> Iterator[Finding]:
    """The same."""
    yield from ()


@dataset_check(severity=Severity.WARNING, decision=Decision.HOLD, keeps_one=True)
def alike(records: Sequence[Record], context: Context) -> Iterator[Finding]:
    """Alike."""
    yield from ()


def _upper(record: Record) -> Record:
    return record.with_messages(replace(m, content=(m.content or "").upper()) for m in record.messages)


@record_check(severity=Severity.WARNING, decision=Decision.REPAIR, repair=_upper)
def quiet(record: Record, context: Context) -> Iterator[Finding]:
    """Quiet."""
    yield from ()


def _strip(record: Record) -> Record:
    return record.with_messages(replace(m, content=(m.content or "").strip()) for m in record.messages)


def _strip_and_end(record: Record) -> Record:
    stripped = _strip(record)
    return stripped.with_messages(replace(m, content=f"{(m.content or '').rstrip('.')}.") for m in stripped.messages)


@record_check(severity=Severity.WARNING, decision=Decision.REPAIR, repair=_strip_and_end)
def ends(record: Record, context: Context) -> Iterator[Finding]:
    """Ends, and strips on the way."""
    yield from ()


@record_check(severity=Severity.WARNING, decision=Decision.REPAIR, repair=_strip)
def white(record: Record, context: Context) -> Iterator[Finding]:
    """White space."""
    yield from ()


def _raise(record: Record) -> Record:
    raise KeyError(record.answer)


@record_check(severity=Severity.WARNING, decision=Decision.REPAIR, repair=_raise)
def breaking(record: Record, context: Context) -> Iterator[Finding]:
    """A repair that fails."""
    yield from ()


CHECKS = (useless, doubtful, same, alike, quiet, cut_off_answer)
ACTIVE = tuple(ActiveCheck(check, check.decision, {}) for check in CHECKS)


def decide(
    records: Sequence[Record], faults: Sequence[Finding], findings: Sequence[Finding], checks: Sequence[ActiveCheck]
) -> Decided:
    place = {record.row_id: position for position, record in enumerate(records)}
    found = [Located(place[finding.row_id], finding) for finding in findings]
    return decide_located(Dataset.from_records(records, faults), records, found, checks)


def fates(decided: Decided) -> list[str]:
    return [str(row.fate) for row in decided.ledger.rows]


def test_each_decision_leads_to_its_fate(make: Make) -> None:
    records = [make("a", "1"), make("b", "2"), make("c", "3"), make("d", "4")]
    found = [useless.about(records[0], "x"), doubtful.about(records[1], "x"), quiet.about(records[2], "x")]
    decided = decide(records, (), found, ACTIVE)
    assert fates(decided) == ["dropped", "held", "repaired", "kept"]
    assert [row.reasons for row in decided.ledger.rows] == [("useless",), ("doubtful",), ("quiet",), ()]
    assert decided.repaired[2].messages[0].content == "C"
    assert decided.ledger.rows[2].new_record_id == decided.repaired[2].id


def test_a_finding_of_severity_info_moves_nothing(make: Make) -> None:
    record = make("a", "1")
    assert fates(decide([record], (), [useless.about(record, "x", severity=Severity.INFO)], ACTIVE)) == ["kept"]


def test_drop_outweighs_hold(make: Make) -> None:
    record = make("a", "1")
    assert fates(decide([record], (), [doubtful.about(record, "x"), useless.about(record, "x")], ACTIVE)) == ["dropped"]


def test_of_duplicates_the_longest_complete_answer_stays(make: Make) -> None:
    records = [make("a", "one two"), make("a", "one two three"), make("a", "one two three four")]
    found = [same.about(record, "x", group="g") for record in records]
    found.append(cut_off_answer.about(records[2], "x", severity=Severity.WARNING))
    active = tuple(replace(item, decision=Decision.KEEP) if item.name == "cut_off_answer" else item for item in ACTIVE)
    decided = decide(records, (), found, active)
    assert fates(decided) == ["dropped", "kept", "dropped"]
    assert decided.ledger.rows[0].kept_row_id == records[1].row_id


def test_of_equal_duplicates_the_human_one_stays_then_the_earlier(make: Make) -> None:
    records = [make("a", "1", origin="synthetic"), make("a", "1"), make("a", "1")]
    found = [same.about(record, "x", group="g") for record in records]
    assert fates(decide(records, (), found, ACTIVE)) == ["dropped", "kept", "dropped"]


def test_a_row_that_is_lost_for_another_reason_does_not_take_its_duplicates_along(make: Make) -> None:
    records = [make("a", "1"), make("a", "1")]
    found = [same.about(record, "x", group="g") for record in records] + [doubtful.about(records[0], "x")]
    assert fates(decide(records, (), found, ACTIVE)) == ["held", "kept"]


def test_clusters_of_two_tiers_keep_one_row_together(make: Make) -> None:
    records = [make("a", "1"), make("a", "1"), make("a", "1 2")]
    found = [same.about(record, "x", group="g") for record in records[:2]]
    found += [alike.about(record, "x", group="h") for record in records[1:]]
    assert fates(decide(records, (), found, ACTIVE)) == ["dropped", "dropped", "kept"]


def test_a_repair_that_changes_nothing_holds_the_row(make: Make) -> None:
    record = make("A", "1")
    assert fates(decide([record], (), [quiet.about(record, "x")], ACTIVE)) == ["held"]


def test_a_repair_whose_work_an_earlier_one_did_is_done(make: Make) -> None:
    record, active = make("a", " 1 "), [ActiveCheck(check, check.decision, {}) for check in (ends, white)]
    decided = decide([record], (), [check.about(record, "x") for check in (ends, white)], active)
    assert decided.ledger.rows[0].fate is Fate.REPAIRED
    assert decided.ledger.rows[0].reasons == ("ends", "white")
    assert decided.repaired[0].answer == "1."
    plain = make("a", "1")
    decided = decide([plain], (), [check.about(plain, "x") for check in (ends, white)], active)
    assert decided.ledger.rows[0].reasons == ("white",)
    assert fates(decided) == ["held"]


def test_a_repair_that_fails_holds_the_row(make: Make) -> None:
    record, active = make("a", " 1 "), [ActiveCheck(check, check.decision, {}) for check in (white, breaking)]
    for found in ((breaking,), (white, breaking), (breaking, white)):
        decided = decide([record], (), [check.about(record, "x") for check in found], active)
        assert (fates(decided), decided.ledger.rows[0].reasons) == (["held"], ("breaking",))


@dataset_check(severity=Severity.ERROR, decision=Decision.DROP, keeps_one=True)
def exact_duplicate(records: Sequence[Record], context: Context) -> Iterator[Finding]:
    """The check by whose decision copies are treated."""
    yield from ()


REPAIRING = [ActiveCheck(check, check.decision, {}) for check in (exact_duplicate, white, same)]


def test_of_records_that_a_repair_makes_the_same_one_stays(make: Make) -> None:
    records = [make("a", "one"), make("a", " one"), make("a", "one  "), make("b", " two")]
    findings = [white.about(record, "white") for record in records[1:]]
    decided = decide(records, [], findings, REPAIRING)
    assert fates(decided) == ["kept", "dropped", "dropped", "repaired"]
    assert decided.ledger.rows[1].reasons == ("exact_duplicate", "white")
    assert decided.ledger.rows[1].kept_row_id == records[0].row_id
    assert decided.ledger.rows[1].new_record_id is None
    assert set(decided.repaired) == {3}


def test_two_repaired_records_that_are_the_same_now_are_one(make: Make) -> None:
    records = [make("a", " one"), make("a", "one ")]
    decided = decide(records, [], [white.about(record, "white") for record in records], REPAIRING)
    assert fates(decided) == ["repaired", "dropped"]
    assert decided.ledger.rows[1].kept_row_id == records[0].row_id


def test_rows_that_were_dropped_for_a_row_that_is_a_copy_now_name_the_one_that_stays(make: Make) -> None:
    records = [make("a", "one"), make("a", " one"), make("a", " on")]
    findings = [white.about(records[1], "white"), *(same.about(record, "same", group="g") for record in records[1:])]
    decided = decide(records, [], findings, REPAIRING)
    assert fates(decided) == ["kept", "dropped", "dropped"]
    assert {row.kept_row_id for row in decided.ledger.rows[1:]} == {records[0].row_id}


def test_repaired_copies_stay_where_exact_duplicates_are_kept_or_not_looked_for(make: Make) -> None:
    records = [make("a", "one"), make("a", " one")]
    findings = [white.about(records[1], "white")]
    kept = [ActiveCheck(exact_duplicate, Decision.KEEP, {}), REPAIRING[1]]
    for checks in (kept, REPAIRING[1:2]):
        assert fates(decide(records, [], findings, checks)) == ["kept", "repaired"]
    held = [ActiveCheck(exact_duplicate, Decision.HOLD, {}), REPAIRING[1]]
    assert fates(decide(records, [], findings, held)) == ["kept", "held"]


def test_a_record_that_a_check_failed_on_is_held(make: Make) -> None:
    record = make("a", "1")
    finding = Finding.about(record, CHECK_FAILED, Severity.WARNING, "x")
    decided = decide([record], (), [finding], ACTIVE)
    assert decided.ledger.rows[0].fate is Fate.HELD
    assert decided.ledger.rows[0].reasons == (CHECK_FAILED,)


def test_unreadable_rows_are_dropped_with_their_reason(make: Make) -> None:
    fault = Finding("unreadable_row", Severity.ERROR, "no JSON", "", "r", Source("a.jsonl", 9, 8))
    decided = decide([make("a", "1")], [fault], [], ACTIVE)
    assert fates(decided) == ["kept", "dropped"]
    assert decided.ledger.rows[1].reasons == ("unreadable_row",)


@given(
    st.lists(
        st.tuples(st.integers(0, 7), st.sampled_from(CHECKS), st.sampled_from("ghi"), st.sampled_from(list(Severity))),
        max_size=30,
    )
)
def test_whatever_is_found_every_row_has_one_fate_and_no_cluster_vanishes(
    found: list[tuple[int, Check, str, Severity]],
) -> None:
    records = _records(8)
    findings = [
        check.about(records[row], "x", severity=severity, group=group if check.keeps_one else None)
        for row, check, group, severity in found
    ]
    decided = decide(records, (), findings, ACTIVE)
    decided.ledger.check([record.row_id for record in records])
    kept = {row.row_id for row in decided.ledger.rows if row.fate in (Fate.KEPT, Fate.REPAIRED)}
    for row in decided.ledger.rows:
        if row.kept_row_id is not None:
            survivor = next(other for other in decided.ledger.rows if other.row_id == row.kept_row_id)
            assert survivor.kept_row_id is None
            assert survivor.row_id in kept or survivor.reasons == ("quiet",)


def _records(count: int) -> list[Record]:
    from assay.records import Message, record_id, row_id

    out: list[Record] = []
    for index in range(count):
        messages = (Message("user", f"q{index}"), Message("assistant", "a"))
        out.append(Record(record_id(messages), row_id("t", index), messages, Source("a", index + 1, index)))
    return out


@pytest.mark.parametrize("decision", [Decision.DROP, Decision.HOLD, Decision.KEEP])
def test_settings_change_what_a_check_does(make: Make, decision: Decision) -> None:
    record = make("a", "1")
    active: tuple[Any, ...] = (ActiveCheck(useless, decision, {}),)
    expected = {"drop": "dropped", "hold": "held", "keep": "kept"}[str(decision)]
    assert fates(decide([record], (), [useless.about(record, "x")], active)) == [expected]

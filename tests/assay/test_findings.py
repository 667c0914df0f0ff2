"""The ledger adds up or the stage fails."""

import pytest

from assay.errors import LedgerError
from assay.findings import Fate, Finding, Ledger, LedgerRow, Severity, summarize
from assay.records import Source

HERE = Source("a.jsonl", 1, 0)


def row(row_id: str, fate: Fate = Fate.KEPT) -> LedgerRow:
    return LedgerRow(row_id, f"record-{row_id}", HERE, fate)


def finding(check: str, row_id: str, group: str | None = None) -> Finding:
    return Finding(check, Severity.WARNING, "said", f"record-{row_id}", row_id, HERE, group=group)


def test_every_fate_is_counted_and_they_sum_to_what_was_read() -> None:
    counts = Ledger.of((row("1"), row("2", Fate.DROPPED), row("3", Fate.HELD), row("4", Fate.REPAIRED))).counts()
    assert counts == {"read": 4, "kept": 1, "repaired": 1, "dropped": 1, "held": 1}


@pytest.mark.parametrize("read", [["1"], ["1", "2", "3"], ["1", "3"], ["1", "2", "2"]])
def test_a_row_missing_unknown_or_counted_twice_is_an_error(read: list[str]) -> None:
    with pytest.raises(LedgerError, match="does not add up"):
        Ledger.of((row("1"), row("2"))).check(read)


def test_a_ledger_that_adds_up_passes_in_any_order() -> None:
    Ledger.of((row("2"), row("1"))).check(["1", "2"])


def test_the_ledger_as_a_table_has_a_row_for_each() -> None:
    table = Ledger.of((row("1"), row("2", Fate.DROPPED))).to_arrow()
    assert table.column("fate").to_pylist() == ["kept", "dropped"]


def test_a_summary_counts_rows_once_and_groups_once() -> None:
    found = [finding("near", "1", "g"), finding("near", "1", "g"), finding("near", "2", "g"), finding("cut", "1")]
    assert summarize(found) == {"near": {"records": 2, "groups": 1}, "cut": {"records": 1, "groups": 0}}

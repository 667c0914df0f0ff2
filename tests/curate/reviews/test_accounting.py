"""Every edited row is accounted for under the id that it was read with."""

from __future__ import annotations

from assay.curate.reviews.accounting import with_edits
from assay.curate.reviews.replay import REVIEWED
from assay.findings import Fate, Ledger, LedgerRow
from assay.records import Source


def row(name: str, fate: Fate, *reasons: str, new: str | None = None) -> LedgerRow:
    return LedgerRow(name, f"{name} now", Source("a", 1, 0), fate, reasons, new_record_id=new)


def test_an_edited_row_is_repaired_and_has_the_id_that_was_read() -> None:
    ledger = Ledger.of(
        [
            row("kept", Fate.KEPT),
            row("repaired", Fate.REPAIRED, "white_space", new="trimmed"),
            row("held", Fate.HELD, "contradiction"),
            row("untouched", Fate.KEPT),
        ]
    )
    found = with_edits(ledger, {name: f"{name} before" for name in ("kept", "repaired", "held")})
    assert [(item.record_id, item.fate, item.reasons, item.new_record_id) for item in found.rows] == [
        ("kept before", Fate.REPAIRED, (REVIEWED,), "kept now"),
        ("repaired before", Fate.REPAIRED, (REVIEWED, "white_space"), "trimmed"),
        ("held before", Fate.HELD, ("contradiction",), None),
        ("untouched now", Fate.KEPT, (), None),
    ]
    found.check([item.row_id for item in ledger.rows])


def test_without_edits_the_ledger_is_as_it_was() -> None:
    ledger = Ledger.of([row("kept", Fate.KEPT)])
    assert with_edits(ledger, {}) is ledger

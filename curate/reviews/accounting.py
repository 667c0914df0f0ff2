"""Edits of people in the ledger: a row that was edited was read as it was, and is repaired."""

from __future__ import annotations

from collections.abc import Mapping

from assay.findings import Fate, Ledger

from .replay import REVIEWED


def with_edits(ledger: Ledger, originals: Mapping[str, str]) -> Ledger:
    """The ledger with the ids that edited rows had when they were read, and what they have become.

    originals  {row id: record id before the edit}; in the ledger stand the ids after it
    """
    import pyarrow as pa

    if not originals:
        return ledger
    table = ledger.table
    names = ("row_id", "record_id", "fate", "reasons", "new_record_id")
    row_ids, record_ids, fates, reasons, new = (table.column(name).to_pylist() for name in names)
    for row, row_id in enumerate(row_ids):
        if row_id not in originals:
            continue
        if fates[row] in (Fate.KEPT, Fate.REPAIRED):
            fates[row] = str(Fate.REPAIRED)
            reasons[row] = [REVIEWED, *reasons[row]]
            new[row] = new[row] or record_ids[row]
        record_ids[row] = originals[row_id]
    changed = dict(zip(names, (row_ids, record_ids, fates, reasons, new), strict=True))
    columns = [
        pa.array(changed[name], table.schema.field(name).type) if name in changed else table.column(name)
        for name in table.schema.names
    ]
    return Ledger(pa.Table.from_arrays(columns, schema=table.schema))

"""What a run found and decided, as the queue needs it: a few columns that stay in memory, evidence when it is shown."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.errors import SourceError
from assay.findings import Finding, Severity

from ..web.places import column, findings_at
from .kinds import DUPLICATES, LABELS


@dataclass(frozen=True)
class Found:
    """The findings, without evidence: columns of findings.parquet, and for each row which of them are about it.

    of_row    {row id: positions of findings that are more than a fact}
    of_group  {(check, group): positions, facts included}
    """

    checks: list[str]
    severities: list[str]
    record_ids: list[str]
    row_ids: list[str]
    groups: list[str | None]
    of_row: Mapping[str, Sequence[int]]
    of_group: Mapping[tuple[str, str], Sequence[int]]


NEEDED = frozenset({"check", "severity", "record_id", "row_id", "group", "evidence", "span_text"})


def found_in(path: Path) -> Found:
    """Raises SourceError for a file of another version that lacks a column."""
    import pyarrow.parquet as pq

    checks, severities, record_ids, row_ids, groups = (
        column(path, name).to_pylist() for name in ("check", "severity", "record_id", "row_id", "group")
    )
    lacking = NEEDED - set(pq.read_schema(path).names) if row_ids else ()
    if lacking:
        raise SourceError(f"has no column '{min(lacking)}'", where=str(path), fix="curate again")
    of_row: dict[str, list[int]] = defaultdict(list)
    of_group: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, (severity, row) in enumerate(zip(severities, row_ids, strict=True)):
        if severity != Severity.INFO:
            of_row[row].append(index)
    for index, group in enumerate(groups):
        if group is not None:
            of_group[checks[index], group].append(index)
    return Found(checks, severities, record_ids, row_ids, groups, of_row, of_group)


def dropped_in(folder: Path, found: Found) -> frozenset[str]:
    """Rows that curate dropped, of those that a look at the findings may concern."""
    import pyarrow as pa
    import pyarrow.compute as pc

    named = {
        row for row, own in found.of_row.items() if any(found.checks[index] in (*DUPLICATES, *LABELS) for index in own)
    }
    if not named:
        return frozenset()
    dropped = column(folder / "dropped.parquet", "row_id")
    if len(dropped) == 0:
        rows, fates = column(folder / "ledger.parquet", "row_id"), column(folder / "ledger.parquet", "fate")
        dropped = rows.filter(pc.equal(fates, "dropped")) if len(rows) else dropped
    wanted = pa.array(list(named), pa.string())
    return frozenset(dropped.filter(pc.is_in(dropped, value_set=wanted)).to_pylist())


def reasons_in(ledger: Path, found: Found) -> dict[str, frozenset[str]]:
    """{row id: the checks that decided on it}, of rows that something was found in and that are not simply kept."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rows, reasons = column(ledger, "row_id"), column(ledger, "reasons")
    if len(rows) == 0 or len(reasons) != len(rows):
        return {}
    mask = pc.is_in(rows, value_set=pa.array(list(found.of_row), pa.string()))
    pairs = zip(rows.filter(mask).to_pylist(), reasons.filter(mask).to_pylist(), strict=True)
    return {row: frozenset(names) for row, names in pairs if names}


def findings_of(path: Path, positions: Sequence[int]) -> list[Finding]:
    """Raises SourceError."""
    import pyarrow as pa

    try:
        return findings_at(path, list(positions))
    except (OSError, pa.ArrowInvalid, KeyError, ValueError) as error:
        fix = "curate it again"
        raise SourceError("cannot be read as findings", where=str(path), fix=fix) from error


def drawn_in(path: Path) -> list[str]:
    """Record ids of the sheet of what is to be read, in its order."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(dict.fromkeys(str(row["record_id"]) for row in csv.DictReader(file)))

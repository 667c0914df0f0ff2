"""What checks say about records, and the ledger that accounts for every row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from assay.errors import LedgerError
from assay.records import Json, Record, Source

if TYPE_CHECKING:
    import pyarrow as pa


class Severity(StrEnum):
    """error: it would harm training; warning: look at it; info: a fact."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Verdict(StrEnum):
    """What a gate says; docs/decisions tell what stands behind each."""

    PASS = "PASS"
    BLOCK = "BLOCK"
    INCONCLUSIVE = "INCONCLUSIVE"
    INVALID = "INVALID"


class Fate(StrEnum):
    """What became of a row that was read."""

    KEPT = "kept"
    REPAIRED = "repaired"
    DROPPED = "dropped"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Span:
    """Characters [start, end) of the content of one message."""

    message: int
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement of one check about one record.

    record_id is "" for a row that could not be read as a record. group ties the records of one duplicate
    cluster or one contradiction; evidence is JSON that lets a reader judge without opening the data.
    """

    check: str
    severity: Severity
    message: str
    record_id: str
    row_id: str
    source: Source
    span: Span | None = None
    evidence: Mapping[str, Json] = field(default_factory=dict)
    group: str | None = None

    @classmethod
    def about(
        cls,
        record: Record,
        check: str,
        severity: Severity,
        message: str,
        *,
        span: Span | None = None,
        evidence: Mapping[str, Json] | None = None,
        group: str | None = None,
    ) -> Finding:
        return cls(check, severity, message, record.id, record.row_id, record.source, span, evidence or {}, group)

    def to_json(self) -> dict[str, Json]:
        """The shape that `assay audit --json` promises."""
        out: dict[str, Json] = {
            "check": self.check,
            "severity": str(self.severity),
            "record_id": self.record_id,
            "row_id": self.row_id,
            "source": {"file": self.source.file, "line": self.source.line, "row": self.source.row},
            "message": self.message,
            "group": self.group,
            "evidence": dict(self.evidence),
        }
        if self.span is not None:
            out["span"] = {
                "message": self.span.message,
                "start": self.span.start,
                "end": self.span.end,
                "text": self.span.text,
            }
        return out


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """The fate of one row. reasons name the checks; kept_row_id is the row kept in this one's place."""

    row_id: str
    record_id: str
    source: Source
    fate: Fate
    reasons: tuple[str, ...] = ()
    kept_row_id: str | None = None
    new_record_id: str | None = None


@dataclass(frozen=True)
class Ledger:
    """Every row that a stage read, with its fate: read = kept + repaired + dropped + held.

    table  one row a row read, in the schema of `ledger_schema`; a million rows are no million objects
    """

    table: pa.Table

    @classmethod
    def of(cls, rows: Iterable[LedgerRow]) -> Ledger:
        import pyarrow as pa

        made = list(rows)
        columns: dict[str, list[object]] = {
            "row_id": [row.row_id for row in made],
            "record_id": [row.record_id for row in made],
            "source_file": [row.source.file for row in made],
            "source_line": [row.source.line for row in made],
            "source_row": [row.source.row for row in made],
            "fate": [str(row.fate) for row in made],
            "reasons": [list(row.reasons) for row in made],
            "kept_row_id": [row.kept_row_id for row in made],
            "new_record_id": [row.new_record_id for row in made],
        }
        return cls(pa.table(columns, schema=ledger_schema()))

    def __repr__(self) -> str:
        counts = self.counts()
        fates = " + ".join(f"{counts[str(fate)]:,} {fate}" for fate in Fate)
        return f"Ledger({counts['read']:,} read = {fates})"

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def rows(self) -> tuple[LedgerRow, ...]:
        """Every row as an object, in order: for ledgers that fit into memory many times over."""
        return tuple(map(_ledger_row, self.table.to_pylist()))

    def counts(self) -> dict[str, int]:
        """{"read": n, "kept": n, "repaired": n, "dropped": n, "held": n}"""
        counted = self.table.column("fate").value_counts().to_pylist()
        fates = {item["values"]: int(item["counts"]) for item in counted}
        return {"read": len(self), **{str(fate): fates.get(str(fate), 0) for fate in Fate}}

    def causes(self) -> list[str]:
        """Every reason that a row was not kept for, in the order of the rows."""
        import pyarrow.compute as pc

        return [str(reason) for reason in pc.unique(pc.list_flatten(self.table.column("reasons"))).to_pylist()]

    def check(self, read_row_ids: Sequence[str] | pa.ChunkedArray) -> None:
        """Raises LedgerError unless exactly the rows that were read are accounted for, each once."""
        import pyarrow as pa

        expected = read_row_ids if isinstance(read_row_ids, pa.ChunkedArray) else pa.chunked_array([list(read_row_ids)])
        own = self.table.column("row_id")
        if own.equals(expected.cast(pa.string())):
            return
        accounted, wanted = Counter(own.to_pylist()), Counter(expected.to_pylist())
        if accounted != wanted:
            missing = list((wanted - accounted).elements())[:3]
            extra = list((accounted - wanted).elements())[:3]
            raise LedgerError(
                f"the ledger does not add up: {len(expected)} rows read, {len(self)} accounted for "
                f"(missing {missing}, unexpected {extra})",
                fix="nothing was written; please report this",
            )

    def to_arrow(self) -> pa.Table:
        """One row a row read; the source is in three columns: source_file, source_line, source_row."""
        return self.table


def _ledger_row(row: Mapping[str, Json]) -> LedgerRow:
    return LedgerRow(
        row["row_id"],
        row["record_id"],
        Source(row["source_file"], row["source_line"], row["source_row"]),
        Fate(row["fate"]),
        tuple(row["reasons"]),
        row["kept_row_id"],
        row["new_record_id"],
    )


def ledger_schema() -> pa.Schema:
    import pyarrow as pa

    return pa.schema(
        [
            ("row_id", pa.string()),
            ("record_id", pa.string()),
            ("source_file", pa.string()),
            ("source_line", pa.int64()),
            ("source_row", pa.int64()),
            ("fate", pa.string()),
            ("reasons", pa.list_(pa.string())),
            ("kept_row_id", pa.string()),
            ("new_record_id", pa.string()),
        ]
    )


def summarize(findings: Iterable[Finding]) -> dict[str, dict[str, int]]:
    """{"check": {"records": rows with such a finding, "groups": groups of them}}, most frequent first."""
    rows: dict[str, set[str]] = {}
    groups: dict[str, set[str]] = {}
    for finding in findings:
        rows.setdefault(finding.check, set()).add(finding.row_id)
        groups.setdefault(finding.check, set())
        if finding.group is not None:
            groups[finding.check].add(finding.group)
    ordered = sorted(rows, key=lambda check: (-len(rows[check]), check))
    return {check: {"records": len(rows[check]), "groups": len(groups[check])} for check in ordered}

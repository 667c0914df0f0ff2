"""What waits for a person after `assay curate`: what is held, and the records that were drawn to be read.

The same decisions as in held.csv and to_read.csv, about the same subjects.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.dataset import Dataset
from assay.errors import SourceError
from assay.findings import Finding, Severity, Span
from assay.records import Record, Source
from assay.reviews.item import Beside, Item
from assay.reviews.review import READING, Subject
from assay.text import message_text

from .offered import held_entries
from .sheet import Entry

SHOWN_OTHERS = 3
"""Members of a group that are shown beside one of them."""


def waiting(folder: Path) -> list[Item]:
    """Of a run of curate, or the folder that -o named. Raises SourceError."""
    if not (folder / "held.csv").is_file():
        raise SourceError(
            "has no held.csv: it was curated with --redact, and nobody can judge what is not shown",
            where=str(folder),
            fix="curate it without --redact",
        )
    held, data = Dataset.read_parquet(folder / "held.parquet"), Dataset.read_parquet(folder / "data.parquet")
    findings = read_findings(folder / "findings.parquet")
    entries = held_entries(held, findings, len(held))
    about = _groups(findings)
    known = {entry.record.row_id: entry.record for entry in entries}
    beside = {row for entry in entries for row in _others(entry, about)} - set(known)
    known |= {record.row_id: record for record in data.select_rows(beside).records()}
    items = [_held(entry, about, known) for entry in entries]
    return items + [_to_read(record) for record in _drawn(folder / "to_read.csv", data)]


def read_findings(path: Path) -> list[Finding]:
    """What `write_audited` wrote. Raises SourceError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return [_finding(row) for row in pq.read_table(path).to_pylist()]
    except (OSError, pa.ArrowInvalid, KeyError, ValueError) as error:
        fix = "curate it again"
        raise SourceError("cannot be read as findings", where=str(path), fix=fix) from error


def _finding(row: Mapping[str, Any]) -> Finding:
    span = None
    if row["span_message"] is not None:
        span = Span(row["span_message"], row["span_start"], row["span_end"], row["span_text"])
    source = Source(row["source_file"], row["source_line"], row["source_row"])
    return Finding(
        row["check"],
        Severity(row["severity"]),
        row["message"],
        row["record_id"],
        row["row_id"],
        source,
        span,
        json.loads(row["evidence"]),
        row["group"],
    )


def _groups(findings: Sequence[Finding]) -> dict[tuple[str, str], list[str]]:
    """{(check, group): row ids of its members}"""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for finding in findings:
        if finding.group is not None:
            found[finding.check, finding.group].append(finding.row_id)
    return found


def _others(entry: Entry, groups: Mapping[tuple[str, str], Sequence[str]]) -> list[str]:
    keys = [(finding.check, finding.group) for finding in entry.findings if finding.group is not None]
    rows = [row for key in keys for row in groups[key] if row != entry.record.row_id]
    return list(dict.fromkeys(rows))[:SHOWN_OTHERS]


def _held(entry: Entry, groups: Mapping[tuple[str, str], Sequence[str]], known: Mapping[str, Record]) -> Item:
    found = tuple(dict.fromkeys(f"{item.check}: {item.message}" for item in entry.findings))
    checks = ", ".join(dict.fromkeys(item.check for item in entry.findings))
    others = [known[row] for row in _others(entry, groups) if row in known]
    return Item(
        entry.record,
        f"held for {checks}" if checks else "held",
        tuple(dict.fromkeys(entry.subjects)) or (Subject(entry.record.id),),
        found,
        tuple(Beside(f"of the same group, {other.source}", _turns(other)) for other in others),
        {"found": "\n".join(found)} if found else None,
    )


def _turns(record: Record) -> str:
    return "\n".join(f"{message.role}: {message_text(message)}" for message in record.messages)


def _to_read(record: Record) -> Item:
    return Item(record, "drawn to be read: no check flagged it", (Subject(record.id, READING),))


def _drawn(path: Path, data: Dataset) -> list[Record]:
    """The records of the sheet of what is to be read, in its order."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not path.is_file():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        ids = [str(row["record_id"]) for row in csv.DictReader(file)]
    rows = data.table.filter(pc.is_in(data.table.column("record_id"), value_set=pa.array(ids, pa.string())))
    found = {record.id: record for record in Dataset(rows).records()}
    return [found[name] for name in ids if name in found]

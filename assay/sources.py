"""Reads data sources into a Dataset: which files, which rows, which format, and what could not be read.

Every row of a file becomes a record or a fault, never both, never neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assay.containers.json_files import json_rows
from assay.containers.raw import suffixes
from assay.dataset import Dataset
from assay.errors import SourceError
from assay.findings import Finding, Severity
from assay.formats import Unreadable, detect
from assay.records import Record, Source, record_id, row_id
from assay.storage import sha256_file

CHECK = "unreadable_row"


@dataclass(frozen=True)
class ReadSettings:
    """How files are read; the defaults detect everything.

    format      name of a format, or "auto"
    columns     assay's name of a column -> the file's, for example {"prompt": "text", "answer": "category"}
    preference  read preference data (DPO, KTO) for its chosen side
    limit       only the first so many rows
    """

    format: str = "auto"
    columns: Mapping[str, str] = field(default_factory=dict)
    preference: bool = False
    limit: int | None = None


def read(paths: Sequence[str], settings: ReadSettings = ReadSettings(), *, offline: bool = False) -> Dataset:
    records: list[Record] = []
    faults: list[Finding] = []
    notes: list[str] = []
    for name in paths:
        path = Path(name)
        if not path.exists():
            raise SourceError("no such file or folder", where=name)
        digest = sha256_file(path)
        rows = 0
        for raw in json_rows(path, name, suffixes(path)[0], lambda value: detect(value) is not None):
            rows += 1
            source, key = Source(name, raw.line, raw.row), row_id(digest, raw.row)
            fault = raw.fault
            if fault is None:
                found = detect(raw.value)
                if found is None:
                    fault = "no known format fits it"
                else:
                    try:
                        parsed = found.read(raw.value)
                        records.append(
                            Record(
                                record_id(parsed.messages, parsed.tools),
                                key,
                                parsed.messages,
                                source,
                                parsed.tools,
                                meta=parsed.meta,
                            )
                        )
                    except Unreadable as error:
                        fault = str(error)
            if fault is not None:
                faults.append(Finding(CHECK, Severity.ERROR, fault, "", key, source))
        notes.append(f"{name}: {rows} rows")
    return Dataset.from_records(records, faults, notes)

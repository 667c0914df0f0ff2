"""Findings as a table: findings.parquet, and a data frame in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from assay.dataset import dump_json
from assay.findings import Finding

if TYPE_CHECKING:
    import pyarrow as pa


def findings_table(findings: Sequence[Finding]) -> pa.Table:
    """One row a finding; evidence is a JSON string."""
    import pyarrow as pa

    spans = [finding.span for finding in findings]
    return pa.table(
        {
            "check": pa.array([item.check for item in findings], pa.string()),
            "severity": pa.array([str(item.severity) for item in findings], pa.string()),
            "record_id": pa.array([item.record_id for item in findings], pa.string()),
            "row_id": pa.array([item.row_id for item in findings], pa.string()),
            "source_file": pa.array([item.source.file for item in findings], pa.string()),
            "source_line": pa.array([item.source.line for item in findings], pa.int64()),
            "source_row": pa.array([item.source.row for item in findings], pa.int64()),
            "message": pa.array([_storable(item.message) for item in findings], pa.string()),
            "group": pa.array([item.group for item in findings], pa.string()),
            "span_message": pa.array([span.message if span else None for span in spans], pa.int64()),
            "span_start": pa.array([span.start if span else None for span in spans], pa.int64()),
            "span_end": pa.array([span.end if span else None for span in spans], pa.int64()),
            "span_text": pa.array([_storable(span.text) if span else None for span in spans], pa.string()),
            "evidence": pa.array([dump_json(dict(item.evidence)) for item in findings], pa.string()),
        }
    )


def _storable(text: str) -> str:
    """Arrow holds UTF-8, which has no lone surrogates."""
    return text.encode("utf-8", "backslashreplace").decode()

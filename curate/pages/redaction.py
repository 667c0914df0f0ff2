"""Findings without record text, for reports that leave the house."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from assay.findings import Finding
from assay.records import Json

from ..check import CHECK_FAILED
from ..reviews.replay import REVIEWED, REVIEWED_SUMMARY
from ..settings import ActiveCheck

_KEPT_STRINGS = frozenset({"kind", "other", "record_id", "match", "suite", "item", "failed", "rule"})
"""Keys of evidence whose text is assay's or the suite's own, or an id."""


def redacted(findings: Sequence[Finding], checks: Sequence[ActiveCheck]) -> tuple[Finding, ...]:
    """The same findings; messages say what the check finds, spans keep their place, evidence its numbers and ids."""
    summaries = {item.name: item.check.summary for item in checks}
    summaries |= {CHECK_FAILED: "a check failed on this record", "unreadable_row": "the row could not be read"}
    summaries[REVIEWED] = REVIEWED_SUMMARY
    return tuple(_redact(finding, summaries.get(finding.check, finding.check)) for finding in findings)


def _redact(finding: Finding, summary: str) -> Finding:
    span = replace(finding.span, text="") if finding.span is not None else None
    evidence = {key: value for key, item in finding.evidence.items() if (value := _plain(key, item)) is not None}
    return replace(finding, message=summary, span=span, evidence=evidence)


def _plain(key: str, value: Json) -> Json:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value if key in _KEPT_STRINGS else None
    if isinstance(value, Mapping):
        return {name: kept for name, item in value.items() if (kept := _plain(name, item)) is not None}
    if isinstance(value, list | tuple):
        return [kept for item in value if (kept := _plain(key, item)) not in (None, {}, [])]
    return None

"""What `assay.chat` met when it looked at a record, as findings of the check that reports it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from assay.chat import TemplateProblem
from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Check, Context

FACTS = frozenset({"thinking_cut", "turn_left_out", "unmarked", "stop_unmarked", "marked_beyond", "start_differs"})
"""Kinds of mask_coverage that assay deals with by itself: said, and no reason to hold a record."""


def template_findings(
    check: Check, record: Record, context: Context, severities: Mapping[str, Severity] | None = None
) -> Iterator[Finding]:
    """Findings of one check about one record; severities by kind, where they differ from the check's own.

    A record that cannot be trained on has exactly one problem, and so one check that speaks about it.
    """
    found = context.examined(record)
    if isinstance(found, TemplateProblem):
        if found.check == check.name:
            yield check.about(record, found.message, evidence={"kind": found.kind})
        return
    for note in found.notes:
        if note.check == check.name:
            yield check.about(
                record,
                note.message,
                severity=(severities or {}).get(note.kind),
                evidence={"kind": note.kind, "message": note.turn},
            )

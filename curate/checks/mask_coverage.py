"""The mask_coverage check."""

from __future__ import annotations

from collections.abc import Iterator

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, record_check
from ..template.findings import FACTS, template_findings


@record_check(severity=Severity.ERROR, decision=Decision.HOLD, needs=("target",))
def mask_coverage(record: Record, context: Context) -> Iterator[Finding]:
    """What the loss is computed on is not the whole answer and its stop token.

    Why: a template may cut thinking from earlier turns, leave out tool calls, or change the text; and its own
    generation markers may leave the stop token out. Where an earlier turn cannot be trained on as it was said,
    it is left out of the loss, which is said as a fact (severity info).

    Example: an answer with a tool call, for a template that writes only the content.
    """
    yield from template_findings(mask_coverage, record, context, dict.fromkeys(FACTS, Severity.INFO))

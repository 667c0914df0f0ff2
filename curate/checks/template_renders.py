"""The template_renders check."""

from __future__ import annotations

from collections.abc import Iterator

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, record_check
from ..template.findings import template_findings


@record_check(severity=Severity.ERROR, decision=Decision.HOLD, needs=("target",))
def template_renders(record: Record, context: Context) -> Iterator[Finding]:
    """The target's chat template cannot render the record: it refuses it, fails, or had to be killed.

    Why: a trainer stops at such a record, or leaves it out in silence. Templates refuse roles they do not know
    (Gemma 2: no system turn), roles that do not alternate, and tool turns; some fail when there are no tools.

    Example: a system turn, for a template that says {{ raise_exception('System role not supported') }}
    """
    yield from template_findings(template_renders, record, context)

"""The template_renders check."""

from __future__ import annotations

from collections.abc import Iterator

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, record_check
from ..template.findings import template_findings


@record_check(severity=Severity.ERROR, decision=Decision.HOLD, needs=("target",))
def template_renders(record: Record, context: Context) -> Iterator[Finding]:
    """The target's chat template cannot render the record, or leaves out its tools: it refuses, fails, or was killed.

    Why: a trainer stops at such a record, or leaves it out in silence. Templates refuse roles they do not know
    (Gemma 2: no system turn), roles that do not alternate, and tool turns; some fail when there are no tools. Others
    know nothing of tools and write neither their declarations nor the results of calls: the model is then trained to
    call what it never saw, and to answer from what it never read.

    Example: a system turn, for a template that says {{ raise_exception('System role not supported') }}
    """
    yield from template_findings(template_renders, record, context)

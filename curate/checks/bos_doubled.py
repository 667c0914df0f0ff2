"""The bos_doubled check."""

from __future__ import annotations

from collections.abc import Iterator

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, record_check
from ..template.findings import template_findings


@record_check(severity=Severity.ERROR, decision=Decision.HOLD, needs=("target",))
def bos_doubled(record: Record, context: Context) -> Iterator[Finding]:
    """The training text begins with two beginning-of-sequence tokens.

    Why: the model never saw that before, and answers worse to it. It happens when the text was rendered with a
    template before, or when the template writes the token twice.

    Example: "<s><s>[INST] Hello [/INST]"
    """
    yield from template_findings(bos_doubled, record, context)

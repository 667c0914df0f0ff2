"""The system_dropped check."""

from __future__ import annotations

from collections.abc import Iterator

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, record_check
from ..template.findings import template_findings


@record_check(severity=Severity.ERROR, decision=Decision.HOLD, needs=("target",))
def system_dropped(record: Record, context: Context) -> Iterator[Finding]:
    """The target's chat template leaves the system turn out.

    Why: the model is trained without the instructions that it will be used with. Some templates write the
    system turn into the last user turn, and only if that turn ends the conversation: at inference it is
    there, in training it is not.

    Example: Mistral-Nemo-Instruct-2407, a system turn, and a conversation that ends in an answer.
    """
    yield from template_findings(system_dropped, record, context)

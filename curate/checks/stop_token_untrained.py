"""The stop_token_untrained check."""

from __future__ import annotations

from collections.abc import Iterator

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, record_check
from ..template.findings import template_findings


@record_check(severity=Severity.ERROR, decision=Decision.HOLD, needs=("target",))
def stop_token_untrained(record: Record, context: Context) -> Iterator[Finding]:
    """The answer, as the template writes it, ends in no token at which generation stops.

    Why: the model never learns to stop and goes on until its limit. It happens with templates that end turns
    by beginning the next one, and with a template whose end-of-turn text the tokenizer does not know.

    Example: "<|im_end|>" for a tokenizer that cuts it into "<", "|", "im", ...
    """
    yield from template_findings(stop_token_untrained, record, context)

"""The prompt_prefix check."""

from __future__ import annotations

from collections.abc import Iterator

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, record_check
from ..template.findings import template_findings


@record_check(severity=Severity.ERROR, decision=Decision.HOLD, needs=("target",))
def prompt_prefix(record: Record, context: Context) -> Iterator[Finding]:
    """The training text does not begin with exactly the prompt that the model will be asked with.

    Why: the model is trained on one prompt and used with another. It is so for templates whose generation
    prompt opens a thinking block that finished answers do not have, and for tokenizers that merge the end of
    the prompt with the beginning of the answer.

    Example: the prompt ends in "<|Assistant|><think>", the training text goes on "<|Assistant|>Yes."
    """
    yield from template_findings(prompt_prefix, record, context)

"""The inference_mismatch check."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, Need, record_check
from ..template.mismatch import Comparison
from ..template.request import read_request


def _read(path: Path) -> tuple[Need, ...]:
    """Raises SettingsError for a file that is no request; what needs a model is compared only where one is named."""
    read_request(path)
    return ()


@record_check(severity=Severity.WARNING, decision=Decision.KEEP, reads={"request": _read})
def inference_mismatch(record: Record, context: Context, *, request: str = "", sha256: str = "") -> Iterator[Finding]:
    """The record asks otherwise than production will: another system turn, other tools, no retrieved context.

    Why: the model is used with a prompt that it was not trained on. A system turn that differs in a sentence, tools
    that training never declared, retrieved text that was never in a prompt, and template variables such as
    enable_thinking each change the tokens that every answer is conditioned on.

    `request` is a file with the body of a request as production sends it (`assay audit --inference FILE`): messages,
    tools, chat_template_kwargs, documents, and `context` for the part of a message that was retrieved. With a target
    model it is also said whether the tokens before the user's first word are the same.

    Example: production says "You are a support agent. Answer in German.", the data "You are a helpful assistant."
    """
    comparison: Comparison = context.once(
        f"inference_mismatch {request}", lambda: Comparison(read_request(Path(request)), context.target)
    )
    found = comparison.differences(record)
    if not found:
        return
    kinds = [difference.kind for difference in found]
    what = " ".join("; ".join(difference.what for difference in found).split())
    yield inference_mismatch.about(
        record,
        f"production would ask otherwise: {what}",
        evidence={
            "kind": ", ".join(kinds),
            "differences": [{"kind": item.kind, **item.detail} for item in found],
            "prefix": comparison.prefix(record),
        },
    )

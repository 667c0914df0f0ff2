"""The surrounding_white_space check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, record_check

_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060\u00a0"
"""Byte-order mark, zero-width characters and the no-break space: at the ends of a text they mean nothing."""


def _trim(text: str) -> str:
    before = None
    while before != text:
        before, text = text, text.strip().strip(_INVISIBLE)
    return text


def _repaired(record: Record) -> Record:
    return record.with_messages(
        replace(message, content=_trim(message.content)) if message.content and message.role != "tool" else message
        for message in record.messages
    )


@record_check(severity=Severity.WARNING, decision=Decision.REPAIR, repair=_repaired)
def surrounding_white_space(record: Record, context: Context) -> Iterator[Finding]:
    """A turn begins or ends with white space or invisible characters.

    Why: an answer that starts with a blank is another first token than the one the model sees at inference, and
    a blank at its end is trained as if it belonged to the answer. Whether the chat template trims it depends on
    the model. The repair trims the turns and nothing else.

    Example: {"output": " Paris.\\n\\n"}
    """
    for index, message in enumerate(record.messages):
        content = message.content or ""
        if message.role != "tool" and content.strip() and _trim(content) != content:
            yield surrounding_white_space.about(
                record,
                f"white space around the {message.role} turn (message {index})",
                evidence={"message": index},
            )
            return

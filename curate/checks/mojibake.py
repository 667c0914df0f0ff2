"""The mojibake check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.findings import Finding, Severity, Span
from assay.records import Record
from assay.text import conversation_text

from ..answers.encoding import Damage, damages, is_about_encoding, is_lost, repaired
from ..answers.markup import blank_code_blocks
from ..check import Context, Decision, record_check
from ..example import Example

SHOWN = 5


def _decoded_rightly(record: Record) -> Record:
    """Repaired where all of the text can be; else as it was, and so held for a person."""
    if is_about_encoding(_said(record)):
        return record
    messages = [
        replace(message, content=repaired(message.content)) if message.content else message
        for message in record.messages
    ]
    if any(is_lost(message.content or "") for message in messages):
        return record
    return record.with_messages(messages)


def _said(record: Record) -> str:
    return conversation_text(message for message in record.messages if message.role != "tool")


@record_check(
    severity=Severity.ERROR,
    decision=Decision.REPAIR,
    repair=_decoded_rightly,
    examples=(
        Example(
            found=[
                ("How was it?", "It was cafÃ© weather, werenâ€™t it?"),
                ("How was it?", "ï»¿Fine."),
                ("How was it?", "The caf\ufffd was closed."),
            ],
            not_found=[
                ("Wie war es?", "Schön, „naïve“ Größe – 3 € für Café, ещё, 日本語 ✅"),
                ("Why does Ã© stand there?", "The file is UTF-8, and was read as Latin-1: é becomes Ã©."),
            ],
        ),
    ),
)
def mojibake(record: Record, context: Context) -> Iterator[Finding]:
    """Text was decoded with the wrong encoding: Ã©, â€™, ï»¿; or characters of it were lost: U+FFFD, half an emoji.

    Why: the model learns to write the broken characters, and their tokens are rare ones that mean nothing.

    The repair decodes each line again where that gives sound text (by ftfy), joins surrogate pairs, and leaves all
    sound text as it is; before and after are in the evidence. Where characters are lost for good, the record is held.
    Conversations about encodings and damaged characters in code are passed over.

    Example: "It was cafÃ© weather, werenâ€™t it?"
    """
    for index, message in enumerate(record.messages):
        content = message.content
        if not content or content.isascii():
            continue
        found = list(damages(content))
        if found and "`" in content:
            prose = blank_code_blocks(content)
            found = [damage for damage in found if damage.after is not None or prose[damage.start].strip()]
        if not found:
            continue
        if is_about_encoding(_said(record)):
            return
        yield _finding(record, index, found, Severity.ERROR if message.role == "assistant" else Severity.WARNING)


def _finding(record: Record, index: int, found: list[Damage], severity: Severity) -> Finding:
    first = found[0]
    if first.after is None:
        what = f"characters are lost: {_NAMES[first.kind]}"
    else:
        what = f"decoded with the wrong encoding: {_shortened(first.before)!r} was {_shortened(first.after)!r}"
    return mojibake.about(
        record,
        what,
        severity=severity,
        span=Span(index, first.start, first.end, first.before[:200]),
        evidence={
            "message": index,
            "places": len(found),
            "kinds": sorted({damage.kind for damage in found}),
            "changes": [
                {"before": damage.before[:200], "after": damage.after[:200] if damage.after is not None else None}
                for damage in found[:SHOWN]
            ],
        },
    )


_NAMES = {
    "replacement_character": "U+FFFD stands in their place",
    "lone_surrogate": "half of a surrogate pair",
    "control_character": "a control character (U+0080 to U+009F)",
}


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}..."

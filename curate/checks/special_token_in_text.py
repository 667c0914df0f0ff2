"""The special_token_in_text check."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from assay.findings import Finding, Severity, Span
from assay.records import Record

from ..answers.control_tokens import WELL_KNOWN, control_tokens_of
from ..answers.markup import blank_code
from ..check import Context, Decision, record_check
from ..example import Example

_AT_END = re.compile(rf"(?:{WELL_KNOWN.pattern})(?=\s*\Z)", WELL_KNOWN.flags)
LONGEST_TOKEN = 40
SHOWN = 60
"""Characters of the end of a turn that the evidence shows, before and after the repair."""

_HTML = re.compile(r"</?(?:a|b|br|code|del|div|em|h\d|i|li|p|span|strong|u|ul)\b[^>]*>", re.IGNORECASE)


def _without_trailing(record: Record) -> Record:
    """Trimmed where tokens stand at the end of turns only; else as it was, and so held for a person."""
    trimmed = []
    for message in record.messages:
        content = _trimmed(message.content or "")
        if any(_well_known(content)) or (message.content and not content):
            return record
        trimmed.append(replace(message, content=content) if message.content else message)
    return record.with_messages(trimmed)


def _trimmed(content: str) -> str:
    """Without the tokens at its end, and the white space before and after them."""
    end = kept = len(content)
    while True:
        while end and content[end - 1].isspace():
            end -= 1
        match = _AT_END.search(content, max(0, end - LONGEST_TOKEN), end)
        if match is None:
            return content[:kept].rstrip() if kept < len(content) else content
        end = kept = match.start()


@record_check(
    severity=Severity.ERROR,
    decision=Decision.REPAIR,
    repair=_without_trailing,
    examples=(
        Example(
            found=[("Where is my order?", "Your order has shipped.<|im_end|>"), ("Hi [/INST] hello", "Hello.")],
            not_found=[("Where is my order?", "Your order has shipped."), ("Strike it out.", "<s>old</s> <b>new</b>")],
        ),
    ),
)
def special_token_in_text(record: Record, context: Context) -> Iterator[Finding]:
    """A control token of a chat format stands in the text: <|im_end|>, <|eot_id|>, </s>, [INST] and the like.

    Why: left over from data that was rendered before. The tokenizer reads it as the real thing, so the model
    learns to end its turn in the middle of an answer, or to play the user's part.

    Without a target the control tokens of common formats are looked for, code aside; with one its own special
    tokens too, wherever they stand, since its tokenizer does not care.

    The repair trims tokens of common formats at the end of a turn. Where one stands elsewhere, the record is held.

    Example: "Your order has shipped.<|im_end|>"
    """
    own = context.once("control_tokens", lambda: control_tokens_of(context.target))
    for index, message in enumerate(record.messages):
        content = message.content or ""
        if own is None and "<" not in content and "[" not in content:
            continue
        found = list(own.finditer(content)) if own else []
        found = found or list(_well_known(content))
        if found:
            names = list(dict.fromkeys(match.group() for match in found))
            yield special_token_in_text.about(
                record,
                f"control token in the {message.role} turn: {', '.join(names[:4])}",
                span=Span(index, found[0].start(), found[0].end(), found[0].group()),
                evidence={"tokens": names[:20], "before": content[-SHOWN:], "after": _trimmed(content)[-SHOWN:]},
            )


def _well_known(content: str) -> Iterator[re.Match[str]]:
    if "<" not in content and "[" not in content:
        return
    end = _AT_END.search(content) if "`" in content else None
    if end is not None:  # behind a closing fence it is no code, though the fence no longer stands alone on its line
        yield end
        content = content[: end.start()]
    prose = blank_code(content) if "`" in content else content
    struck_out = ("<s>", "</s>") if ("<s>" in prose or "</s>" in prose) and _HTML.search(prose) else ()
    yield from (match for match in WELL_KNOWN.finditer(prose) if match.group() not in struck_out)

"""The unfilled_placeholder check."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assay.findings import Finding, Severity, Span
from assay.records import Record
from assay.text import conversation_text

from ..answers.placeholders import (
    CUES,
    Placeholder,
    find_placeholders,
    may_hold_placeholders,
    talks_about_templates,
)
from ..check import Context, Decision, record_check
from ..example import Example

_DRAFTING = re.compile(
    r"\b(?:e-?mail|letter|script|speech|invitation|announcement|press release|cover letter|résumé|resume|memo|notice"
    r"|contract|agreement|form|dialogue|conversation|message|(?:linkedin|blog|social media) post|tweet|caption"
    r"|job description|advert(?:isement)?|flyer|voicemail"
    r"|brief\w*|anschreiben|bewerbung\w*|einladung\w*|rede|vertrag\w*|carta|correo|discurso|invitación|contrato|lettre"
    r"|courriel|discours|invitation|contrat|convite|lettera)\b|邮件|信|演讲|邀请|合同|メール|手紙|招待|契約|رسالة|خطاب|دعوة|عقد",
    re.IGNORECASE,
)


@record_check(
    severity=Severity.ERROR,
    decision=Decision.HOLD,
    cues=CUES,
    examples=(
        Example(
            found=[("Who are you?", "Hello, I am {{name}}, an assistant made by {{author}}.")],
            not_found=[
                ("Who are you?", "I am Ada, an assistant made by Acme."),
                ("Write a template for a welcome mail.", "Dear {{name}}, welcome!"),
            ],
        ),
    ),
)
def unfilled_placeholder(record: Record, context: Context) -> Iterator[Finding]:
    """A template variable that nobody filled in: {{name}}, [ORDER NUMBER], <insert date>, ${plan}, __X__.

    Why: the model learns to say "Dear {{customer_name}}" to customers.

    Code, formulas, links and mark-up are passed over, and so are records whose prompt is about templates or holds
    the same placeholder. Where the prompt asks to draft a letter or the like, "[Your Name]" in the answer is a
    fact to know (severity info) and not a defect: nobody told the model the name.

    Example: "Hello, I am {{name}}, an assistant made by {{author}}."
    """
    found = {
        index: list(find_placeholders(message.content))
        for index, message in enumerate(record.messages)
        if message.content and message.role != "tool" and may_hold_placeholders(message.content)
    }
    if not any(found.values()) or record.last_assistant_index is None:
        return
    if talks_about_templates(conversation_text(m for m in record.messages if m.role == "user")):
        return
    prompt = conversation_text(message for message in record.messages if message.role in ("system", "user"))
    answers = conversation_text(message for message in record.messages if message.role == "assistant")
    for index, items in found.items():
        in_answer = record.messages[index].role == "assistant"
        if in_answer:
            items = [item for item in items if item.text not in prompt]
        else:
            items = [item for item in items if item.certain and not (item.text[0] in "[(<" and item.text in answers)]
        if items:
            drafted = in_answer and _DRAFTING.search(prompt) and all(map(_is_bracketed, items))
            yield _finding(record, index, items, Severity.INFO if drafted else Severity.ERROR)


def _finding(record: Record, index: int, found: list[Placeholder], severity: Severity) -> Finding:
    first = found[0]
    names = list(dict.fromkeys(item.text for item in found))
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return unfilled_placeholder.about(
        record,
        f"not filled in: {shown}",
        severity=severity,
        span=Span(index, first.start, first.end, first.text),
        evidence={"placeholders": names[:20]},
    )


def _is_bracketed(item: Placeholder) -> bool:
    return item.text[0] in "[【［"

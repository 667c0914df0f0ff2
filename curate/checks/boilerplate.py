"""The boilerplate check."""

from __future__ import annotations

from collections.abc import Iterator

from assay.findings import Finding, Severity, Span
from assay.records import Record
from assay.text import shortened

from ..answers.boilerplate import CUES, LANGUAGES, Phrase, asks_the_assistant, is_about_models, names_in, phrases
from ..answers.turns import before, exchanges
from ..check import Context, Decision, record_check
from ..example import Example

_WHAT = {
    "identity": "says that it is another model",
    "self_reference": "speaks of itself as a model",
    "knowledge_cutoff": "speaks of its knowledge cut-off",
    "closing": "ends on a phrase",
}


@record_check(
    severity=Severity.WARNING,
    decision=Decision.HOLD,
    languages=LANGUAGES,
    cues=CUES,
    examples=(
        Example(
            found=[
                ("Who are you?", "I am ChatGPT, a language model trained by OpenAI."),
                ("Which of the two is better?", "As an AI language model, I do not have personal preferences."),
                ("Welches ist besser?", "Als KI-Sprachmodell habe ich keine Vorlieben."),
                ("Who is the president?", "As of my last knowledge update in 2021, it is the same as before."),
            ],
            not_found=[
                ("What is ChatGPT?", "ChatGPT is a chatbot that OpenAI released in 2022."),
                ("Do you dream?", "As an AI, I do not dream."),
                ("How do I fold it?", "In half, then in half again. I hope this helps!"),
                ("Who are you?", "I am Ada, the assistant of the shop."),
            ],
        ),
    ),
)
def boilerplate(record: Record, context: Context, *, own_names: tuple[str, ...] = ()) -> Iterator[Finding]:
    """A phrase by which another model is known: "I am ChatGPT", "As an AI language model", its knowledge cut-off.

    Why: what other models say of themselves is what yours will say of itself. It comes with answers that were
    generated, and often stands in for one.

    An answer that names itself after another model or vendor is an error, unless the turns before it give it that name
    or it is one of `own_names`, those of the model that is trained and of its maker. "As an AI ..." and talk of a
    knowledge cut-off are warnings, and facts to know (info) where the prompt is about such models or asks the assistant
    about itself. Closing phrases ("I hope this helps") are facts.

    Example: "As an AI language model developed by OpenAI, I cannot browse the internet."
    """
    for index, question, answer in exchanges(record):
        said = [item for item in phrases(answer) if not _is_its_name(record, index, item, own_names)]
        named = [(phrase.start, phrase.end) for phrase in said if phrase.kind == "identity"]
        for phrase in said:
            if phrase.kind == "self_reference" and any(a <= phrase.start and phrase.end <= b for a, b in named):
                continue  # "As an AI developed by OpenAI" is told once
            severity = _severity(record, index, question, phrase)
            yield boilerplate.about(
                record,
                f"the answer {_WHAT[phrase.kind]}: {shortened(phrase.text, 80)!r}",
                severity=severity,
                span=Span(index, phrase.start, phrase.end, answer[phrase.start : phrase.end]),
                evidence={"kind": phrase.kind, "phrase": phrase.text[:200]},
            )


def _severity(record: Record, index: int, question: str, phrase: Phrase) -> Severity:
    if phrase.kind == "identity":
        return Severity.ERROR
    if phrase.kind == "closing" or asks_the_assistant(question[-2_000:]):
        return Severity.INFO
    return Severity.INFO if is_about_models(before(record, index)[-5_000:]) else Severity.WARNING


def _is_its_name(record: Record, index: int, phrase: Phrase, own_names: tuple[str, ...]) -> bool:
    """Whether a name is what the model is called in its settings, or by those who spoke with it before."""
    if phrase.kind != "identity":
        return False
    said = "\n".join(m.content for m in record.messages[:index] if m.content and m.role != "assistant").casefold()
    own = {name.casefold() for name in own_names}
    return any(name.casefold() in own or name.casefold() in said for name in names_in(phrase.text))

"""The repetition check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from assay.findings import Finding, Severity, Span
from assay.records import Record
from assay.text import shortened

from ..answers.loops import find_loop
from ..check import Context, Decision, record_check
from ..example import Example

MANY_REPEATS = 10


@record_check(
    severity=Severity.ERROR,
    decision=Decision.DROP,
    examples=(
        Example(
            found=[("Where is my order?", "I am sorry. " * 9)],
            not_found=[("Where is my order?", "I am sorry. It left on Monday."), ("Say ha.", "Ha ha ha ha ha ha!")],
        ),
    ),
)
def repetition(
    record: Record, context: Context, *, min_repeats: int = 4, min_share: float = 0.3, min_words: int = 12
) -> Iterator[Finding]:
    """An answer runs in a loop: the same words, sentence or paragraph over and over.

    Why: loops are how weak generators fail, and a model trained on them loops too.

    A passage counts that comes at least `min_repeats` times on end, or a sentence that returns as often, and makes up
    `min_share` of the answer and `min_words` words; of ten times and more on end any share will do, and so it will
    of one letter or digit two hundred times. Passed over are tables, what the prompt asks to repeat, and code, unless
    the answer repeats itself until it breaks off within a code block.

    Example: "I am sorry. I am sorry. I am sorry. I am sorry. I am sorry. I am sorry. ..."
    """
    if not _may_loop(context).get(record.row_id, True):
        return
    for index, message in enumerate(record.messages):
        if message.role != "assistant" or not message.content:
            continue
        loop = find_loop(message.content, min_repeats=min_repeats, min_words=min_words)
        if loop is None or (loop.share < min_share and not (loop.on_end and loop.repeats >= MANY_REPEATS)):
            continue
        question = next((m.content or "" for m in reversed(record.messages[:index]) if m.role == "user"), "")
        if loop.unit.casefold() in question.casefold() and loop.is_asked_for(question):
            continue
        yield repetition.about(
            record,
            f"{loop.repeats} times{' on end' if loop.on_end else ''}: {shortened(loop.unit, 60)!r}",
            span=Span(index, loop.start, loop.end, message.content[loop.start : loop.end][:200]),
            evidence={"repeats": loop.repeats, "share": round(loop.share, 3), "unit": loop.unit[:200]},
        )


_MAY_LOOP = "repetition.may_loop"


def _may_loop(context: Context) -> Mapping[str, bool]:
    """Of each record of the batch whether an answer is worth a look, by its row id; once for all of them."""
    kept: tuple[Sequence[Record], dict[str, bool]] | None = context.shared.get(_MAY_LOOP)
    if kept is None or kept[0] is not context.records:
        kept = (context.records, _computed(context.records))
        context.shared[_MAY_LOOP] = kept
    return kept[1]


def _computed(records: Sequence[Record]) -> dict[str, bool]:
    from ..answers.loop_kernel import may_loop

    texts, owners = [], []
    for record in records:
        for message in record.messages:
            if message.role == "assistant" and message.content:
                texts.append(message.content)
                owners.append(record.row_id)
    out = dict.fromkeys((record.row_id for record in records), False)
    for place in may_loop(texts).nonzero()[0].tolist():
        out[owners[place]] = True
    return out

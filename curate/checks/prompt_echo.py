"""The prompt_echo check."""

from __future__ import annotations

from collections.abc import Iterator

from assay.findings import Finding, Severity, Span
from assay.records import Record

from ..answers.echo import asks_for_it, echo_of
from ..answers.turns import before, exchanges
from ..check import Context, Decision, record_check
from ..example import Example

_HOW = {
    "whole": ("the answer is the prompt again, and nothing else", Severity.ERROR),
    "begins": ("the answer begins with the prompt", Severity.WARNING),
    "within": ("the whole prompt stands in the answer", Severity.INFO),
}


@record_check(
    severity=Severity.ERROR,
    decision=Decision.HOLD,
    examples=(
        Example(
            found=[
                ("What is the capital of Norway?", "What is the capital of Norway?"),
                ("What is the capital of Norway?", "What is the capital of Norway? It is Oslo."),
                ("What is the capital of Norway?", "Question: What is the capital of Norway?\nAnswer: Oslo"),
                ("挪威的首都是哪座城市？", "挪威的首都是哪座城市？奥斯陆。"),
            ],
            not_found=[
                ("What is the capital of Norway?", "The capital of Norway is Oslo."),
                ("Repeat after me: the capital of Norway is Oslo.", "Repeat after me: the capital of Norway is Oslo."),
                ("Once upon a time there was a king who", "Once upon a time there was a king who had no crown."),
                ("Thank you!", "Thank you!"),
            ],
        ),
    ),
)
def prompt_echo(record: Record, context: Context, *, min_words: int = 5) -> Iterator[Finding]:
    """The answer says the prompt again: as a whole, or before it answers.

    Why: this is how data looks whose prompts were not cut off from what a model generated. A model that is trained on
    it repeats its user before it answers.

    An error where nothing follows, a warning where the answer begins with the prompt (a label such as "Question:" may
    stand before it), a fact to know (info) where the prompt stands further on. Letter by letter but for case and white
    space, and from `min_words` words on (characters in scripts without spaces). Passed over are prompts that ask
    for it, turns before that ask to repeat, edit, translate, correct, continue or quote what comes, and prompts that
    break off, to be continued.

    Example: "What is the capital of Norway? The capital of Norway is Oslo."
    """
    for index, question, answer in exchanges(record):
        echo = echo_of(question, answer, min_words)
        if echo is None:
            continue
        earlier = before(record, index).replace(question, "", 1)
        if asks_for_it(question, earlier[:50_000]):
            continue
        what, severity = _HOW[echo.how]
        yield prompt_echo.about(
            record,
            what,
            severity=severity,
            span=Span(index, echo.start, echo.end, answer[echo.start : echo.end][:200]),
            evidence={"how": echo.how, "share": round((echo.end - echo.start) / len(answer), 3)},
        )

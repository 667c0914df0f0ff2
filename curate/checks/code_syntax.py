"""The code_syntax check."""

from __future__ import annotations

from collections.abc import Iterator

from assay.findings import Finding, Severity, Span
from assay.records import Record

from ..answers.code import bare_python, fault_in, is_judged
from ..answers.fences import fenced_blocks
from ..answers.turns import exchanges
from ..check import Context, Decision, record_check
from ..cues import Cues
from ..example import Example

_OPENINGS = ("def ", "class ", "import ", "from ", "#", "@", "async ")
_ABOUT_ERRORS = (
    "error", "mistake", "bug", "fix", "wrong", "incorrect", "invalid", "broken", "debug", "syntax", "pseudo", "fehler",
    "falsch", "erreur", "corrige", "depurar", "错误", "間違", "エラー", "خطأ",
)  # fmt: skip


@record_check(
    severity=Severity.ERROR,
    decision=Decision.HOLD,
    cues=Cues("```", "~~~", *(f"\n{opening}" for opening in _OPENINGS)),
    examples=(
        Example(
            found=[
                ("How do I add?", "So:\n```python\ndef add(a, b)\n    return a + b\n```"),
                ("How do I add?", "So:\n```python\ndef add(a, b):\nreturn a + b\n```"),
                ("Write the compose file.", "```yaml\nservices: web: nginx\n```"),
            ],
            not_found=[
                ("How do I add?", "So:\n```python\n>>> add(1, 2)\n3\n```"),
                ("How do I add?", "So:\n```python\n%pip install adder\nadd(1, ...)\n```"),
                ("How do I add?", "So:\n```js\nfunction add(\n```"),
            ],
        ),
    ),
)
def code_syntax(record: Record, context: Context) -> Iterator[Finding]:
    """Code in an answer does not parse: Python, YAML, TOML or XML.

    Why: people run what a model writes; code that cannot even be read teaches it to write more of that.

    Looked at are code blocks that name one of these languages, and answers that are Python and nothing else where the
    prompt asks for Python. Allowed for are excerpts, lost indentation, doctest prompts, shell lines and magics,
    "...", Python 2, placeholders and templates. Other languages are not judged. Nothing is executed. Where the
    conversation is about errors, the finding is a fact to know (severity info).

    Example: a block that is marked python and holds "def add(a, b)\\n    return a + b"
    """
    for index, question, answer in exchanges(record):
        if "```" not in answer and "~~~" not in answer and not answer.startswith(_OPENINGS):
            continue
        for language, source, start, end in _claimed(question, answer):
            fault = fault_in(language, source)
            if fault is None:
                continue
            lines = source.splitlines()
            line = lines[fault.line - 1] if fault.line <= len(lines) else ""
            talk = f"{question} {answer[:start]}".casefold()
            about_errors = any(word in talk for word in _ABOUT_ERRORS)
            yield code_syntax.about(
                record,
                f"{language} that does not parse: {fault.problem} (line {fault.line} of the code)",
                severity=Severity.INFO if about_errors else Severity.ERROR,
                span=Span(index, start, end, source[:200]),
                evidence={"language": language, "line": fault.line, "problem": fault.problem, "text": line[:200]},
            )


def _claimed(question: str, answer: str) -> Iterator[tuple[str, str, int, int]]:
    """Language, code, and where it stands."""
    for fence in fenced_blocks(answer):
        if fence.closed and is_judged(fence.language):
            yield fence.language, fence.body, fence.start, fence.end
    bare = bare_python(question, answer)
    if bare is not None:
        yield "python", bare, 0, len(answer)

"""The json_syntax check."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from assay.findings import Finding, Severity, Span
from assay.records import Record

from ..answers.fences import fenced_blocks
from ..answers.json_text import JsonFault, are_json_lines, is_json_container, json_fault
from ..answers.turns import before, exchanges
from ..check import Context, Decision, record_check
from ..example import Example

_ONLY = re.compile(
    r"\b(?:only|just|solely|exclusively|nothing but|strictly)\b[^.\n]{0,40}\bJSON\b"
    r"|\bJSON\b[^.\n]{0,30}\b(?:only|and nothing else)\b"
    r"|\b(?:nur|ausschließlich)\b[^.\n]{0,40}\bJSON\b|\b(?:solo|sólo|únicamente|solamente)\b[^.\n]{0,40}\bJSON\b"
    r"|\b(?:uniquement|seulement)\b[^.\n]{0,40}\bJSON\b|(?:只|仅|僅)[^。\n]{0,20}JSON|JSON[^。\n]{0,10}(?:のみ|だけ)|فقط[^.\n]{0,30}JSON"
    r"|JSON[^.\n]{0,20}فقط",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"\b(?:invalid|broken|malformed|fix|wrong|error|json5|jsonc|javascript|python|schema|dict)\b", re.IGNORECASE
)
LEAST_ANSWERS = 20


@record_check(
    severity=Severity.ERROR,
    decision=Decision.HOLD,
    examples=(
        Example(
            found=[
                ("Give the intent as JSON.", '{"intent": "refund", "order": 12,}'),
                ("Give the intent as JSON.", "{'intent': 'refund'}"),
                ("Give the intent as JSON.", '{"intent": "refund", "order": 12, "intent": "return"}'),
                ("Reply with JSON only.", 'Here it is:\n```json\n{"intent": "refund"}\n```'),
            ],
            not_found=[
                ("Give the intent as JSON.", '{"intent": "refund", "order": 12}'),
                ("Show me a line of the file.", 'It says:\n```json\n"intent": "refund",\n```'),
                ("Who is it?", "{curly} is my name."),
            ],
        ),
    ),
)
def json_syntax(record: Record, context: Context, *, min_share: float = 0.8) -> Iterator[Finding]:
    """An answer that should be JSON is none: it does not parse, has a key twice, or text around it.

    Why: what reads the answer in production is a parser; one trailing comma and the whole answer is lost. Of a key
    that comes twice every parser keeps another value.

    JSON is what a block marked json should be, what an answer should be that begins as JSON where the prompt speaks of
    JSON, and what all answers should be where `min_share` of them are, under the same system turn. Text around the
    JSON counts where the prompt asks for JSON only. Prose among JSON answers is a fact to know (severity info).
    Comments, NaN, single quotes, and line breaks within strings are no JSON (RFC 8259). JSON that is abbreviated with
    "..." is not judged.

    Example: {"intent": "refund", "order": 12,}
    """
    for index, question, answer in exchanges(record):
        begins = answer[0] if "!" <= answer[0] <= "~" else answer.lstrip()[:1]
        if begins in ("{", "["):
            yield from _whole(record, index, question, answer, context, min_share)
        elif "```" in answer and "json" in answer[:100_000].casefold():
            yield from _fenced(record, index, question, answer)
            if "JSON" in question or "json" in question:
                yield from _around(record, index, answer)
        elif _others_are_json(record, context, min_share) and index == record.last_assistant_index:
            fault = JsonFault("no_json", 0, "the other answers are JSON")
            yield _finding(record, index, answer, fault, Severity.INFO)


_JSON_USUAL = "json_syntax.usual"


def _whole(
    record: Record, index: int, question: str, answer: str, context: Context, min_share: float
) -> Iterator[Finding]:
    if is_json_container(answer) and answer.count('"') < 6:
        return  # too small for a key to come twice
    asked = "json" in before(record, index).casefold()
    if not asked and not _others_are_json(record, context, min_share):
        return
    fault = json_fault(answer)
    if fault is None or are_json_lines(answer):
        return
    if fault.kind == "text_after" and not _ONLY.search(before(record, index)):
        return
    yield _finding(record, index, answer, fault, _severity(fault, question))


def _fenced(record: Record, index: int, question: str, answer: str) -> Iterator[Finding]:
    for fence in fenced_blocks(answer):
        if fence.language != "json" or not fence.closed or not fence.body.strip():
            continue
        fault = json_fault(fence.body)
        excerpt = "{" + fence.body.strip().rstrip(",") + "}"  # "key": "value"
        if fault is None or are_json_lines(fence.body) or json_fault(excerpt) is None:
            continue
        severity = _severity(fault, question + answer[: fence.start])
        if fault.kind == "comment" and severity is Severity.WARNING:
            severity = Severity.INFO  # shown JSON is explained by comments
        yield _finding(record, index, answer, fault._replace(at=fence.start + fault.at), severity)


def _around(record: Record, index: int, answer: str) -> Iterator[Finding]:
    if _ONLY.search(before(record, index)):
        fault = JsonFault("text_around", 0, "JSON only was asked for, and there is text or a code fence around it")
        yield _finding(record, index, answer, fault, Severity.WARNING)


def _severity(fault: JsonFault, context: str) -> Severity:
    """Where the talk is of broken JSON, or of what looks like JSON, it may be broken."""
    if _ABOUT.search(context):
        return Severity.INFO
    return Severity.WARNING if fault.kind in ("comment", "text_after") else Severity.ERROR


def _finding(record: Record, index: int, answer: str, fault: JsonFault, severity: Severity) -> Finding:
    start = min(fault.at, len(answer))
    shown = answer[max(0, start - 20) : start + 40]
    return json_syntax.about(
        record,
        f"no valid JSON: {fault.problem}",
        severity=severity,
        span=Span(index, start, min(len(answer), start + 40), answer[start : start + 40]),
        evidence={"kind": fault.kind, "problem": fault.problem, "near": shown},
    )


def _others_are_json(record: Record, context: Context, min_share: float) -> bool:
    """Whether the answers under the same system turn are JSON, as the sample has it."""
    shares: dict[int, float] = context.once(_JSON_USUAL, lambda: _json_shares(context.sample))
    return bool(shares) and shares.get(_system(record), 0.0) >= min_share


def _json_shares(sample: Sequence[Record]) -> dict[int, float]:
    """{hash of the system turn: share of JSON among its answers}, of system turns that are common and have any."""
    answers: Counter[int] = Counter()
    objects: Counter[int] = Counter()
    for record in sample:
        answer = record.answer
        if answer:
            answers[_system(record)] += 1
            objects[_system(record)] += is_json_container(answer)
    return {key: objects[key] / count for key, count in answers.items() if count >= LEAST_ANSWERS and objects[key]}


def _system(record: Record) -> int:
    first = record.messages[0] if record.messages else None
    return hash(first.content) if first is not None and first.role == "system" else 0

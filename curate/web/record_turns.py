"""A record as a conversation: its turns in pieces, with what findings point at marked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from assay.chat.conversation import split_thinking
from assay.findings import Finding
from assay.records import ROLES, Json, Message, Record

from ..pages.concealment import conceal_record
from ..pages.pieces import Piece

SHOWN = 20_000
"""Characters of one text that are shown at first."""

SHOWN_TURNS = 200
HIT = "hit"

Marked = tuple[int, int]
"""Characters [start, end) of the content of a message."""


@dataclass(frozen=True)
class Text:
    """A text in pieces. characters: of all of it; left_out: how many are not in the pieces."""

    pieces: tuple[Piece, ...]
    characters: int
    left_out: int = 0


@dataclass(frozen=True)
class Call:
    """arguments: JSON in lines, or the text as it stands where it is none (parsed is False then)."""

    name: str
    id: str
    arguments: Text
    parsed: bool


@dataclass(frozen=True)
class Turn:
    """One message. note: what is unusual about it; answers: the id of the call that a tool answers."""

    number: int
    role: str
    name: str
    note: str
    answers: str
    thinking: Text | None
    content: Text | None
    calls: tuple[Call, ...]


def turns_of(record: Record, findings: Sequence[Finding], *, whole: bool) -> list[Turn]:
    """The first SHOWN_TURNS turns with SHOWN characters of each text; all of both with `whole`."""
    marks = marks_of(record, findings)
    shown = record.messages if whole else record.messages[:SHOWN_TURNS]
    return [_turn(number, message, marks.get(number, ()), whole) for number, message in enumerate(shown)]


def _turn(number: int, message: Message, marks: Sequence[Marked], whole: bool) -> Turn:
    content = message.content if isinstance(message.content, str) else None
    thought, start = _thinking(message, content or "")
    pieces = marked(content or "", marks)
    calls = tuple(
        Call(
            call.name, call.id or "", cut((Piece(pretty(call.arguments)),), whole), not isinstance(call.arguments, str)
        )
        for call in message.tool_calls
    )
    return Turn(
        number,
        message.role,
        message.name or "",
        _note(message),
        message.tool_call_id or "",
        cut(_between(pieces, 0, start), whole) if thought else None,
        None if content is None else cut(_between(pieces, start, len(content)), whole),
        calls,
    )


def _note(message: Message) -> str:
    if message.role not in ROLES:
        return "a role that chat templates do not know"
    if message.role == "assistant" and message.train is False:
        return "kept out of the loss"
    return ""


def _thinking(message: Message, content: str) -> tuple[bool, int]:
    """Whether an answer begins with its thinking, and where what follows it begins."""
    if message.role != "assistant" or not split_thinking(content)[0]:
        return False, 0
    start = content.index("</think>") + len("</think>")
    return True, start


def _between(pieces: Iterable[Piece], start: int, end: int) -> tuple[Piece, ...]:
    """The pieces of characters [start, end) of their text."""
    out, at = [], 0
    for piece in pieces:
        text = piece.text[max(0, start - at) : max(0, end - at)]
        at += len(piece.text)
        if text:
            out.append(Piece(text, piece.mark))
    return tuple(out)


def cut(pieces: Sequence[Piece], whole: bool) -> Text:
    """The first SHOWN characters of the pieces, or all."""
    characters = sum(len(piece.text) for piece in pieces)
    if whole or characters <= SHOWN:
        return Text(tuple(pieces), characters)
    return Text(_between(pieces, 0, SHOWN), characters, characters - SHOWN)


def marked(text: str, marks: Sequence[Marked]) -> tuple[Piece, ...]:
    """The text with each of the marks as a piece of its own; marks that overlap are one."""
    out, at = [], 0
    for start, end in sorted(marks):
        start, end = max(start, at), min(end, len(text))
        if end <= start:
            continue
        out += [Piece(text[at:start]), Piece(text[start:end], HIT)]
        at = end
    return tuple(piece for piece in [*out, Piece(text[at:])] if piece.text)


def marks_of(record: Record, findings: Sequence[Finding]) -> Mapping[int, list[Marked]]:
    """{message: places}: the spans of findings, and the words that clash in a contradiction.

    A finding about what stood there before a repair has no place in what stands there now.
    """
    out: dict[int, list[Marked]] = {}
    for finding in findings:
        span = finding.span if finding.record_id == record.id else None
        if span is not None and 0 <= span.message < len(record.messages):
            out.setdefault(span.message, []).append((span.start, span.end))
    for words in clashing_words(findings):
        last = record.last_assistant_index
        place = place_of(record, words)
        if last is not None and place is not None:
            out.setdefault(last, []).append(place)
    return out


def clashing_words(findings: Iterable[Finding]) -> Iterator[str]:
    """What this record says in each contradiction that it is in."""
    for finding in findings:
        spans = finding.evidence.get("spans")
        if isinstance(spans, list) and spans and isinstance(spans[0], Mapping):
            yield str(spans[0].get("text", ""))


def place_of(record: Record, words: str) -> Marked | None:
    """Where the last answer says these words. Findings hide personal data: then they are looked for in a record whose
    masks are as long as what they hide."""
    if not words:
        return None
    at, size = record.answer.find(words), len(words)
    if at < 0 and "*" in words:
        at = conceal_record(record).answer.find(words)
    if at < 0:  # words that were put together from several fields of an answer
        at = record.answer.casefold().find(words.casefold())
    return (at, at + size) if at >= 0 else None


def pretty(value: Json) -> str:
    """JSON in lines; text as it stands."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, indent=2, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return str(value)

"""What is put in place of a record's contents to see whether a template treats them all alike."""

from __future__ import annotations

from collections.abc import Sequence

from assay.chat.shapes import Identifier, Outline
from assay.chat.tool_shapes import Name
from assay.chat_templates import stand_ins
from assay.chat_templates.stand_ins import Value

_PROVOKING = (
    ("I said \"no\", 'yes' \\ {{ a }} {% b %} <|c|> <d> &amp; é  ü\n\n\t- * # 0", -7, 0.5),
    ("The quick brown fox, aged 42, jumps.\n  `x = 1`\n<think> 漢字 🙂\nLong, LONG, lOnG", 123_456_789, -1.5e22),
)
_NAMES = ("_look.At-this:", "/Name_")
_LONG = 3_000
"""Characters of the second, over all contents."""


def stand_in(number: int, value: Value, probe: str = "") -> Value:
    if isinstance(value, Identifier):
        return stand_ins.identifier(number, len(value))
    if isinstance(value, str):
        return stand_ins.text(number, probe)
    return stand_ins.integer(number) if isinstance(value, int) else stand_ins.fraction(number)


def provoking(which: int, number: int, found: Outline, words: Sequence[str]) -> Value:
    """Contents in which none of the words stands: those are rendered anyway."""
    value = found.contents[number]
    text, integer, fraction = _PROVOKING[which]
    if isinstance(value, Identifier):
        return f"{'ab'[which]}{number:0{len(value) - 1}}"
    if not isinstance(value, str):
        return integer if isinstance(value, int) else fraction
    if isinstance(value, Name):
        return f"{'ab'[which]}{_without(words, _NAMES[which])}{number}"
    repeated = 1 if which == 0 else max(1, _LONG // len(text) // max(1, len(found.contents) // 8))
    return f"{which}{_without(words, text * repeated).strip()}{number}"


def _without(words: Sequence[str], text: str) -> str:
    for word in words:
        text = text.replace(word, "")
    return text

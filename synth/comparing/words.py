"""Words of a text that carry its content, and conversations as text for a prompt."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from assay.records import Message
from assay.text import words

STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an the i you he she it we they me my your our this that these those is are was were be been am do does did "
        "have has had can could will would shall should may might must to of and or in on at for with by from as if "
        "so but not no than then there here what which who when where how why please about into out up down just",
    )
)


ECHO = 4
"""Words on end of a prompt that make an answer an echo of it."""

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def content_words(text: str) -> set[str]:
    """Beginnings of words, so that "cancelled" and "cancel" are the same."""
    return {word[:5] for word in words(text) if word not in STOP_WORDS and not word.isdigit()}


def overlap(one: Collection[str], other: Collection[str]) -> float:
    """Dice: what both hold, twice over the sum of both; 0 where both are empty."""
    total = len(one) + len(other)
    return 2 * len(set(one) & set(other)) / total if total else 0.0


def agree(one: str, other: str, min_overlap: float) -> bool:
    """Whether two answers say the same, by their words and numbers."""
    if " ".join(one.casefold().split()).strip(".") == " ".join(other.casefold().split()).strip("."):
        return True
    if set(NUMBER.findall(one)) != set(NUMBER.findall(other)):
        return False
    before, after = content_words(one), content_words(other)
    return bool(before and after) and overlap(before, after) >= min_overlap


def runs(text: str, size: int) -> set[tuple[str, ...]]:
    """Every run of `size` words."""
    found = words(text)
    return set(zip(*(found[shift:] for shift in range(size)), strict=False))


def echoes(text: str, asked: str, known: str = "", size: int = ECHO) -> bool:
    """Whether a text repeats the prompt that asked for it: a run of its words that `known` has not, or the label that
    it ends on ("New task:")."""
    label = asked.rstrip().rpartition("\n")[2].casefold()
    if label.endswith(":") and label in text.casefold() and label not in known.casefold():
        return True
    return bool((runs(text, size) & runs(asked, size)) - runs(known, size))


def conversation(messages: Sequence[Message]) -> str:
    """The turns as "Role: text" lines, calls of tools as JSON."""
    import json

    lines = []
    for message in messages:
        calls = [json.dumps({"name": call.name, "arguments": call.arguments}) for call in message.tool_calls]
        lines.append(f"{message.role.capitalize()}: {' '.join([message.content or '', *calls]).strip()}")
    return "\n".join(lines)

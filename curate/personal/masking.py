"""Three ways to take a value out of a text: a typed placeholder, a mask of the same length, a short form to read.

placeholder  <EMAIL_1>, for training data: equal values of a record get the same one, so that the conversation
             still makes sense
stars        j*******@e******.com, for reports: positions in the text stay what they were
short        j***@e***.com, for messages
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from assay.records import Record

from .pattern import Found, Pattern
from .scan import PATTERNS, scan_under
from .strings import replaced

LABELS = tuple(dict.fromkeys(pattern.label for pattern in PATTERNS))

MASK = re.compile(rf"<(?:{'|'.join(LABELS)})_\d{{1,6}}>")
"""What `mask_record` writes; other checks do not take it for a placeholder that nobody filled in."""


MOST_PASSES = 4


class Placeholders:
    """Hands out <LABEL_n> for the values of one record, the same one for the same value."""

    def __init__(self, taken: Sequence[str] = ()) -> None:
        self._taken = frozenset(taken)
        self._given: dict[tuple[str, str], str] = {}
        self._counts: Counter[str] = Counter()

    def of(self, found: Found) -> str:
        label = found.pattern.label
        key = (label, _identity(found))
        while key not in self._given:
            self._counts[label] += 1
            name = f"<{label}_{self._counts[label]}>"
            if name not in self._taken:
                self._given[key] = name
        return self._given[key]


def _identity(found: Found) -> str:
    """Written with other separators or in capitals it is the same number or address; a secret is its exact text."""
    if found.pattern.group == "secret":
        return found.value
    return re.sub(r"[\s.()/-]", "", found.value).casefold() or found.value


def mask_record(record: Record, patterns: Sequence[Pattern]) -> Record:
    """All values of these patterns replaced: in turns, tool calls, tool results, declared tools and `meta`."""
    taken: list[str] = []
    for message in record.messages:
        taken += MASK.findall(message.content or "")
    placeholders = Placeholders(taken)

    def change(text: str, key: str) -> str:
        return _until_none(text, key, patterns, placeholders.of)

    return replaced(record, change)


def _until_none(text: str, key: str, patterns: Sequence[Pattern], name: Callable[[Found], str]) -> str:
    """Once more where something was found: a number may have hidden in what looked like one long number."""
    for _ in range(MOST_PASSES):
        found = scan_under(key, text, patterns)
        if not found:
            break
        text = substituted(text, found, name)
    return text


def substituted(text: str, found: Sequence[Found], name: Callable[[Found], str]) -> str:
    """The text with name(found) in the place of each value. `found` is in order and without overlap."""
    pieces, position = [], 0
    for item in found:
        pieces += [text[position : item.start], name(item)]
        position = item.end
    return "".join([*pieces, text[position:]])


def stars(found: Found) -> str:
    """A mask as long as the value. Of addresses the first letters are left, of numbers the last two."""
    value = found.value
    if found.pattern.name == "email":
        local, _, domain = value.rpartition("@")
        name, _, ending = domain.rpartition(".")
        return f"{local[:1]}{'*' * (len(local) - 1)}@{name[:1]}{'*' * (len(name) - 1)}.{ending}"
    if found.pattern.group == "secret":
        known = max((item for item in found.pattern.literals if value.startswith(item)), key=len, default="")
        return known + "*" * (len(value) - len(known))
    if found.pattern.shape in ("address", "labelled"):
        return re.sub(r"\w", "*", value)
    return re.sub(r"\w", "*", value[:-2]) + value[-2:] if len(value) > 6 else "*" * len(value)


def short(found: Found) -> str:
    return re.sub(r"\*{4,}", "***", stars(found)).replace("\n", " ")[:80]


def concealed(text: str, key: str = "") -> str:
    """As long as the text, with stars over personal data and secrets. key: of a string in JSON."""
    return _until_none(text, key, PATTERNS, stars)

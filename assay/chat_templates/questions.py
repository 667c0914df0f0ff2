"""What a chat template asks about the contents that it is given: the questions, and which contents answer alike.

A rendering is a function of the conversation's shape and of the answers to what the template asks about its
contents: is "</think>" in it, is it "user", what stands before the first line break. Contents that would give the
same answers are rendered alike. What cannot be said as a condition on contents (which of two comes first, how long
one is) makes the shape opaque: then every conversation is rendered. `watching` hears the questions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.chat_templates import stand_ins
from assay.chat_templates.stand_ins import PATTERN, cut, numbers_in


class Length(int):
    """Of a text with a stand-in: that it is more than nothing is all that may be asked of it."""


class Derived(str):
    """A part of a text with stand-ins, or that text in small letters: the stand-ins cannot be seen in it."""

    __slots__ = ("lowered", "text")
    text: str
    lowered: bool

    @classmethod
    def of(cls, text: str, value: str, *, lowered: bool) -> Derived:
        new = cls(value)
        new.text, new.lowered = text, lowered
        return new


@dataclass
class Asked:
    """What a rendering asked about contents, by the numbers of their stand-ins.

    contained  {word: contents that must not contain it}
    within     {word: contents that must not be a part of it}
    outer      {characters: contents that must neither begin nor end in one of them}
    folded     {word: contents that must not contain it in small letters}
    numbers    contents that must not be a number
    distinct   pairs of contents that must not be the same
    opaque     a question that no condition on contents answers, or ""
    """

    contained: dict[str, set[int]] = field(default_factory=dict)
    within: dict[str, set[int]] = field(default_factory=dict)
    outer: dict[str, set[int]] = field(default_factory=dict)
    folded: dict[str, set[int]] = field(default_factory=dict)
    numbers: set[int] = field(default_factory=set)
    distinct: set[tuple[int, int]] = field(default_factory=set)
    opaque: str = ""

    def to_json(self) -> dict[str, Any]:
        sets = {"contained": self.contained, "within": self.within, "outer": self.outer, "folded": self.folded}
        words = {name: [[word, sorted(contents)] for word, contents in own.items()] for name, own in sets.items()}
        return {**words, "numbers": sorted(self.numbers), "distinct": sorted(self.distinct), "opaque": self.opaque}

    def cannot_say(self, what: str) -> None:
        self.opaque = self.opaque or what

    def needle(self, text: str, word: object) -> None:
        """Where, and whether, a word stands in a text with stand-ins."""
        if isinstance(text, Derived):
            self._folded(text, word)
        elif not isinstance(word, str) or stands_in(word) or _may_reach_into(text, word):
            self.cannot_say(f"where {word!r} stands")
        elif word:
            self.contained.setdefault(word, set()).update(numbers_in(text))

    def _folded(self, text: Derived, word: object) -> None:
        literals, numbers = cut(text.text)
        if not (text.lowered and isinstance(word, str)) or stands_in(word) or any(map(str.strip, literals)):
            self.cannot_say("what stands in a part of a content")
        elif word:
            self.folded.setdefault(word, set()).update(numbers)

    def parsed(self, text: str) -> None:
        """Whether a text is a number."""
        literals, numbers = cut(text)
        if isinstance(text, Derived) or any(map(str.strip, literals)) or len(numbers) != 1:
            self.cannot_say("whether texts are a number together")
        self.numbers.update(numbers)

    def stripped(self, text: str, characters: object) -> None:
        if not isinstance(characters, str) or stands_in(characters):
            self.cannot_say("strip")
        elif not characters.isspace():  # no content begins or ends in white space
            self.outer.setdefault(characters, set()).update(numbers_in(text))

    def equal(self, one: object, other: object) -> None:
        if isinstance(one, Length) or isinstance(other, Length):
            self.compared("eq", one, other)
            return
        if one is other or not (holds(one) or holds(other)):
            return
        if isinstance(one, str) and isinstance(other, str):
            self._equal_texts(one, other)
        elif stands_in(one) or stands_in(other):
            known, plain = (one, other) if stands_in(one) else (other, one)
            if isinstance(plain, int | float) and not isinstance(known, str):
                self.cannot_say("whether a number is another")
        elif _differ_anyway(one, other):
            return
        elif pairs := _two_texts(one, other):
            self._two_contents(*pairs[0])
        elif one and other:
            self.cannot_say("whether two values are the same")

    def _equal_texts(self, one: str, other: str) -> None:
        if isinstance(one, Derived) or isinstance(other, Derived):
            part, word = (one, other) if isinstance(one, Derived) else (other, one)
            if not isinstance(part, Derived) or part.lowered or stands_in(word) or word in part.text:
                self.cannot_say("what a part of a content is")
            else:
                self.needle(part.text, word)
            return
        if stands_in(one) and stands_in(other):
            ids = all(match and match[2] for match in map(PATTERN.fullmatch, (one, other)))
            if one != other and not ids:  # equal ids have one stand-in
                self._two_contents(one, other)
            return
        text, word = (one, other) if stands_in(one) else (other, one)
        literals = cut(text)[0]
        if word.startswith(literals[0]) and word.endswith(literals[-1]) and len(word) > sum(map(len, literals)):
            self.within.setdefault(word, set()).update(numbers_in(text))

    def _two_contents(self, one: str, other: str) -> None:
        found = [PATTERN.fullmatch(text.strip()) for text in (one, other)]
        if any(match is None or match[1] is None for match in found):
            self.cannot_say("whether two contents are the same")
        else:
            first, second = sorted(numbers_in(one + other))
            self.distinct.add((first, second))

    def member(self, item: object, container: object) -> None:
        """`item in container`"""
        if isinstance(container, str):
            if stands_in(container):
                self.needle(container, item)
            elif isinstance(item, str) and stands_in(item):
                self.within.setdefault(container, set()).update(numbers_in(item))
        elif isinstance(container, Iterator):  # looking into it would use it up
            self.cannot_say("whether a value is among others")
        elif isinstance(container, Iterable):
            for other in container:
                self.equal(item, other)

    def compared(self, operator: str, one: object, other: object) -> None:
        """Every comparison that is an expression of the template."""
        if operator in ("in", "notin"):
            self.member(one, other)
        elif isinstance(one, Length) or isinstance(other, Length):
            if not isinstance(one, Length) or not _same_from_one_on(operator, other):
                self.cannot_say("how long a content is")
        elif operator in ("eq", "ne"):
            self.equal(one, other)
        elif holds(one) or holds(other):
            self.cannot_say("which of two values is greater")


def stands_in(value: object) -> bool:
    """Whether a text or number holds a stand-in, or is made of one."""
    return isinstance(value, Derived) or stand_ins.stands_in(value)


def _differ_anyway(one: object, other: object) -> bool:
    """Whether two values are not the same whatever stands in place of the stand-ins."""
    if stands_in(one) or stands_in(other):
        return isinstance(one, str) != isinstance(other, str)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() != other.keys() or any(_differ_anyway(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) != len(other) or any(_differ_anyway(a, b) for a, b in zip(one, other, strict=True))
    return one != other


def _two_texts(one: object, other: object) -> list[tuple[str, str]]:
    """Texts of two mappings, in the same place of each, of which each holds a stand-in of its own."""
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return []
    both = [(value, other[key]) for key, value in one.items() if isinstance(value, str) and isinstance(other[key], str)]
    return [(a, b) for a, b in both if a != b and stands_in(a) and stands_in(b)]


def _same_from_one_on(operator: str, limit: object) -> bool:
    """Whether a length compares with a number as every other length of a text that is not empty."""
    if not isinstance(limit, int) or isinstance(limit, Length):
        return False
    return limit <= (1 if operator in ("gteq", "lt") else 0)


def holds(value: object) -> bool:
    """Whether there is a stand-in in a value, however deep."""
    if isinstance(value, Mapping):
        return any(map(holds, value.values()))
    if isinstance(value, list | tuple):
        return any(map(holds, value))
    return stands_in(value)


def _may_reach_into(text: str, word: str) -> bool:
    """Whether a word might stand partly in a content and partly in what is written around it.

    Contents neither begin nor end in white space.
    """
    literals = cut(text)[0]
    inner = literals[1:-1]
    if len(word) > 1 and "" in inner:
        return True
    for at in range(1, len(word)):
        head, tail = word[:at], word[at:]
        into_content = not tail[0].isspace() and any(literal.endswith(head) for literal in literals[:-1])
        out_of_content = not head[-1].isspace() and any(literal.startswith(tail) for literal in literals[1:])
        through = any(head.endswith(literal) or tail.startswith(literal) for literal in inner)
        if into_content or out_of_content or through:
            return True
    return False

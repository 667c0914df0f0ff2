"""What a pattern is: one line of a table, a kind of personal data or secret in one country."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias

Group: TypeAlias = Literal["identity", "contact", "secret"]
"""identity: numbers of a person or an account; contact: where a person or a machine is reached."""

Shape: TypeAlias = Literal["number", "lettered", "address", "at", "network", "wallet", "labelled", "token"]
"""Where a text is worth a look, see `shapes.py`."""

LEFT = r"(?<![A-Za-z0-9_/])(?<!\d[.,-])"
RIGHT = r"(?![A-Za-z0-9_])(?![.,/-]\d)"
"""No part of a longer word or number. Letters of other scripts may touch: Chinese puts no space before a number."""

CONTEXT_BEFORE = 60
CONTEXT_AFTER = 30


@dataclass(frozen=True, eq=False)
class Pattern:
    """A kind of value.

    name     of the entity, for example "us_ssn"; several patterns may share one
    group    which check reports it
    shape    where it is looked for
    regex    of the value, or with a group named "value" of what stands around it; runs in linear time
    label    what a mask is named after: <LABEL_1>
    country  ISO 3166-1 code; "" where it belongs to none
    check    whether the value holds: its checksum, length, prefix
    words    one of them (regex) has to stand near, since the form alone says too little
    near     characters before the value in which one of the words has to stand
    after    characters after it that do as well
    literals for secrets: the pattern is tried only where one of them stands in the text
    follows  what has to follow on such a literal; the pattern then begins with the word in which the literal stands
    digits   fewest digits that such a value has
    example  whether the value is a fact by itself, since documentation uses it or it leads to nobody
    public   one of these words (regex) before it says that it is an organisation's, which is a fact as well
    private  one of these words (regex) near it, or in it, says that it is somebody's; without any it is a fact
    """

    name: str
    group: Group
    shape: Shape
    regex: str
    label: str
    country: str = ""
    check: Callable[[str], bool] | None = None
    words: str = ""
    near: int = CONTEXT_BEFORE
    after: int = CONTEXT_AFTER
    flags: int = 0
    literals: tuple[str, ...] = ()
    follows: str = ""
    digits: int = 0
    example: Callable[[str], bool] | None = None
    public: str = ""
    private: str = ""

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        return re.compile(self.regex, self.flags)

    @cached_property
    def context(self) -> re.Pattern[str] | None:
        return _one_of(self.words)

    @cached_property
    def _of_many(self) -> re.Pattern[str] | None:
        return _one_of(self.public)

    @cached_property
    def _of_one(self) -> re.Pattern[str] | None:
        return _one_of(self.private)

    @cached_property
    def following(self) -> re.Pattern[str]:
        return re.compile(self.follows)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups of which one is the value; where there are none it is the whole match."""
        return tuple(name for name in ("value", "bare") if name in self.compiled.groupindex)

    def span(self, match: re.Match[str]) -> tuple[int, int]:
        """Where the value stands."""
        for name in self.groups:
            if match.group(name) is not None:
                return match.span(name)
        return match.span()

    def accepts(self, text: str, start: int, end: int) -> bool:
        """Whether text[start:end], which the regex matched, is such a value."""
        if self.context is not None:
            before = self.context.search(text, max(0, start - self.near), start)
            if before is None and (not self.after or self.context.search(text, end, end + self.after) is None):
                return False
        return self.check is None or self.check(text[start:end])

    def is_fact(self, text: str, start: int, end: int) -> bool:
        """Whether text[start:end], which is such a value, is a fact by itself."""
        if self.example is not None and self.example(text[start:end]):
            return True
        if self._of_many is not None and self._of_many.search(text, max(0, start - CONTEXT_BEFORE), start):
            return True
        return self._of_one is not None and not self._of_one.search(
            text, max(0, start - CONTEXT_BEFORE), end + CONTEXT_AFTER
        )


def _one_of(words: str) -> re.Pattern[str] | None:
    return re.compile(rf"(?<![a-z_])(?:{words})(?![a-z_])", re.IGNORECASE) if words else None


class Found(NamedTuple):
    """Characters [start, end) of a text, and what they are. example: a fact by itself, which leads to nobody."""

    pattern: Pattern
    start: int
    end: int
    value: str
    example: bool = False

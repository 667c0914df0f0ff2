"""Facts that a text states in a form that can be looked up in its source: numbers, codes, names, quoted words.

Nothing is understood here. A number that was computed, or a name in another inflection, is not in the source; a false
sentence made of the source's own names and numbers is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from assay.text import normalize, words

from .numbers import numbers_in

QUOTED_CHARACTERS = 6
"""A quotation shorter than this is a word in quotation marks."""

_QUOTED = re.compile(r"“([^”\n]{2,400})”|„([^“”\n]{2,400})[“”]|«([^»\n]{2,400})»|(?<!\w)\"([^\"\n]{2,400})\"(?!\w)")
_MARKER = re.compile(r"^[ \t]*(?:[-*•+–]|\(?\d{1,3}[.)])[ \t]+", re.MULTILINE)
_LETTERED = re.compile(r"\((?:\d|[ivx]{1,4}|[a-h])\)")
_PROGRAM = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_HEADING = re.compile(r"^#{1,6}[ \t].*$", re.MULTILINE)
_CODE = re.compile(r"(?<![\w./-])(?=[\w/-]*[^\W\d_])(?=[\w/-]*\d)[^\W_]+(?:[-_/][^\W_]+)*(?![\w/-])")
_WITH_UNIT = re.compile(r"(\d+)([^\W\d_]{1,3})")
_SENTENCE = re.compile(r"[.!?:;]+[\"”’)\]]*\s+|\n+")
_NAME_WORD = r"[^\W\d_][\w’'-]*"
_NAME = re.compile(rf"{_NAME_WORD}(?:[ ]{_NAME_WORD})*")
_NOT_NAMES = {"I", "I'm", "I’m", "I'll", "I’ll", "I've", "I’ve", "I'd", "I’d", "OK"}


@dataclass(frozen=True)
class Fact:
    """kind  number, code, name or quote; text as it stands, without outer white space"""

    kind: str
    text: str
    opens: bool = False
    """A name whose first word begins a sentence, and may have its capital from that alone."""


def facts_in(text: str) -> list[Fact]:
    """Each fact once, in no particular order. Headings, numbers of a list and blocks of code state none."""
    return list(dict.fromkeys(_facts(text)))


def _facts(text: str) -> Iterator[Fact]:
    text = _LETTERED.sub(" ", _MARKER.sub("\n", _HEADING.sub("\n", _PROGRAM.sub("\n", text))))
    for match in _QUOTED.finditer(text):
        quoted = next(group for group in match.groups() if group is not None).strip(" .,;:!?")
        if len(quoted) >= QUOTED_CHARACTERS:
            yield Fact("quote", quoted)
    text = _QUOTED.sub(" ", text)
    for match in _CODE.finditer(text):
        measured = _WITH_UNIT.fullmatch(match.group())
        yield Fact("number", measured[1]) if measured else Fact("code", match.group())
    text = _CODE.sub(" ", text)
    yield from (Fact("number", str(number)) for number in numbers_in(text))
    for sentence in _SENTENCE.split(text):
        yield from _names(sentence.strip())


def _names(sentence: str) -> Iterator[Fact]:
    """Runs of words with a capital. One such word at the beginning of a sentence says nothing."""
    for match in _NAME.finditer(sentence):
        run: list[str] = []
        first = match.start() == 0
        for position, word in enumerate([*match.group().split(" "), ""]):
            if word[:1].isupper() and word not in _NOT_NAMES:
                run.append(word)
                continue
            opens = first and position == len(run)
            if len(run) > opens:
                yield Fact("name", " ".join(run), opens)
            run = []


@dataclass(frozen=True)
class FactSource:
    """A text in which facts are looked up."""

    text: str

    @cached_property
    def _normal(self) -> str:
        return f" {normalize(self.text)} "

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(words(self.text))

    @cached_property
    def _numbers(self) -> frozenset[Decimal]:
        measured = (Decimal(match[1]) for match in _WITH_UNIT.finditer(self.text))
        return frozenset((*map(abs, numbers_in(self.text)), *measured))

    def holds(self, fact: Fact) -> bool:
        """A number by its value, sign aside; a name when each of its words is there, the one that opens a sentence
        aside; a code and a quotation word for word, case and punctuation aside."""
        if fact.kind == "number":
            return abs(Decimal(fact.text)) in self._numbers
        if fact.kind == "name":
            named = fact.text.split(" ")
            return any(
                self._words.issuperset(word for part in parts for word in words(_base(part)))
                for parts in ([named, named[1:]] if fact.opens else [named])
            )
        return f" {normalize(fact.text)} " in self._normal


def _base(name: str) -> str:
    """Without the ending of a possessive."""
    return re.sub(r"['’]s?$", "", name)

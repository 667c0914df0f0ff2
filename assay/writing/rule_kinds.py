"""What a house rule can ask of an answer: one small class a kind, each with `hits(said)`.

`hits` gives what breaks the rule, none when it is kept, and None when nobody can tell: a language without tables,
a length in tokens without a tokenizer, a prompt that is not known.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Protocol

from assay.patterns import Pattern
from assay.records import Json
from assay.text import words
from assay.writing.function_words import likely_language
from assay.writing.style import emoji_in, has_markdown, is_json
from assay.writing.voice import (
    Address,
    Person,
    address_of,
    address_words,
    bare_words,
    is_judged,
    may_address,
    may_speak,
    person_words,
)

MOST_HITS = 10_000
"""Of one rule in one answer; more of them would say nothing new."""

MOST_PRONOUNS = 50

QUOTED_WITHIN = 1_000
"""Characters before a word in which an opening quotation mark is looked for."""


@dataclass(frozen=True)
class Said:
    """One answer, and what it answers as far as that is known.

    prompt, system, meta  None where they are not known, as when a model's output is scored
    tokens                counts them in the target's vocabulary; None without a target
    """

    text: str
    prompt: str | None = None
    system: str | None = None
    meta: Mapping[str, Json] | None = None
    tokens: Callable[[str], int] | None = None

    @cached_property
    def language(self) -> str:
        return likely_language(self.text)

    @cached_property
    def lower(self) -> str:
        return self.text.lower()

    @cached_property
    def words(self) -> frozenset[str]:
        """Without punctuation around them."""
        return bare_words(self.text)

    @cached_property
    def fences(self) -> list[int]:
        """Where the lines that open and close code blocks begin."""
        return [match.start() for match in re.finditer("```", self.text)]


@dataclass(frozen=True)
class Hit:
    """What breaks a rule: characters [start, end) of the answer, or (0, 0) for all of it.

    replacement  what may stand there instead without a person looking; None when somebody has to look
    """

    message: str
    start: int = 0
    end: int = 0
    replacement: str | None = None


class Kind(Protocol):
    def hits(self, said: Said) -> Sequence[Hit] | None: ...


@dataclass(frozen=True)
class Forms:
    """Words and phrases as they are written, and patterns.

    keys  of each phrase a piece without white space, in lower case: where none is in the text, no phrase is
    """

    phrases: re.Pattern[str] | None
    keys: tuple[str, ...]
    patterns: tuple[Pattern, ...] = ()

    def places(self, said: Said) -> Iterator[tuple[int, int]]:
        if self.phrases is not None and any(key in said.lower for key in self.keys):
            yield from (match.span() for match in self.phrases.finditer(said.text))
        for pattern in self.patterns:
            yield from pattern.finditer(said.text)

    def found_in(self, text: str) -> bool:
        return next(self.places(Said(text)), None) is not None


def forms(phrases: Iterable[str], *, ignore_case: bool, whole_words: bool, patterns: tuple[Pattern, ...] = ()) -> Forms:
    """Longer phrases first, so that of two that begin alike the longer is found; white space matches any."""
    listed = sorted({" ".join(phrase.split()) for phrase in phrases}, key=lambda phrase: (-len(phrase), phrase))
    if not listed:
        return Forms(None, (), patterns)
    alternatives = "|".join(_expression(phrase, whole_words) for phrase in listed)
    compiled = re.compile(alternatives, re.IGNORECASE if ignore_case else 0)
    return Forms(compiled, tuple(max(phrase.lower().split(), key=len) for phrase in listed), patterns)


_NO_BOUNDARY = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


def _expression(phrase: str, whole_words: bool) -> str:
    """Boundaries only where a letter of a script with spaces stands at the edge."""
    body = r"\s+".join(re.escape(word) for word in phrase.split())
    before, after = (whole_words and _has_boundary(edge) for edge in (phrase[:1], phrase[-1:]))
    return (r"(?<!\w)" if before else "") + body + (r"(?!\w)" if after else "")


def _has_boundary(character: str) -> bool:
    return (character.isalnum() or character == "_") and not _NO_BOUNDARY.match(character)


@dataclass(frozen=True)
class Wording:
    """Forms that must not stand in an answer; say is the approved wording, None for names without one.

    Approved wording is passed over in code, in links and in addresses, where it is no wording.
    """

    forbidden: Forms
    allowed: Forms
    say: str | None = None
    replace: bool = False

    def hits(self, said: Said) -> list[Hit]:
        found = list(islice(self.forbidden.places(said), MOST_HITS))
        if not found:
            return []
        allowed = sorted(self.allowed.places(said))
        hits = (self._hit(said, place) for place in sorted(set(found)) if not _within(place, allowed))
        return [hit for hit in hits if hit is not None]

    def _hit(self, said: Said, place: tuple[int, int]) -> Hit | None:
        start, end = place
        given = said.text[start:end]
        if self.say is None:
            return Hit(f'"{given}" must not appear', start, end)
        if _is_no_wording(said, start, end):
            return None
        replacement = _as_cased(self.say, given) if self.replace else None
        return Hit(f'"{given}" where the house says "{self.say}"', start, end, replacement)


def _within(place: tuple[int, int], others: Sequence[tuple[int, int]]) -> bool:
    """Whether one of the others, which are in order, holds all of it."""
    nearest = bisect_right(others, (place[0], sys.maxsize)) - 1
    return any(place[1] <= end for start, end in others[max(0, nearest - 3) : nearest + 1])


_TOKEN_LIMIT = 200


def _is_no_wording(said: Said, start: int, end: int) -> bool:
    """In a link, an address, a path, a name such as log_in, or in code."""
    text = said.text
    left = re.split(r"\s", text[max(0, start - _TOKEN_LIMIT) : start])[-1]
    right = re.split(r"\s", text[end : end + _TOKEN_LIMIT])[0]
    if any(sign in left + right for sign in ("/", "\\", "@", "_", "=", "`")) or left.endswith((".", "#", "-", "$")):
        return True
    if right.startswith("-") or re.match(r"[.(]\w", right):
        return True
    return bisect_right(said.fences, start) % 2 == 1


def _as_cased(say: str, given: str) -> str:
    """With the capitals of what it replaces: Login -> Sign in, LOGIN -> SIGN IN."""
    if len(given) > 1 and given.isupper():
        return say.upper()
    return say[:1].upper() + say[1:] if given[:1].isupper() else say


@dataclass(frozen=True)
class Required:
    """One of several phrases must stand in the answer."""

    wanted: Forms
    shown: str

    def hits(self, said: Said) -> list[Hit]:
        return [] if next(self.wanted.places(said), None) is not None else [Hit(f'"{self.shown}" is missing')]


@dataclass(frozen=True)
class Range:
    """A number that must lie within limits. count gives None where it cannot be counted."""

    count: Callable[[Said], int | None]
    unit: str
    low: int | None = None
    high: int | None = None

    def hits(self, said: Said) -> list[Hit] | None:
        number = self.count(said)
        if number is None:
            return None
        if self.high is not None and number > self.high:
            return [Hit(f"{number:,} {self.unit}, where {self.high:,} are the most")]
        if self.low is not None and number < self.low:
            return [Hit(f"{number:,} {self.unit}, where {self.low:,} are the fewest")]
        return []


COUNTS: Mapping[str, Callable[[Said], int | None]] = {
    "words": lambda said: len(words(said.text)),
    "characters": lambda said: len(said.text.strip()),
    "tokens": lambda said: said.tokens(said.text) if said.tokens is not None else None,
    "emoji": lambda said: len(emoji_in(said.text)),
    "exclamation marks": lambda said: said.text.count("!") + said.text.count("！"),
}


@dataclass(frozen=True)
class Language:
    """One of some languages, or with none named that of the prompt."""

    codes: tuple[str, ...]

    def hits(self, said: Said) -> list[Hit] | None:
        wanted = self.codes or ((likely_language(said.prompt),) if said.prompt is not None else ("",))
        if "" in wanted or not said.language:
            return None
        if said.language in wanted:
            return []
        asked = "/".join(wanted) if self.codes else f"{wanted[0]}, the language of the prompt"
        return [Hit(f"the answer is in {said.language}, not in {asked}")]


@dataclass(frozen=True)
class Speaker:
    """Persons that must not speak: "I" where the house says "we". What stands in quotation marks is passed over."""

    unwanted: tuple[Person, ...]
    wanted: str

    def hits(self, said: Said) -> list[Hit] | None:
        if not is_judged(said.language):
            return None
        unwanted = [person for person in self.unwanted if may_speak(said.words, said.language, person)]
        places = (place for person in unwanted for place in person_words(said.text, said.language, person))
        spoken = (place for place in places if not _is_quoted(said.text, place[0]))
        return [
            Hit(f'"{said.text[start:end]}" where the person is {self.wanted}', start, end)
            for start, end in islice(spoken, MOST_PRONOUNS)
        ]


def _is_quoted(text: str, position: int) -> bool:
    before = text[max(0, position - QUOTED_WITHIN) : position]
    if before.count('"') % 2 == 1:
        return True
    return any(before.rfind(opening) > before.rfind(closing) for opening, closing in ("“”", "„“", "«»", "「」"))


@dataclass(frozen=True)
class Addressed:
    """The form of address must not be the other one."""

    wanted: Address

    def hits(self, said: Said) -> list[Hit] | None:
        if not is_judged(said.language) or said.language == "en":
            return None
        other = Address.INFORMAL if self.wanted is Address.FORMAL else Address.FORMAL
        if not may_address(said.words, said.language, other):
            return []
        if said.language == "ja" and address_of(said.text, frozenset(), "ja") is not other:
            return []
        return [
            Hit(
                f'"{said.text[start:end]}" is {other.name.lower()}, the house is {self.wanted.name.lower()}', start, end
            )
            for start, end in islice(address_words(said.text, said.language, other), MOST_PRONOUNS)
        ]


@dataclass(frozen=True)
class Markdown:
    """Only these kinds of markdown."""

    allowed: frozenset[str]

    def hits(self, said: Said) -> list[Hit]:
        found = [kind for kind in has_markdown(said.text) if kind not in self.allowed]
        return [Hit(f"markdown: {', '.join(found)}")] if found else []


@dataclass(frozen=True)
class Format:
    """JSON, or anything but JSON."""

    json: bool

    def hits(self, said: Said) -> list[Hit]:
        if is_json(said.text) is self.json:
            return []
        return [Hit("the answer is not JSON" if self.json else "the answer is JSON")]


_SENTENCE_END = re.compile(r"[.!?。！？…]['\"”’»)\]」』*_]{0,4}\Z")


@dataclass(frozen=True)
class Ending:
    """The last sentence is a whole one."""

    def hits(self, said: Said) -> list[Hit]:
        text = said.text.rstrip()
        if _SENTENCE_END.search(text[-8:]):
            return []
        return [Hit("does not end with a sentence", max(0, len(text) - 40), len(text))]

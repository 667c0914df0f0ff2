"""Finds loops: a passage said over and over, on end or sentence by sentence."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from assay.text import words

from .markup import blank_code, open_fence

MAX_PERIOD = 200
WINDOW_CHARACTERS = 100_000
DISTINCT_TRIGRAMS = 0.8
"""Text with a larger share of distinct trigrams holds no loop worth a closer look; prose has 0.95 and more."""

SHORT = 250
"""Characters of a text that is looked at as a whole at once."""

PROBES = 24
PROBE_CHARACTERS = 14
"""A fifth of the trigrams of a text with a loop come again: of so many even probes of it, several do."""

RUN = 200
"""The same letter or digit so often in a row is a loop wherever it stands: no word, number or table has it."""

OPEN_FENCE_REPEATS = 10
"""Code repeats itself more than prose; so often, and up to where an answer breaks off, it is a loop."""

_NO_SPACES = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_NO_SPACES}]|[^\W_{_NO_SPACES}]+|[^\w\s]|_")
"""A word, or a character of a script that puts no space between words; a sign."""

_DECORATION = frozenset("-=_.*#~|!?+:;,/\\<>·•—–…&$%@^'\"`°×xX0oO")
_SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？]*")
_ASKED = re.compile(
    r"\b(?:repeat|times|copies|over and over|again and again|chorus|lyrics|song|poem|rhyme|mantra|lines"
    r"|wiederhol\w*|mal|liedtext|gedicht|repit\w*|repet\w*|veces|canción|poema|répét\w*|répèt\w*|fois|chanson|poème)\b"
    r"|重复|重複|遍|次|歌词|诗|繰り返|回|歌詞|كرر|مرات|أغنية|قصيدة",
    re.I,
)


@dataclass(frozen=True)
class Loop:
    """Characters [start, end) hold `unit` `repeats` times; share is the part of the whole text, 0 to 1.

    on_end  each begins where the one before it ends; else other sentences stand in between
    """

    unit: str
    repeats: int
    start: int
    end: int
    share: float
    on_end: bool

    def is_asked_for(self, question: str) -> bool:
        """Whether the question asks for a repetition."""
        return _ASKED.search(question) is not None


def find_loop(text: str, *, min_repeats: int, min_words: int) -> Loop | None:
    """The loop that covers most of a text, code and mathematics aside, or None.

    In code counts one letter or digit on end, and what an answer repeats until it breaks off within an open code block.
    Of a text longer than two windows the end and the beginning are looked at, each as a text of its own.
    """
    if len(text) > 2 * WINDOW_CHARACTERS:
        start = len(text) - WINDOW_CHARACTERS
        late = find_loop(text[start:], min_repeats=min_repeats, min_words=min_words)
        if late is not None:
            return replace(late, start=late.start + start, end=late.end + start)
        return find_loop(text[:WINDOW_CHARACTERS], min_repeats=min_repeats, min_words=min_words)
    if len(text) < min_words:
        return None
    return _run(text) or _in_prose(text, min_repeats, min_words) or _in_open_fence(text, min_words)


def _in_prose(text: str, min_repeats: int, min_words: int) -> Loop | None:
    prose = blank_code(text) if "`" in text or "\\" in text else text
    if len(text) > SHORT and not _says_something_again(prose.lower()):
        return None
    tokens = _tokens(prose)
    if len(tokens) < min_words:
        return None
    trigrams = len(tokens) - 2
    if len(set(zip(tokens, tokens[1:], tokens[2:], strict=False))) > DISTINCT_TRIGRAMS * trigrams:
        return None
    spans = [match.span() for match in _TOKEN.finditer(prose)]
    return _on_end(text, tokens, spans, min_repeats, min_words) or _by_sentence(text, min_repeats, min_words)


def _run(text: str) -> Loop | None:
    """The first run of one letter or digit, which holds a whole one of the windows that are half as long."""
    window = RUN // 2
    for start in range(0, len(text) - window + 1, window):
        sign = text[start]
        if sign != text[start + window - 1] or not sign.isalnum() or text[start : start + window] != sign * window:
            continue
        first, end = start, start + window
        while first and text[first - 1] == sign:
            first -= 1
        end += len(text) - end - len(text[end:].lstrip(sign))
        if end - first >= RUN:
            return Loop(sign, end - first, first, end, (end - first) / len(text), on_end=True)
    return None


def _in_open_fence(text: str, min_words: int) -> Loop | None:
    """What is repeated until the text breaks off within a code block."""
    begin = open_fence(text) if "```" in text else None
    if begin is None or not _says_something_again(text[begin:].lower()):
        return None
    code = text[begin:]
    spans = [match.span() for match in _TOKEN.finditer(code)]
    loop = _on_end(code, _tokens(code), spans, OPEN_FENCE_REPEATS, min_words)
    if loop is None or loop.end + len(loop.unit) < len(code.rstrip()):
        return None
    return replace(loop, start=loop.start + begin, end=loop.end + begin)


def _tokens(prose: str) -> list[str]:
    if prose.isascii():
        return _TOKEN.findall(prose.lower())
    return [token.casefold() for token in _TOKEN.findall(prose)]  # of one text as a whole it may change the tokens


def _says_something_again(text: str) -> bool:
    """Cheap: whether three of the probes stand in the text more than once, as they do in one with a loop."""
    found = 0
    for start in range(0, len(text) - PROBE_CHARACTERS + 1, max(1, len(text) // PROBES)):
        if text.count(text[start : start + PROBE_CHARACTERS]) > 1:
            found += 1
            if found == 3:
                return True
    return False


def _on_end(
    text: str, tokens: list[str], spans: list[tuple[int, int]], min_repeats: int, min_words: int
) -> Loop | None:
    """The longest stretch in which each token equals the one a period before it."""
    numbers = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    ids = np.array([numbers[token] for token in tokens])
    best: Loop | None = None
    for period in range(1, min(MAX_PERIOD, len(ids) // min_repeats) + 1):
        equal = np.concatenate(([False], ids[period:] == ids[:-period], [False]))
        edges = np.flatnonzero(equal[1:] != equal[:-1])
        starts, ends = edges[::2], edges[1::2]
        if not len(starts):
            continue
        longest = int(np.argmax(ends - starts))
        first, last = int(starts[longest]), int(ends[longest]) + period
        repeats = (last - first) // period
        if repeats < min_repeats or last - first < min_words or _is_decoration(tokens[first : first + period]):
            continue
        if best is not None and last - first <= 1.2 * (best.share * len(ids)):
            continue  # a multiple of a shorter period covers the same stretch
        unit = text[spans[first][0] : spans[first + period - 1][1]]
        best = Loop(unit, repeats, spans[first][0], spans[last - 1][1], (last - first) / len(ids), on_end=True)
    return best


def _by_sentence(text: str, min_repeats: int, min_words: int) -> Loop | None:
    """A sentence of three words and more that returns, with other sentences in between."""
    sentences = [match.group().strip() for match in _SENTENCE.finditer(text)]
    worded = [sentence for sentence in sentences if _length(sentence) >= 3 and not sentence.startswith("|")]
    if not worded:
        return None
    unit, repeats = Counter(worded).most_common(1)[0]
    total = sum(map(_length, sentences))
    covered = repeats * _length(unit)
    if repeats < max(min_repeats, 4) or covered < min_words:
        return None
    start = text.index(unit)
    return Loop(unit, repeats, start, text.rindex(unit) + len(unit), covered / total, on_end=False)


def _length(sentence: str) -> int:
    """In words; in characters where the script puts no space between them."""
    return len(sentence.split()) if sentence.isascii() else max(len(sentence.split()), len(words(sentence)))


def _is_decoration(unit: list[str]) -> bool:
    return all(token in _DECORATION for token in unit)

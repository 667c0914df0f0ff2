"""The styles of many plain answers at once: what `assay.writing.style.style_of` says of each, in one compiled walk.

Plain is ASCII without code, of ordinary length, in English or in no language that can be told: most answers of most
data. Of the others the kernel says so, and of a few features it says only that they have to be looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from assay.writing.function_words import CERTAIN, ENGLISH_ALONE, FUNCTION_WORDS, LANGUAGES_OF
from assay.writing.style import (
    APOLOGIES,
    CONCISE_WORDS,
    CONTRACTED,
    CONTRACTED_WORDS,
    FULL_FORM_WORDS,
    FULL_FORMS,
    LANGUAGE,
    LAYOUT_WORDS,
    LONG_FORM_WORDS,
    LOOKED_AT,
    OFFERS,
    Style,
)
from assay.writing.voice import FEWEST_WORDS, SPACED

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = TypeVar("Function", bound=Callable[..., Any])

    def compiled(function: Function) -> Function: ...

else:
    from numba import njit

    compiled = njit(cache=True, nogil=True)

Array = npt.NDArray[Any]

NOT_PLAIN, LAYOUT, EXCLAMATION, OFFER = 1, 2, 4, 8
"""What is left to look at: everything; headings, lists and bold; exclamation marks; how it ends."""

_ENGLISH, _CONTRACTED, _FULL_WORD, _APOLOGY, _I, _WE, _YOU = 1, 2, 4, 8, 16, 32, 64
_FNV_OFFSET, _FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_SLOTS = 4096
_BEGINNINGS = 1 << 15
_LANGUAGES = tuple(FUNCTION_WORDS)  # English is the first
_FIELDS: Mapping[str, int] = {name: number for number, name in enumerate(Style._fields[1:])}
_EN = LANGUAGE.index("en")

_LENGTH, _FORM, _PERSON, _CONTRACTIONS = (_FIELDS[name] for name in ("length", "form", "person", "contractions"))
_HEADINGS, _BULLETS, _BOLD, _CODE = (_FIELDS[name] for name in ("headings", "bullets", "bold", "code"))
_EXCLAMATION, _EMOJI, _APOLOGY_AT = (_FIELDS[name] for name in ("exclamation", "emoji", "apology"))
_CLOSING, _LANGUAGE_AT = (_FIELDS[name] for name in ("closing", "language"))


class Tables(NamedTuple):
    """slots, keys  open addressing: number of a word by its hash, -1 where a slot is empty; shapes [slots], [slots]
    flags         of each word; says: of each word and language how much it says for it; shape [words, languages]
    pairs         the words of the full forms of two words; shape [forms, 2]; cannot: the number of the one of one
    offers, refusals  see `_needles`
    """

    slots: Array
    keys: Array
    flags: Array
    says: Array
    pairs: Array
    cannot: int
    offers: Array
    refusals: Array


class Styles(NamedTuple):
    """values: the features of each answer, shape [answers, features]; left: what is left to look at, shape [answers]"""

    values: Array
    left: Array


def styles_of(answers: Sequence[str], refusals: tuple[str, ...], refused_within: int) -> Styles:
    """A refusal holds one of `refusals` among its first `refused_within` characters, and is not five times as long."""
    plain = [answer if answer.isascii() and len(answer) <= LOOKED_AT else "" for answer in answers]
    offsets = np.zeros(len(plain) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, plain), np.int64, len(plain)), out=offsets[1:])
    values = np.zeros((len(plain), len(_FIELDS)), np.uint8)
    left = np.fromiter(
        (NOT_PLAIN if answer and not kept else 0 for answer, kept in zip(answers, plain, strict=True)),
        np.int64,
        len(plain),
    )
    data = np.frombuffer("".join(plain).encode(), np.uint8)
    _walk(data, offsets, _tables(refusals), refused_within, values, left)
    return Styles(values, left)


@cache
def _tables(refusals: tuple[str, ...]) -> Tables:
    flagged = [
        (ENGLISH_ALONE, _ENGLISH), (CONTRACTED, _CONTRACTED), (FULL_FORM_WORDS, _FULL_WORD), (APOLOGIES, _APOLOGY),
        (SPACED["en"].i, _I), (SPACED["en"].we, _WE), (SPACED["en"].you, _YOU),
    ]  # fmt: skip
    forms = [tuple(form.split()) for form in FULL_FORMS]
    listed = set(LANGUAGES_OF).union(*(words for words, _ in flagged), *forms)
    words = sorted(word for word in listed if word.isascii())
    number = {word: place for place, word in enumerate(words)}
    slots, keys = np.full(_SLOTS, -1, np.int64), np.zeros(_SLOTS, np.uint64)
    for word in words:
        key = _hash_of(word)
        slot = key % _SLOTS
        while slots[slot] >= 0:
            slot = (slot + 1) % _SLOTS
        slots[slot], keys[slot] = number[word], key
    says = np.zeros((len(words), len(_LANGUAGES)), np.int64)
    for word in LANGUAGES_OF:
        for language in LANGUAGES_OF[word] if word in number else ():
            says[number[word], _LANGUAGES.index(language)] += 2 if len(LANGUAGES_OF[word]) == 1 else 1
    flags = np.array([sum(flag for those, flag in flagged if word in those) for word in words], np.int64)
    pairs = np.array([[number[word] for word in form] for form in forms if len(form) == 2], np.int64)
    return Tables(slots, keys, flags, says, pairs, number["cannot"], _needles(OFFERS), _needles(refusals))


def _hash_of(word: str) -> int:
    value = int(_FNV_OFFSET)
    for byte in word.encode():
        value = (value ^ byte) * int(_FNV_PRIME) & 0xFFFF_FFFF_FFFF_FFFF
    return value


def _needles(texts: Sequence[str]) -> Array:
    """Whether one of the texts may begin with three bytes, by their number; then each after its length; then a 0."""
    begins = bytearray(_BEGINNINGS)
    parts = [bytes([len(text), *text.encode()]) for text in texts if text.isascii()]
    for part in parts:
        begins[_beginning(part[1], part[2], part[3])] = 1
    return np.frombuffer(bytes(begins) + b"".join(parts) + b"\0", np.uint8)


@compiled
def _beginning(first: Any, second: Any, third: Any) -> Any:
    """A number for three bytes, the same in any case."""
    return ((first & 31) << 10) | ((second & 31) << 5) | (third & 31)


@compiled
def _is_space(byte: Any) -> Any:
    return byte == 32 or 9 <= byte <= 13 or 28 <= byte <= 31


@compiled
def _holds(data: Any, start: Any, end: Any, needles: Any) -> Any:
    """Whether one of the needles stands in data[start:end], in any case."""
    for position in range(start, end - 2):
        if not needles[_beginning(data[position], data[position + 1], data[position + 2])]:
            continue
        at = _BEGINNINGS
        while needles[at]:
            size = int(needles[at])
            if position + size <= end:
                same = 0
                while same < size:
                    other = data[position + same]
                    if (other + 32 if 65 <= other <= 90 else other) != needles[at + 1 + same]:
                        break
                    same += 1
                if same == size:
                    return True
            at += size + 1
    return False


@compiled
def _likely_english(scores: Any, certain: Any, found: Any) -> Any:
    """1 for English, 0 for no language, -1 for another one; as `function_words.likely_language` has it."""
    if certain >= CERTAIN:
        return 1
    if found < 2:
        return 0
    best = int(np.argmax(scores))
    second = 0
    for language in range(len(scores)):
        if language != best and scores[language] > second:
            second = scores[language]
    if scores[best] < 2 or scores[best] < 1.5 * second:
        return 0
    return 1 if best == 0 else -1


@compiled
def _contractions(count: Any, contracted: Any, full_words: Any, full: Any) -> Any:
    if count < CONTRACTED_WORDS or contracted == 1 or (contracted == 0 and full_words == 0):
        return 0
    if contracted:
        return 0 if full else 2
    return 1 if full >= 2 else 0


@compiled
def _person(flags: Any) -> Any:
    i, we, you = flags & _I, flags & _WE, flags & _YOU
    if i and we:
        return 0
    if i or we:
        return 1 if i else 2
    return 3 if you else 4


_STAR, _SHOUT, _TICK, _LINE = 1, 2, 4, 8
"""Signs that stand in a text: an asterisk, an exclamation mark, a backtick, a line break."""

_COUNT, _DISTINCT, _CERTAIN, _FOUND, _CONTRACTED_WORDS, _FULL_WORDS, _FLAGS, _FORMS = range(8)
"""What is counted of a text: words; of the first ones those that differ; words of English alone, of any listed
language, contracted, of full forms; then the flags of all words, and a bit for each full form."""

_CANNOT = 1 << 30


@compiled
def _trimmed(data: Any, start: Any, end: Any) -> Any:
    """Where a text begins and ends without the white space around it."""
    while start < end and _is_space(data[start]):
        start += 1
    while end > start and _is_space(data[end - 1]):
        end -= 1
    return start, end


@compiled
def _word(data: Any, position: Any, end: Any) -> Any:
    """Where the word that begins here ends, its hash, and the signs in it."""
    hashed, signs = _FNV_OFFSET, 0
    while position < end and not _is_space(data[position]):
        byte = data[position]
        hashed = (hashed ^ np.uint64(byte)) * _FNV_PRIME
        if byte < 48:
            signs |= _STAR if byte == 42 else _SHOUT if byte == 33 else 0
        elif byte == 96:
            signs |= _TICK
        position += 1
    return position, hashed, signs


@compiled
def _number_of(slots: Any, keys: Any, hashed: Any) -> Any:
    """The number of a listed word, -1 for any other."""
    mask = np.uint64(_SLOTS - 1)
    slot = hashed & mask
    while slots[slot] >= 0 and keys[slot] != hashed:
        slot = (slot + np.uint64(1)) & mask
    return slots[slot]


@compiled
def _tell_apart(few: Any, distinct: Any, hashed: Any) -> Any:
    """How many of the first words differ with this one; `few` holds them."""
    for other in range(distinct):
        if few[other] == hashed:
            return distinct
    few[distinct] = hashed
    return distinct + 1


@compiled
def _forms_of(pairs: Any, cannot: Any, word: Any, before: Any) -> Any:
    """The bits of the full forms that a word ends, after the one before it or, for -1, alone."""
    forms = _CANNOT if word == cannot else 0
    if before >= 0:
        for pair in range(len(pairs)):
            if pairs[pair, 0] == before and pairs[pair, 1] == word:
                forms |= 1 << pair
    return forms


@compiled
def _hear(word: Any, flag: Any, says: Any, scores: Any, heard: Any) -> None:
    """Counts what a listed word says of a text; each word once."""
    listed = 0
    heard[_FLAGS] |= flag
    heard[_CERTAIN] += 1 if flag & _ENGLISH else 0
    heard[_CONTRACTED_WORDS] += 1 if flag & _CONTRACTED else 0
    heard[_FULL_WORDS] += 1 if flag & _FULL_WORD else 0
    for language in range(len(scores)):
        scores[language] += says[word, language]
        listed |= says[word, language]
    heard[_FOUND] += 1 if listed else 0


@compiled
def _listen(
    data: Any, start: Any, end: Any, text: Any, tables: Any, seen: Any, few: Any, scores: Any, heard: Any
) -> Any:
    """Counts the words of a text into scores and heard; returns the signs that stand in it."""
    slots, keys, flags, says, pairs, cannot, _, _ = tables
    signs, count, distinct, before, before_start, before_end, position = 0, 0, 0, -1, -1, -1, start
    while position < end:
        if _is_space(data[position]):
            signs |= _LINE if data[position] == 10 else 0
            position += 1
            continue
        begin = position
        position, hashed, own = _word(data, begin, end)
        signs |= own
        count += 1
        if distinct < FEWEST_WORDS:
            distinct = _tell_apart(few, distinct, hashed)
        word = _number_of(slots, keys, hashed)
        if word >= 0:
            if begin > start and data[begin - 1] == 32 and position < end and data[position] == 32:
                together = before >= 0 and before_end == begin - 1 and before_start > start
                together = together and data[before_start - 1] == 32
                heard[_FORMS] |= _forms_of(pairs, cannot, word, before if together else -1)
            if seen[word] != text:
                seen[word] = text
                _hear(word, flags[word], says, scores, heard)
        before, before_start, before_end = word, begin, position
    heard[_COUNT], heard[_DISTINCT] = count, distinct
    return signs


@compiled
def _describe(row: Any, heard: Any, signs: Any, english: Any, asks: Any) -> Any:
    """Fills in the features of an answer that is no refusal; returns what of them is left to look at."""
    count = heard[_COUNT]
    row[_LENGTH] = 1 if count <= CONCISE_WORDS else 3 if count >= LONG_FORM_WORDS else 2
    long_enough = 1 if signs & _LINE or count >= LAYOUT_WORDS else 0
    row[_HEADINGS] = row[_BULLETS] = row[_BOLD] = row[_CODE] = long_enough
    if english:
        person = _person(heard[_FLAGS])
        row[_PERSON] = 0 if person == 4 and heard[_DISTINCT] < FEWEST_WORDS else person
        full, forms = 0, heard[_FORMS]
        while forms:
            full += forms & 1
            forms >>= 1
        row[_CONTRACTIONS] = _contractions(count, heard[_CONTRACTED_WORDS], heard[_FULL_WORDS], full)
    row[_APOLOGY_AT] = 2 if heard[_FLAGS] & _APOLOGY else 1
    row[_CLOSING] = 2 if asks else 1
    return LAYOUT if long_enough and signs & (_LINE | _STAR) else 0


@compiled
def _walk(data: Any, offsets: Any, tables: Any, refused_within: Any, values: Any, left: Any) -> None:
    offers, refusals = tables[6], tables[7]
    seen = np.full(len(tables[2]), -1, np.int64)
    scores = np.zeros(tables[3].shape[1], np.int64)
    few, heard = np.zeros(FEWEST_WORDS, np.uint64), np.zeros(_FORMS + 1, np.int64)
    for text in range(len(left)):
        raw, raw_end = offsets[text], offsets[text + 1]
        start, end = _trimmed(data, raw, raw_end)
        if start == end:
            continue
        if data[start] == 123 or data[start] == 91:  # perhaps JSON
            left[text] = NOT_PLAIN
            continue
        scores[:] = 0
        heard[:] = 0
        signs = _listen(data, start, end, text, tables, seen, few, scores, heard)
        english = _likely_english(scores, heard[_CERTAIN], heard[_FOUND])
        if signs & _TICK or english < 0:
            left[text] = NOT_PLAIN
            continue
        row = values[text]
        row[_FORM] = row[_EXCLAMATION] = row[_EMOJI] = 1
        row[_LANGUAGE_AT] = _EN if english else 0
        if signs & _SHOUT:
            left[text] |= EXCLAMATION
        within = min(raw_end, raw + refused_within)
        if raw_end - raw <= 5 * refused_within and _holds(data, raw, within, refusals):
            continue
        left[text] |= _describe(row, heard, signs, english, data[end - 1] == 63)
        if _holds(data, max(start, end - 200), end, offers):
            left[text] |= OFFER

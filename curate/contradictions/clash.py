"""Do two answers to one question contradict each other, and where?

Compared by kind, the most certain first: a refusal against an answer, JSON field by field, JSON against prose,
yes against no, dates, numbers with their units, a sentence against its denial, labels, names in otherwise equal
sentences, and words that turn a statement round. Two right answers in other words clash in none of them. What no
kind covers, and text in a language whose facts are not known, is not judged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from assay.records import Json
from assay.text import normalize, words

from .alignment import aligned, content_words, jaccard, looked_at, sentences
from .facts import DATES, NUMBERS, Differing, asked, differing, single
from .forms import is_short, key_values, label_text, normal, parsed, quote, unfenced, without_markup
from .names import NAMES_ARE_CAPITALISED, may_have_several, one_name_is_right, other_name, same_name
from .openness import is_categorical
from .opposites import opposed
from .polarity import ANTONYMS, leading_polarity, negations, turned_round, without_lead, without_negations
from .refusals import is_refusal, refuses
from .tongue import OTHER, language_of_pair

UNCERTAIN = 0.45
"""Below the default of `min_confidence`: four of five such clashes are right, so a confirmer has to agree."""

_ITEMS = re.compile(r"^[ \t]*(?:[-*•]|\(?\w[.)])[ \t]+(\S.*)$", re.MULTILINE)
_CHOICE = re.compile(r"\b(?:choose|choices?|pick|select|options?|which|one of)\b", re.IGNORECASE)
_SEVERAL = re.compile(
    r"\b(?:all (?:that|which|of)|one or more|which (?:of (?:these|those|the following) )?are|two|three|any)\b",
    re.IGNORECASE,
)

LONGEST_QUESTION = 4_000
"""Characters of a prompt that are looked at."""


class Clash(NamedTuple):
    """kind: number, date, polarity, label, entity, refusal, format or free; first and second quote what clashes."""

    kind: str
    first: str
    second: str
    confidence: float


class Question(NamedTuple):
    """What the comparison needs to know of the prompt. labels: short answers that recur in the data."""

    text: str
    open_ended: bool
    labels: Collection[str]


def find_clash(first: str, second: str, question: Question) -> Clash | None:
    """The most certain contradiction between two answers, or None."""
    one, other = unfenced(first), unfenced(second)
    left, right = parsed(one), parsed(other)
    one, other, question = looked_at(one), looked_at(other), question._replace(text=question.text[:LONGEST_QUESTION])
    language = language_of_pair(one, other, question.text)
    if left is not None and right is not None:
        return _json_clash(left, right, question)
    refusals = {refuses(one, language), refuses(other, language)}
    if refusals == {True, False}:
        return Clash("refusal", quote(one), quote(other), 0.9)
    if True in refusals:
        return None
    if (left is None) != (right is None):
        return _format_clash(one, other, left, right, language)
    return None if question.open_ended else _text_clash(one, other, question, language)


def _format_clash(one: str, other: str, left: Json | None, right: Json | None, language: str) -> Clash | None:
    """JSON against prose. A list may be an answer in brackets; text around the JSON makes it prose of a kind."""
    value, text = (left, other) if left is not None else (right, one)
    if not isinstance(value, Mapping) or not value or "{" in text:
        return None
    return Clash("format", quote(one), quote(other), 0.8)


def _text_clash(one: str, other: str, question: Question, language: str) -> Clash | None:
    one, other = without_markup(one).strip(), without_markup(other).strip()
    if normal(one) == normal(other):
        return None
    polarity = leading_polarity(one, language), leading_polarity(other, language)
    if None not in polarity and polarity[0] != polarity[1] and language != OTHER:
        return _yes_no(one, other, question)
    options = _listed(question.text)
    if normal(one) in options and normal(other) in options:
        return Clash("label", quote(one), quote(other), 0.8)
    if is_short(one) and is_short(other):
        return _short_clash(one, other, question, language)
    if language == OTHER:
        return None
    fields = key_values(one), key_values(other)
    if all(fields) and (found := _json_clash(fields[0], fields[1], question)) is not None:
        return found
    pairs = aligned(one, other, language)
    for fact in (
        differing(DATES, one, other, pairs, language),
        differing(NUMBERS, one, other, pairs, language),
        asked(DATES, question.text, one, other, language),
        asked(NUMBERS, question.text, one, other, language),
    ):
        if fact is not None:
            return _of(fact)
    for a, b in pairs:
        if (found := _denial(without_lead(a), without_lead(b), language)) is not None:
            return found
    if may_have_several(question.text) or language not in NAMES_ARE_CAPITALISED:
        return None
    named = next(filter(None, (other_name(a, b) for a, b in pairs)), None)
    if named is not None:
        return Clash("entity", *named, 0.6)
    turned = _opposed(one, other, pairs) if language == "en" else None
    return None if turned is None else Clash("free", *turned, UNCERTAIN)


def _listed(prompt: str) -> set[str]:
    """The lines of the list from which a prompt asks to choose one; none where several may be right."""
    if "\n" not in prompt or _CHOICE.search(prompt) is None or _SEVERAL.search(prompt) is not None:
        return set()
    return {normal(line) for line in _ITEMS.findall(prompt)}


def _opposed(one: str, other: str, pairs: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    """Two counterparts with a word each that exclude one another, quoted whole."""
    both_single = len(sentences(one)) == 1 and len(sentences(other)) == 1
    for a, b in [(one, other)] if both_single else pairs:
        if opposed(a, b) is not None:
            return quote(a), quote(b)
    return None


def _yes_no(one: str, other: str, question: Question) -> Clash | None:
    """Yes against no; to "A or B?" both may be right."""
    return Clash("polarity", quote(one), quote(other), 0.95)


def _of(fact: Differing) -> Clash:
    return Clash(fact.kind, fact.first, fact.second, 0.9 if fact.certain else 0.8)


def _short_clash(one: str, other: str, question: Question, language: str) -> Clash | None:
    """Two answers of a few words: a denial, a number, a date, a label, or a name."""
    if language != OTHER and (denial := _denial(one, other, language)) is not None:
        return denial
    judged = language != OTHER or (_is_bare(one) and _is_bare(other))
    for fact in (single(DATES, one, other, language), single(NUMBERS, one, other, language)) if judged else ():
        if isinstance(fact, Differing):
            return _of(fact)
        if fact is True:
            return None
    a, b = label_text(one), label_text(other)
    if not a or not b or same_name(a, b):
        return None
    prompt = normalize(question.text)
    known = a in question.labels and b in question.labels
    offered = _within(a, prompt) and _within(b, prompt)
    if known or offered or (is_categorical(question.text) and (a in question.labels or b in question.labels)):
        return Clash("label", one.strip(), other.strip(), 0.9 if known else 0.8)
    if one_name_is_right(question.text, one, other) and not set(words(a)) & set(words(b)):
        return Clash("entity", one.strip(), other.strip(), 0.6)
    return None


def _json_clash(left: Json, right: Json, question: Question) -> Clash | None:
    """The first field in which two JSON values contradict each other; a field that only one has is not compared."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        clashes = (_json_clash(left[key], right[key], question) for key in left if key in right)
        return max(filter(None, clashes), key=lambda clash: clash.confidence, default=None)
    if isinstance(left, bool) or isinstance(right, bool):
        differ = isinstance(left, bool) and isinstance(right, bool) and left != right
        return Clash("polarity", json.dumps(left), json.dumps(right), 0.95) if differ else None
    if isinstance(left, int | float) and isinstance(right, int | float):
        return Clash("number", str(left), str(right), 0.9) if left != right else None
    if isinstance(left, list) and isinstance(right, list):
        return _list_clash(left, right)
    if isinstance(left, str) and isinstance(right, str):
        return _field_clash(left, right, question)
    return None


def _field_clash(left: str, right: str, question: Question) -> Clash | None:
    """Two values of one field: short ones are labels by their place, long ones are compared as text."""
    if normalize(left) == normalize(right):
        return None
    language = language_of_pair(left, right, question.text)
    if is_refusal(left, language) != is_refusal(right, language):
        return Clash("refusal", quote(left), quote(right), 0.9)
    if not (is_short(left) and is_short(right)):
        return None if question.open_ended else _text_clash(left, right, question, language)
    polarity = leading_polarity(left, language), leading_polarity(right, language)
    if None not in polarity and polarity[0] != polarity[1]:
        return Clash("polarity", left, right, 0.95)
    known = Question(question.text, False, {label_text(left), label_text(right)})
    return _short_clash(left, right, known, language)


def _list_clash(left: list[Json], right: list[Json]) -> Clash | None:
    plain = all(isinstance(item, str | int | float) for item in [*left, *right])
    if not plain or not left or not right:
        return None
    mine, theirs = {normalize(str(item)) for item in left}, {normalize(str(item)) for item in right}
    if mine & theirs or len(left) != len(right):
        return None  # a longer or shorter list of the same kind is not a contradiction
    return Clash("label", json.dumps(left), json.dumps(right), 0.7)


def _denial(a: str, b: str, language: str) -> Clash | None:
    """One sentence denies what the other says, in nearly the same words; or has an antonym in its place."""
    mine = content_words(without_negations(a, language), language)
    theirs = content_words(without_negations(b, language), language)
    share = jaccard(mine, theirs)
    if share >= 0.75 and negations(a, language) % 2 != negations(b, language) % 2:
        return Clash("polarity", quote(a), quote(b), 0.8)
    if language in ("zh", "ja"):
        turned = share >= 0.5 and turned_round(a, b, language)
        return Clash("polarity", quote(a), quote(b), 0.8) if turned else None
    left, right = set(words(a)) - set(words(b)), set(words(b)) - set(words(a))
    if share >= 0.5 and len(left) == 1 and len(right) == 1 and frozenset(left | right) in ANTONYMS:
        return Clash("polarity", quote(a), quote(b), 0.8)
    return None


def _is_bare(text: str) -> bool:
    """Whether an answer is a figure, with a unit at most, so that it says the same in any language."""
    return len(re.findall(r"[^\W\d_]+", text)) <= 1 and any(sign.isdigit() for sign in text)


def _within(label: str, prompt: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(label)}(?!\w)", prompt) is not None

"""Do two answers to one question contradict each other, and where?

Compared by kind, the most certain first: a refusal against an answer, JSON field by field, JSON against prose,
yes against no, dates, numbers with their units, a sentence against its denial, labels, and names in otherwise
equal sentences. Two right answers in other words clash in none of them. What no kind covers is not judged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, TypeVar

from assay.records import Json
from assay.text import normalize, words

from .alignment import aligned, content_words, sentences
from .dates import Date, dates, same_date
from .polarity import ANTONYMS, is_refusal, leading_polarity, negations, refuses, without_negations
from .quantities import Number, numbers, same_number

Fact = TypeVar("Fact", Number, Date)

LABEL_WORDS = 5


class Clash(NamedTuple):
    """kind: number, date, polarity, label, entity, refusal or format; first and second quote the clashing parts."""

    kind: str
    first: str
    second: str
    confidence: float


class Question(NamedTuple):
    """What the comparison needs to know of the prompt. labels: short answers that recur in the data."""

    text: str
    open_ended: bool
    labels: Collection[str]


_SOME = r"(?:an?|any|one|some|another|a few|two|three|four|five|ten|\d+)"
_OPEN_ENDED = re.compile(
    r"\b(?:write|compose|create|generate|suggest|brainstorm|invent|imagine|come up with|think of|make up|design|draft"
    rf"|propose|recommend|pick|(?:choose|give(?: me| us)?|name|list|show(?: me)?|tell me) {_SOME}\b"
    r"|(?:give|show|provide|cite|find|offer|share|what(?: is|'s| are))\b[^.?!]{0,20} examples?"
    r"|tell me something|paraphrase|rephrase|reword|rewrite|summari[sz]e|edit|improve|translate|continue"
    r"|complete the (?:story|sentence|poem)|poem|story|joke|haiku|slogan|tagline|headline|caption|title for|ideas?"
    r"|opinion|favou?rite|random)\b",
    re.IGNORECASE,
)
_CATEGORICAL = re.compile(
    r"\b(?:classify|categori[sz]e|which (?:category|class|label|intent)|true or false|yes or no|positive or negative"
    r"|sentiment|is it an?\b)",
    re.IGNORECASE,
)
_FACTUAL = re.compile(
    r"\b(?:who|whom|whose|where|which|what(?:'s| is| was| are| were)? (?:the|its|his|her|their))\b", re.IGNORECASE
)
_SEVERAL = re.compile(
    r"\b(?:(?:which|what)(?: are)?(?: the| other)?(?: (?!is\b|was\b|does\b|has\b)[\w-]+){0,2}? "
    r"(?!is\b|was\b|does\b|has\b)(?:people|men|women|children|\w+[^\Wsiu]s)|who are|others?|another|some|any|one of"
    r"|examples?|for instance|where (?:can|do|should|could))\b",
    re.IGNORECASE,
)
"""Questions to which several names are right."""

_NO_ANSWER = re.compile(
    r"\W*(?:i (?:have no|don'?t|do not|am not)\b|unknown\b|unclear\b|not (?:sure|known|clear|applicable)\b|n/?a\b"
    r"|none\b|nobody\b|no ?one\b|it (?:depends|varies|is (?:unclear|unknown|not))\b|(?:the|this) question\b"
    r"|there (?:is|are|was|were)\b)",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^```\w*\s*\n(.*)\n```$", re.DOTALL)
_APPROXIMATE = re.compile(
    r"\b(?:about|around|approximately|roughly|nearly|almost|circa|over|more than|up to)\b", re.IGNORECASE
)
_BOUND = re.compile(
    r"\b(?:less than|fewer than|more than|at least|at most|between|under|over|below|above)\b", re.IGNORECASE
)


def is_open_ended(prompt: str) -> bool:
    """Whether different answers to the prompt are expected: it asks to write, suggest, name one of many ..."""
    return _OPEN_ENDED.search(prompt) is not None and _CATEGORICAL.search(prompt) is None


def find_clash(first: str, second: str, question: Question) -> Clash | None:
    """The most certain contradiction between two answers, or None."""
    one, other = _unfenced(first), _unfenced(second)
    refusals = {refuses(one), refuses(other)}
    if refusals == {True, False}:
        return Clash("refusal", _quote(one), _quote(other), 0.9)
    if True in refusals:
        return None
    left, right = _parsed(one), _parsed(other)
    if left is not None and right is not None:
        return _json_clash(left, right, question)
    if (left is None) != (right is None):
        return Clash("format", _quote(one), _quote(other), 0.8) if _is_object(left, right) else None
    return None if question.open_ended else _text_clash(one, other, question)


def answer_key(answer: str) -> str:
    """Equal for answers that are the same but for case, punctuation, white space, or the order of JSON keys."""
    text = _unfenced(answer)
    parsed = _parsed(text)
    return normalize(text) if parsed is None else json.dumps(parsed, sort_keys=True, ensure_ascii=False)


def _text_clash(one: str, other: str, question: Question) -> Clash | None:
    if normalize(one) == normalize(other):
        return None
    polarity = leading_polarity(one), leading_polarity(other)
    if None not in polarity and polarity[0] != polarity[1]:
        return Clash("polarity", _quote(one), _quote(other), 0.95)
    if _is_short(one) and _is_short(other):
        return _short_clash(one, other, question)
    fields = _key_values(one), _key_values(other)
    if all(fields) and (found := _json_clash(fields[0], fields[1], question)) is not None:
        return found
    pairs = list(aligned(one, other))
    return (
        _fact_clash("date", dates, same_date, one, other, pairs)
        or _fact_clash("number", numbers, same_number, one, other, pairs)
        or next(filter(None, (_denial(a, b) for a, b in pairs)), None)
        or (None if _SEVERAL.search(question.text) else next(filter(None, (_other_name(a, b) for a, b in pairs)), None))
    )


def _short_clash(one: str, other: str, question: Question) -> Clash | None:
    """Two answers of a few words: a number, a date, a label, or a name."""
    for judged in (_single("date", dates, same_date, one, other), _single("number", numbers, same_number, one, other)):
        if judged is not None:
            return judged.clash
    if (denial := _denial(one, other)) is not None:
        return denial
    a, b = _label_text(one), _label_text(other)
    if not a or not b or _same_name(a, b):
        return None
    prompt = normalize(question.text)
    known = a in question.labels and b in question.labels
    offered = _within(a, prompt) and _within(b, prompt)
    if known or offered or (_CATEGORICAL.search(question.text) and (a in question.labels or b in question.labels)):
        return Clash("label", one.strip(), other.strip(), 0.9 if known else 0.8)
    if _one_name_is_right(question.text, one, other) and not set(words(a)) & set(words(b)):
        return Clash("entity", one.strip(), other.strip(), 0.6)
    return None


def _one_name_is_right(question: str, one: str, other: str) -> bool:
    """Whether a question has one right name, and both answers give one."""
    if _FACTUAL.search(question) is None or _SEVERAL.search(question) is not None:
        return False
    return not (_NO_ANSWER.match(one) or _NO_ANSWER.match(other))


class _Judged(NamedTuple):
    clash: Clash | None


def _single(
    kind: str,
    find: Callable[[str], list[Fact]],
    same: Callable[[Fact, Fact], bool | None],
    one: str,
    other: str,
) -> _Judged | None:
    """What two answers that are one fact each come to; None when they are not, or cannot be compared."""
    left, right = find(one), find(other)
    if len(left) != 1 or len(right) != 1 or (agree := same(left[0], right[0])) is None:
        return None
    agree = agree or _is_rough(kind, left[0], right[0], one, other)
    return _Judged(None if agree else Clash(kind, left[0].text, right[0].text, 0.9))


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
    if is_refusal(left) != is_refusal(right):
        return Clash("refusal", _quote(left), _quote(right), 0.9)
    if not (_is_short(left) and _is_short(right)):
        return None if question.open_ended else _text_clash(left, right, question)
    polarity = leading_polarity(left), leading_polarity(right)
    if None not in polarity and polarity[0] != polarity[1]:
        return Clash("polarity", left, right, 0.95)
    known = Question(question.text, False, {_label_text(left), _label_text(right)})
    return _short_clash(left, right, known)


def _list_clash(left: list[Json], right: list[Json]) -> Clash | None:
    plain = all(isinstance(item, str | int | float) for item in [*left, *right])
    if not plain or not left or not right:
        return None
    mine, theirs = {normalize(str(item)) for item in left}, {normalize(str(item)) for item in right}
    if mine & theirs or len(left) != len(right):
        return None  # a longer or shorter list of the same kind is not a contradiction
    return Clash("label", json.dumps(left), json.dumps(right), 0.7)


def _fact_clash(
    kind: str,
    find: Callable[[str], list[Fact]],
    same: Callable[[Fact, Fact], bool | None],
    one: str,
    other: str,
    pairs: Sequence[tuple[str, str]],
) -> Clash | None:
    """A fact of one answer that differs from its counterpart in the other, where neither has the other's fact."""
    everything = find(one), find(other)
    if len(everything[0]) == 1 and len(everything[1]) == 1 and _is_sentence(one) and _is_sentence(other):
        pairs = [(one, other)]
    for a, b in pairs:
        for left in find(a):
            for right in find(b):
                if same(left, right) is not False or _is_rough(kind, left, right, a, b):
                    continue
                if any(same(left, fact) for fact in everything[1]) or any(same(right, fact) for fact in everything[0]):
                    continue
                return Clash(kind, left.text, right.text, 0.9 if len(pairs) == 1 else 0.8)
    return None


def _is_rough(kind: str, left: Number | Date, right: Number | Date, a: str, b: str) -> bool:
    """Whether one number is only a bound, or within a twentieth of the other and only said to be roughly so."""
    if kind != "number" or not isinstance(left, Number) or not isinstance(right, Number):
        return False
    close = abs(left.value - right.value) <= 0.05 * max(abs(left.value), abs(right.value))
    if (_BOUND.search(a) is None) != (_BOUND.search(b) is None):
        return True
    return close and bool(_APPROXIMATE.search(a) or _APPROXIMATE.search(b))


def _denial(a: str, b: str) -> Clash | None:
    """One sentence denies what the other says, in nearly the same words; or has an antonym in its place."""
    mine, theirs = content_words(without_negations(a)), content_words(without_negations(b))
    if not mine or not theirs:
        return None
    share = len(mine & theirs) / len(mine | theirs)
    if share >= 0.75 and negations(a) % 2 != negations(b) % 2:
        return Clash("polarity", _quote(a), _quote(b), 0.8)
    left, right = set(words(a)) - set(words(b)), set(words(b)) - set(words(a))
    if share >= 0.5 and len(left) == 1 and len(right) == 1 and frozenset(left | right) in ANTONYMS:
        return Clash("polarity", _quote(a), _quote(b), 0.8)
    return None


def _other_name(a: str, b: str) -> Clash | None:
    """Two sentences that differ in a name only."""
    left, right = _differing_words(a, b), _differing_words(b, a)
    if not 0 < len(left) <= 3 or not 0 < len(right) <= 3:
        return None
    if all(word[:1].isupper() for word in [*left, *right]) and not _same_name(" ".join(left), " ".join(right)):
        return Clash("entity", " ".join(left), " ".join(right), 0.6)
    return None


def _differing_words(a: str, b: str) -> list[str]:
    others = set(words(b))
    found = re.findall(r"[^\W_]+", a)
    return [word for position, word in enumerate(found) if position and word.casefold() not in others]


def _is_sentence(text: str) -> bool:
    return len(sentences(text)) == 1 and len(text.split()) <= 30


def _is_short(text: str) -> bool:
    return len(text.split()) <= LABEL_WORDS and "\n" not in text.strip() and len(text) <= 80


def _label_text(text: str) -> str:
    return re.sub(r"^(?:the|a|an) ", "", normalize(text.replace("_", " ")))


def _same_name(a: str, b: str) -> bool:
    """Whether one is part of the other, its initials, or the same but for a plural or spelling."""
    left, right = words(a), words(b)
    if not left or not right:
        return True
    if set(left) <= set(right) or set(right) <= set(left):
        return True
    short, long = sorted((left, right), key=len)
    if len(short) == 1 and len(long) > 1 and short[0] in (_initials(long), "".join(long)):
        return True
    joined = "".join(left), "".join(right)
    return joined[0].rstrip("s") == joined[1].rstrip("s")


def _initials(words_: Sequence[str]) -> str:
    return "".join(word[0] for word in words_ if word not in ("of", "the", "and", "for"))


def _within(label: str, prompt: str) -> bool:
    return f" {label} " in f" {prompt} "


def _is_object(left: Json, right: Json) -> bool:
    return isinstance(left if left is not None else right, Mapping)


def _key_values(text: str) -> dict[str, str]:
    """{key: value} of an answer that consists of `Key: value` lines; {} for any other."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    found = [re.fullmatch(r"[-*\s]*([\w ]{1,30}):\s*(.{1,200})", line) for line in lines]
    if not lines or not all(found):
        return {}
    return {normalize(match.group(1)): match.group(2) for match in found if match is not None}


def _unfenced(text: str) -> str:
    match = _FENCE.match(text.strip())
    return match.group(1).strip() if match else text.strip()


def _parsed(text: str) -> Json | None:
    if text[:1] not in ("{", "["):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, Mapping | list) else None


def _quote(text: str) -> str:
    return text if len(text) <= 120 else text[:117].rstrip() + "..."

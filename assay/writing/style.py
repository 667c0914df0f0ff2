"""The style of an answer as a few small numbers: form, length, markdown, person, address, tone, closing, language.

    style = style_of("Sure! Here's how:\n- open the app\n- tap Pay")
    style.bullets == BULLETS.index("bulleted")

Each feature is an index into the names of its values; 0 means that the text says nothing of it, or too little. So
styles are compared feature by feature, and a million of them are one array.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from assay.writing.function_words import LANGUAGES, likely_language
from assay.writing.voice import address_of, person_of

FORM = ("", "prose", "JSON", "code")
LENGTH = ("", "concise", "medium", "long-form")
HEADINGS = ("", "no headings", "headings")
BULLETS = ("", "no list", "bulleted")
BOLD = ("", "no bold", "bold")
CODE = ("", "no code block", "code block")
PERSON = ("", "I", "we", "you", "impersonal")
ADDRESS = ("", "formal address", "informal address")
CONTRACTIONS = ("", "full forms", "contractions")
EXCLAMATION = ("", "no exclamation marks", "exclamation marks")
EMOJI = ("", "no emoji", "emoji")
APOLOGY = ("", "no apology", "apology")
CLOSING = ("", "ends with a statement", "ends with a question", "ends with an offer")
LANGUAGE = ("", *LANGUAGES)

CONCISE_WORDS = 30
LONG_FORM_WORDS = 120
LAYOUT_WORDS = 15
"""A text of fewer words has nothing to lay out."""

CONTRACTED_WORDS = 40
LOOKED_AT = 20_000
"""Characters in which voice and tone are looked for: more would not change what they are."""

_ITEM = re.compile(r"^[ \t]{0,8}(?:[-*•+–]|\d{1,3}[.)])[ \t]+\S", re.MULTILINE)
_ITEM_SIGNS = ("- ", "* ", "• ", "+ ", "– ", ". ", ") ", "\t")
_HEADING = re.compile(r"^#{1,6}[ \t]+\S", re.MULTILINE)
_BOLD = re.compile(r"\*\*[^\s*][^*\n]*\*\*")
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u26ff\u2705\u2728\u274c\u2764\u2b50]")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff]")

FULL_FORMS = (
    " do not ", " does not ", " is not ", " are not ", " it is ", " It is ", " you are ", " I am ", " cannot ",
)  # fmt: skip
FULL_FORM_WORDS = frozenset(("not", "is", "are", "am", "cannot"))


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CONTRACTED = _words(
    "don't doesn't isn't aren't it's It's you're You're I'm can't won't that's That's you'll I'll we're"
    " we'll didn't wasn't couldn't shouldn't haven't hasn't there's There's let's Let's Don't I've I'd you've"
)
CONTRACTED |= {word.replace("'", "’") for word in CONTRACTED}
APOLOGIES = _words(
    "sorry sorry, Sorry Sorry, apologize apologise apologies Apologies apology Entschuldigung entschuldigen siento"
    " disculpe Disculpe disculpa Disculpa perdón désolé désolée désolés excuses"
)
_APOLOGIES_UNSPACED = ("抱歉", "对不起", "申し訳", "すみません")
OFFERS = (
    "let me know", "feel free", "happy to help", "glad to help", "any other questions", "any further questions",
    "anything else", "don't hesitate", "do not hesitate", "melden sie sich", "melde dich", "weitere fragen",
    "no dude en", "no dudes en", "alguna otra pregunta", "n'hésitez pas", "n'hésite pas", "d'autres questions",
    "お気軽に", "ご不明な点", "请随时", "如有任何", "随时联系",
)  # fmt: skip
_OFFER_WORDS = ("know", "free", "help", "question", "else", "hesit", "meld", "fragen", "dude", "pregunta")


class Style(NamedTuple):
    """Indices into the names of the values; words is their number, estimated where there are no spaces."""

    words: int
    form: int
    length: int
    headings: int
    bullets: int
    bold: int
    code: int
    person: int
    address: int
    contractions: int
    exclamation: int
    emoji: int
    apology: int
    closing: int
    language: int

    def value(self, feature: str) -> str:
        """The name of a feature's value; "" where the text says nothing of it."""
        return FEATURES[feature][int(getattr(self, feature))]


FEATURES: Mapping[str, tuple[str, ...]] = {
    "form": FORM,
    "length": LENGTH,
    "headings": HEADINGS,
    "bullets": BULLETS,
    "bold": BOLD,
    "code": CODE,
    "person": PERSON,
    "address": ADDRESS,
    "contractions": CONTRACTIONS,
    "exclamation": EXCLAMATION,
    "emoji": EMOJI,
    "apology": APOLOGY,
    "closing": CLOSING,
    "language": LANGUAGE,
}
"""The names of the values of each feature of `Style`, in its order."""

NOTHING = Style(*[0] * len(Style._fields))


def style_of(text: str) -> Style:
    """The style of one answer; NOTHING for an empty one."""
    text = text.strip()
    if not text:
        return NOTHING
    ascii_only = text.isascii()
    head = text if len(text) <= LOOKED_AT else text[:LOOKED_AT]
    listed = head.split()
    count = len(listed) if len(head) == len(text) else len(text.split())
    if not ascii_only:
        count += len(_UNSPACED.findall(text)) // 2
    length = 1 if count <= CONCISE_WORDS else 3 if count >= LONG_FORM_WORDS else 2
    form = _form(text)
    if form == FORM.index("JSON"):
        return NOTHING._replace(words=count, form=form, length=length)
    words = frozenset(listed)
    language = likely_language(head, words)
    fenced = "```" in text
    prose = "".join(text.split("```")[::2]) if fenced else text
    long_enough = "\n" in prose or fenced or count >= LAYOUT_WORDS
    headings, bullets, bold = layout_of(prose) if long_enough else (0, 0, 0)
    return Style(
        words=count,
        form=form,
        length=length,
        headings=headings,
        bullets=bullets,
        bold=bold,
        code=(2 if fenced else 1) if long_enough else 0,
        person=int(person_of(head, words, language)),
        address=int(address_of(head, words, language)),
        contractions=_contractions(head, words, count) if language == "en" else 0,
        exclamation=2 if "！" in text or ("!" in prose and exclaims(prose)) else 1,
        emoji=1 if ascii_only or not _EMOJI.search(text) else 2,
        apology=_apology(head, words, ascii_only),
        closing=closing_of(text),
        language=_LANGUAGE_NUMBER[language],
    )


_LANGUAGE_NUMBER = {language: number for number, language in enumerate(LANGUAGE)}


def layout_of(prose: str) -> tuple[int, int, int]:
    """Headings, bullets and bold of a text that is long enough to have any, code aside."""
    lines = "\n" in prose
    return (
        2 if lines and "#" in prose and _HEADING.search(prose) else 1,
        2 if lines and _has_items(prose) else 1,
        2 if "**" in prose and _BOLD.search(prose) else 1,
    )


def has_markdown(text: str) -> tuple[str, ...]:
    """The kinds of markdown in a text: headings, bullets, bold, code, table, link."""
    found = {
        "headings": "#" in text and _HEADING.search(text) is not None,
        "bullets": any(sign in text for sign in _ITEM_SIGNS) and _ITEM.search(text) is not None,
        "bold": "**" in text and _BOLD.search(text) is not None,
        "code": "```" in text,
        "table": _has_table(text),
        "link": "](" in text,
    }
    return tuple(kind for kind, there in found.items() if there)


def emoji_in(text: str) -> list[str]:
    """Every emoji, in order."""
    return [] if text.isascii() else _EMOJI.findall(text)


def is_json(text: str) -> bool:
    """An object or an array, alone or in one fence."""
    return _form(text.strip()) == FORM.index("JSON")


def _form(text: str) -> int:
    first, last = text[:1], text[-1:]
    if first == "`" and text.startswith("```") and text.endswith("```") and text.count("```") == 2:
        body = text[3:-3].partition("\n")[2].strip()
        return 2 if _parses(body) else 3
    return 2 if first in "{[" and last in "}]" and _parses(text) else 1


def _parses(text: str) -> bool:
    if text[:1] not in ("{", "["):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _has_items(text: str) -> bool:
    """Two list items or more: one line that begins with a dash is no list."""
    found = _ITEM.finditer(text)
    return next(found, None) is not None and next(found, None) is not None


def _has_table(text: str) -> bool:
    return "|" in text and any("|" in line and "---" in line and not line.strip("|-: \t") for line in text.splitlines())


def exclaims(text: str) -> bool:
    """Whether a word and what ends a sentence stand around an exclamation mark: not in n! and not in !=."""
    position = text.find("!")
    while position >= 0:
        before, after = text[max(0, position - 2) : position], text[position + 1 : position + 2]
        alone = len(before) < 2 or before[0].isspace()  # one letter by itself: a factorial
        follows_a_word = bool(before) and not alone and (before[-1].isalpha() or before[-1] in "'\")*?")
        if follows_a_word and (not after or after.isspace() or after in "'\")*!"):
            return True
        position = text.find("!", position + 1)
    return False


def _contractions(text: str, words: frozenset[str], count: int) -> int:
    if count < CONTRACTED_WORDS:
        return 0
    contracted = len(CONTRACTED & words)
    if contracted == 1 or (not contracted and FULL_FORM_WORDS.isdisjoint(words)):
        return 0
    full = sum(form in text for form in FULL_FORMS)
    if contracted:
        return 0 if full else 2
    return 1 if full >= 2 else 0


def _apology(text: str, words: frozenset[str], ascii_only: bool) -> int:
    if not APOLOGIES.isdisjoint(words):
        return 2
    return 2 if not ascii_only and any(form in text for form in _APOLOGIES_UNSPACED) else 1


def closing_of(text: str) -> int:
    tail = text[-200:].lower()
    if (not tail.isascii() or any(word in tail for word in _OFFER_WORDS)) and any(offer in tail for offer in OFFERS):
        return 3
    return 2 if tail.endswith(("?", "？")) else 1

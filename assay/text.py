"""Text as it is compared: one normalisation for leaks, equal prompts and families, one notion of a word.

Nothing here changes what is trained on; `Record.id` hashes the text as it stands.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable

from assay.records import Message, Record

WORD_PATTERN = (
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
    r"|[^\W\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+"
)
"""A word; in scripts that put no space between words, a character."""

_WORD = re.compile(WORD_PATTERN)
_FIGURE_BEFORE = re.compile(r"(?:\d+[.,:/-])+\Z")
_APOSTROPHES = re.compile(r"(?<=\w)['’ʼ`´](?=\w)")
_UNSIGNED_HYPHEN = re.compile(r"(?<=\w)[-‐‑‒–—−]|[-‐‑‒–—−](?!\d)")
_SYMBOLS = re.compile(r"([()\[\]{}<>=+*/^|&~%])")
_PUNCTUATION = re.compile(r"(?<!\d)[.,:]|[.,:](?!\d)|[;!?¡¿\"'’‘“”„«»‹›()\[\]{}…_`´。、，；：！？（）「」『』《》·]")


def words(text: str) -> list[str]:
    """Case-folded words in order; a character each in Chinese, Japanese, Thai, Lao, Burmese and Khmer.

    >>> words("It's 3.5 km, 你好")
    ['it', 's', '3', '5', 'km', '你', '好']
    """
    return _WORD.findall(text.casefold() if text.isascii() else unicodedata.normalize("NFKC", text).casefold())


def word_spans(text: str) -> list[tuple[int, int]]:
    """Characters [start, end) of each word, in order."""
    return [match.span() for match in _WORD.finditer(text)]


def shortened(text: str, most: int) -> str:
    """Up to `most` characters of a text, and "…" where there is more; no part of a word or of a number is left.

    >>> shortened("You have 30 days.", 10), shortened("You have 30 days.", 20)
    ('You have…', 'You have 30 days.')
    """
    return text if len(text) <= most else f"{beginning(text, most)}…"


def beginning(text: str, most: int) -> str:
    """Up to `most` characters that end where a word does; of one word that is longer, as many as there may be.

    >>> beginning("It costs 1,250 euros.", 12), beginning("https://example.org/returns", 22), beginning("你好你好", 3)
    ('It costs', 'https://example.org/', '你好你')
    """
    head = text[:most]
    if len(text) <= most or text[most].isspace():
        return head.rstrip()
    space = max((place for place, sign in enumerate(head) if sign.isspace()), default=0)
    if space >= most // 2:
        return head[:space].rstrip()
    split = next((start for start, end in word_spans(text[: 2 * most]) if start < most < end), most)
    figure = _FIGURE_BEFORE.search(text[:split]) if text[split].isdigit() else None
    return text[: figure.start() if figure else split].rstrip() or head


def normalize(text: str) -> str:
    """The text without case, punctuation, and differences of white space and Unicode form (NFKC).

    Signs that carry meaning stay: decimal points, minus signs before digits, +, %, currency.

    >>> normalize("  What's THE fee — 1.5%?")
    'whats the fee 1.5%'
    >>> normalize("-5 or 5") == normalize("5 or -5")
    False
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    text = _APOSTROPHES.sub("", text.casefold())
    return " ".join(_PUNCTUATION.sub(" ", _UNSIGNED_HYPHEN.sub(" ", text)).split())


def message_text(message: Message) -> str:
    """The content and, after it, each tool call as JSON with sorted keys."""
    if not message.tool_calls:
        return message.content or ""
    calls = [f"{call.name} {_stable_json(call.arguments)}" for call in message.tool_calls]
    return "\n".join([part for part in [message.content or "", *calls] if part])


def conversation_text(messages: Iterable[Message]) -> str:
    """The text of several messages, one after the other, without their roles."""
    return "\n".join(text for message in messages if (text := message_text(message)))


def prompt_key(record: Record) -> str:
    """Equal for records that ask the same: every turn before the last answer, normalised, and the declared tools.

    Symbols count, since code, formulas and logic may differ by nothing else: "not (a and b)", "not (a) and b".
    """
    turns = [
        f"{message.role} {normalize(text)} {symbols(text)}"
        for message in record.prompt
        for text in [message_text(message)]
    ]
    return "\n".join([*turns, _stable_json(list(record.tools))])


def symbols(text: str) -> str:
    """The brackets and operators of a text, each after the number of words between it and the one before.

    >>> symbols("not (a and b)"), symbols("not (a) and b"), symbols("No.")
    ('1( 3)', '1( 1)', '')
    """
    parts = _SYMBOLS.split(text)
    return " ".join(f"{len(words(before))}{symbol}" for before, symbol in zip(parts[0::2], parts[1::2], strict=False))


def _stable_json(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)

"""Whether two records whose words are alike say the same; a shared word count does not decide it alone."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from assay.records import Record
from assay.text import conversation_text, normalize, symbols, words

from ..column import hash_of
from .columns import setting_hash_of, system_turns

SMALL_BLOCK, LARGEST_BLOCK = 5, 0.5
"""Words of a passage that may differ as a whole, and the share of all differing words that one passage may hold."""

_QUESTION = re.compile(r"[^.!?\n]*\?")


class Answers(NamedTuple):
    """What the assistant says in all its turns: its different words, and those of them with a digit."""

    words: frozenset[str]
    numbers: frozenset[str]

    @classmethod
    def of(cls, text: str) -> Answers:
        found = frozenset(words(text))
        return cls(found, _numbers(found))


def answers_of(record: Record) -> Answers:
    return Answers.of(conversation_text(message for message in record.messages if message.role == "assistant"))


def numbers_agree(one: Collection[str], other: Collection[str]) -> bool:
    """Whether two texts, as words, have the same ones with a digit: another order, date or amount is another case."""
    return _numbers(frozenset(one)) == _numbers(frozenset(other))


def _numbers(found: frozenset[str]) -> frozenset[str]:
    return frozenset(word for word in found if not word.isalpha() and any(map(str.isdigit, word)))


def answers_agree(one: Answers, other: Answers, share: float) -> bool:
    """Whether two answers have `share` of their different words in common, and the same numbers."""
    if one.numbers != other.numbers:
        return False
    return len(one.words & other.words) >= share * len(one.words | other.words)


def questions_agree(one: Record, other: Record, share: float) -> bool:
    """Whether the last questions of the last user turns have `share` of their words in common, when there are any."""
    mine, theirs = _question_words(one), _question_words(other)
    return len(mine & theirs) >= share * len(mine | theirs)


def edits_are_scattered(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether what differs between two texts, as words, stands here and there, as when a text is edited.

    Two fillings of one template differ in a passage or two, and say different things.
    """
    blocks = [*_blocks(one, other), *_blocks(other, one)]
    return max(blocks, default=0) <= max(SMALL_BLOCK, LARGEST_BLOCK * sum(blocks) / 2)


def _blocks(text: Sequence[str], other: Sequence[str]) -> Iterator[int]:
    """Lengths of the passages of a text that share no two words in a row with the other one."""
    known = set(pairwise(other))
    shared = [False] * (len(text) + 1)
    for place, pair in enumerate(pairwise(text)):
        if pair in known:
            shared[place] = shared[place + 1] = True
    shared[len(text)] = True
    start = 0
    for place, is_shared in enumerate(shared):
        if is_shared:
            if place > start:
                yield place - start
            start = place + 1


def symbols_agree(one: Record, other: Record) -> bool:
    """Formulas and code may differ by nothing but brackets and operators."""
    return symbols(conversation_text(one.messages)) == symbols(conversation_text(other.messages))


def compared_text(record: Record, shared_settings: Collection[int]) -> str:
    """The text of all turns, but for system turns that many records share: those are a setting, not content."""
    turns = record.messages
    if system_turns(turns) and setting_hash_of(record) in shared_settings:
        turns = tuple(message for message in turns if message.role != "system")
    return conversation_text(turns)


def normalized_record(record: Record) -> int:
    """Equal for records that are the same but for case, punctuation, white space and Unicode form."""
    turns = [
        f"{message.role} {normalize(text)} {symbols(text)}"
        for message in record.messages
        for text in [conversation_text([message])]
    ]
    return hash_of("\n".join([*turns, json.dumps(list(record.tools), sort_keys=True, default=str)]))


def _question_words(record: Record) -> frozenset[str]:
    text = next((message.content or "" for message in reversed(record.prompt) if message.role == "user"), "")
    return frozenset(words(_QUESTION.findall(text)[-1])) if "?" in text else frozenset()

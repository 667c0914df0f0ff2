"""The near_duplicate check."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from assay.families import UnionFind
from assay.findings import Finding, Severity
from assay.records import Record
from assay.text import conversation_text, normalize, symbols, words

from ..check import Context, Decision, dataset_check, place

SHARED_SYSTEM_TURNS = 3
"""A system turn that so many records share is a setting, not content."""

SHARED_RECORDS, SHARED_SHARE = 20, 0.1
"""A passage of the first user turn that more records than either share is an instruction, not content."""

SHARED_ANSWER_WORDS = 0.7
"""Of the different words in two answers, the share that both must have for the records to be duplicates."""

SHARED_QUESTION_WORDS = 0.6
"""The same for the questions in the last user turn, when there are any."""

_QUESTION = re.compile(r"[^.!?\n]*\?")


@dataset_check(severity=Severity.WARNING, decision=Decision.DROP, keeps_one=True)
def near_duplicate(records: Sequence[Record], context: Context, *, threshold: float = 0.8) -> Iterator[Finding]:
    """Nearly the same conversation as another record: verified Jaccard similarity of word 5-grams.

    Case, punctuation and white space do not count. Texts of fewer than five words are near duplicates only
    when all their words are the same. A system turn shared by many records is left out of the comparison, for
    it would make short conversations alike; records under different shared system turns are not compared. So is
    what a tenth of the records have in their first user turn, such as an instruction before every question.
    Nor are records whose answers differ (in a number, or in three words of ten) or whose questions do (in four of
    ten), since one passage with several questions is no repetition; nor formulas and code of the same words whose
    brackets or operators differ. A split keeps those together nevertheless.

    Why: nearly the same text, trained on twice, is memorised as if it were the same, and leaks across a split.

    Example: "... my order BW-1 has not arrived yet, ..." and "... my order BW-1 has still not arrived, ..."
    in two otherwise equal long messages.
    """
    from ..duplicates.minhash import Edge, Shingles, near_pairs

    unique = list({record.id: record for record in reversed(records)}.values())[::-1]
    shared = _shared_system_turns(unique)
    settings = [frozenset(_system_turns(record)) & shared for record in unique]
    shingles = Shingles(_text(record, shared) for record in unique)
    opening = Shingles(_opening(record) for record in unique)
    shingles.leave_out(opening.shared(max(SHARED_RECORDS, round(SHARED_SHARE * len(unique)))))
    union: UnionFind[int] = UnionFind()
    nearest: dict[int, tuple[float, int]] = {}
    answers = cache(lambda index: _answers(unique[index]))

    def is_duplicate(edge: Edge) -> bool:
        one, other = unique[edge.first], unique[edge.second]
        context.alike.append((one.row_id, other.row_id))
        if not _agree(answers(edge.first), answers(edge.second)) or not _ask_alike(one, other):
            return False
        return edge.similarity < 1 or _symbols(one) == _symbols(other)

    for first, second, similarity in near_pairs(shingles, threshold, settings, is_duplicate):
        union.join(first, second)
        nearest[first] = max(nearest.get(first, (0.0, 0)), (similarity, second))
        nearest[second] = max(nearest.get(second, (0.0, 0)), (similarity, first))
    for group in union.groups():
        name = min(unique[index].id for index in group)
        for index in group:
            similarity, other = nearest[index]
            yield near_duplicate.about(
                unique[index],
                f"{similarity:.0%} of word 5-grams shared with {place(unique[other], unique[index])}"
                + (f" ({len(group)} records alike)" if len(group) > 2 else ""),
                group=name,
                evidence={"other": unique[other].row_id, "similarity": round(similarity, 4)},
            )


class _Answers(NamedTuple):
    """What the assistant says in all its turns: normalised, and as words."""

    text: str
    words: frozenset[str]


def _answers(record: Record) -> _Answers:
    text = conversation_text(message for message in record.messages if message.role == "assistant")
    return _Answers(normalize(text), frozenset(words(text)))


def _agree(one: _Answers, other: _Answers) -> bool:
    if one.text == other.text:
        return True
    common, different = one.words & other.words, one.words ^ other.words
    if any(character.isdigit() for word in different for character in word):
        return False
    return len(common) >= SHARED_ANSWER_WORDS * (len(common) + len(different))


def _ask_alike(one: Record, other: Record) -> bool:
    mine, theirs = _question_words(one), _question_words(other)
    return len(mine & theirs) >= SHARED_QUESTION_WORDS * len(mine | theirs)


def _question_words(record: Record) -> frozenset[str]:
    text = next((message.content or "" for message in reversed(record.prompt) if message.role == "user"), "")
    return frozenset(word for question in _QUESTION.findall(text) for word in words(question))


def _symbols(record: Record) -> str:
    return symbols(conversation_text(record.messages))


def _system_turns(record: Record) -> list[str]:
    return [normalize(message.content or "") for message in record.messages if message.role == "system"]


def _shared_system_turns(records: Sequence[Record]) -> frozenset[str]:
    counts = Counter(turn for record in records for turn in set(_system_turns(record)))
    return frozenset(turn for turn, count in counts.items() if count >= SHARED_SYSTEM_TURNS)


def _opening(record: Record) -> str:
    """The first user turn."""
    return next((message.content or "" for message in record.messages if message.role == "user"), "")


def _text(record: Record, shared: frozenset[str]) -> str:
    turns = [
        message
        for message in record.messages
        if message.role != "system" or normalize(message.content or "") not in shared
    ]
    return conversation_text(turns)

"""Does an answer say its question again?"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from assay.text import words

from .markup import is_code_line

HEAD = 16
"""Characters compared first: nearly all answers begin otherwise than their question."""

LONG = 20_000

_ASKED = re.compile(
    r"\b(?:repeat|echo|copy|quote|rewrite|rephrase|reword|paraphrase|edit|revise|correct|fix|proofread|translat|continu"
    r"|complet|finish|extend|expand|fill|punctuat|capitali[sz]|format|convert|transform|insert|replace|modif|improve"
    r"|shorten|highlight|annotat|label|tag|classif|spell|verbatim|word for word|transcri|rearrange|unscramble|wiederhol"
    r"|übersetz|korrigier|verbesser|ergänz|vervollständig|umschreib|fortsetz|zitier|repet|repit|traduc|corrig|reescrib"
    r"|contin[uú]|répét|répèt|tradui|réécri|reformul|complét|reprend|cit[ea]r?\b|traduz|reescrev|перевед|повтор|исправ"
    r"|продолж|допиш|перепиш)"
    r"|重复|重複|翻译|翻譯|改写|改寫|续写|續寫|修改|纠正|润色|补全|填空|繰り返|翻訳|訳し|書き直|書き換|続き|続け|直して"
    r"|修正|校正|穴埋め|引用|كرر|ترجم|صحح|أكمل|اكمل|أعد|عدّل|반복|번역|고쳐|이어|완성",
    re.IGNORECASE,
)
_ASKED_OF_ITSELF = re.compile(
    r"\b(?:repeat|echo|copy|quote|verbatim|word for word|continu|complet|finish|correct|fix|proofread|typo|punctuat"
    r"|format|spell|say|read (?:this|it) back|wiederhol|korrigier|vervollständig|zitier|repet|repit|corrig|complet"
    r"|répét"
    r"|répèt|complét|повтор|исправ|продолж)|重复|重複|续写|纠正|补全|繰り返|続け|修正|كرر|صحح|أكمل|반복|고쳐",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.?!:;。？！：؟।…\"”')\]]\s*\Z")
_LABELS = re.compile(
    r"\s*(?:q(?:uestion)?|prompt|instruction|user|human|frage|pregunta|问题|質問|سؤال)\s*[:：]\s*\Z", re.IGNORECASE
)

How = Literal["whole", "begins", "within"]


class Echo(NamedTuple):
    """The question stands at characters [start, end) of the answer. how: it is all of the answer, the beginning of it,
    or within it."""

    how: How
    start: int
    end: int


def echo_of(question: str, answer: str, least_words: int) -> Echo | None:
    """The question's words, letter by letter but for case and white space; None for a question that is short, or whose
    text goes on rather than ends, as the beginning of a story or of a line of code does."""
    asked, given = question.strip(), answer.strip()
    if len(asked) < 2 * least_words:
        return None
    head = min(HEAD, len(asked))
    if asked[:head].casefold() == given[:head].casefold():
        return _at_the_beginning(asked, answer, least_words)
    at = answer.find(asked)
    if at < 0 or not _counts(asked, least_words):
        return None
    how: How = "begins" if _LABELS.match(answer[:at]) else "within"
    return Echo(how, at, at + len(asked))


def asks_for_it(question: str, earlier: str) -> bool:
    """Whether the question asks to be repeated, continued or corrected itself, or what was said or set before it asks
    to repeat, edit, translate, correct, continue, quote or the like whatever comes."""
    return _ASKED_OF_ITSELF.search(question) is not None or _ASKED.search(earlier) is not None


def _at_the_beginning(asked: str, answer: str, least_words: int) -> Echo | None:
    end = _same_text(asked, answer)
    if end is None or not _counts(asked, least_words, apart=answer[end : end + 1] in ("", "\n")):
        return None
    start = len(answer) - len(answer.lstrip())
    rest = answer[end:].strip(" \t\n.?!:;\"'。？！")
    return Echo("begins" if rest else "whole", start, end)


def _same_text(asked: str, answer: str) -> int | None:
    """Where in the answer the question ends that it begins with, runs of white space and case aside; of a very long
    question to the letter, since a pattern of that size takes seconds to compile."""
    if len(asked) > LONG:
        start = len(answer) - len(answer.lstrip())
        return start + len(asked) if answer.startswith(asked, start) else None
    pattern = r"\s+".join(map(re.escape, asked.split()))
    match = re.match(rf"\s*{pattern}", answer, re.IGNORECASE)
    return match.end() if match else None


def _counts(asked: str, least_words: int, *, apart: bool = False) -> bool:
    """apart: a line of its own, which no sentence goes on from; code may."""
    if _SENTENCE_END.search(asked) is None and (not apart or is_code_line(asked.rsplit("\n", 1)[-1])):
        return False
    return len(words(asked[:2_000])) >= least_words

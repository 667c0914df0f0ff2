"""The column of styles is what `style_of` says of each answer."""

from __future__ import annotations

import random
from collections.abc import Callable

from assay.curate.batch import Batch
from assay.curate.check import Context
from assay.curate.styles.columns import answer_styles, is_refusal
from assay.records import Record
from assay.writing.style import style_of

Make = Callable[..., Record]

PIECES = (
    "the", "a", "and", "It", "is", "it is", " do not ", "are not", "cannot", " cannot ", "you are",
    "I am", "I'm", "don't", "it's", "we", "our", "you", "my", "der", "das", "und", "nicht", "los",
    "que", "il", "di", "o", "de", "sorry", "Sorry,", "No!", "n!", "a != b", "**bold**", "**",
    "# Title", "\n# Title", "\n- one\n- two", "\n1. one", "\n", "\t", "\x1c", "  ", "Let me know",
    "feel free", "anything else?", "Why?", "```\nx = 1\n```", "`x`", "{", "[1]", "é", "’", "🙂",
    "你好", "As an AI", "can't help", "I CANNOT HELP", "unable to assist", "lamp", "box", "print",
    "labels", "Monday", "</think>",
)  # fmt: skip
TOLD_APART = ("length", "headings", "bullets", "bold", "code", "person", "contractions", "apology", "closing")


def test_it_agrees_with_the_style_of_one_answer(make: Make) -> None:
    chance = random.Random(11)
    sizes = chance.choices((0, 3, 12, 40, 130), k=3_000)
    answers = [chance.choice((" ", "  ")).join(chance.choices(PIECES, k=size)) for size in sizes]
    answers += ["{}", "", " ", "the " * 6_000, "Let me know. " + "x" * 187, "x" * 157 + "can't help"]
    answers += ["can't help " * 72, "can't help " * 80]
    records = [make("q", answer) for answer in answers]
    styles = answer_styles.compute(Batch(records), Context(records))
    for answer, values in zip(answers, styles.tolist(), strict=True):
        shown = answer.rpartition("</think>")[2]
        style = style_of(shown)
        if is_refusal(shown):
            style = style._replace(**dict.fromkeys(TOLD_APART, 0))
        assert values == list(style[1:]), answer


def test_no_answers_have_no_styles() -> None:
    assert answer_styles.compute(Batch([]), Context([])).shape == (0, 14)

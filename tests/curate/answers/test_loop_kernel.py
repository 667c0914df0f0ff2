"""What the walk passes over holds no loop."""

from __future__ import annotations

import random

from assay.curate.answers.loop_kernel import may_loop
from assay.curate.answers.loops import find_loop

PIECES = (
    "I am sorry. ",
    "Ha",
    "ha ",
    "one two three ",
    "one two ",
    "4, ",
    "!",
    "-",
    "_",
    "\n",
    "\x1c",
    "x",
    "lamp ",
    "0" * 300,
)


def test_no_loop_is_passed_over() -> None:
    chance = random.Random(3)
    texts = ["".join(chance.choices(PIECES, k=chance.randint(0, 60))) for _ in range(2_000)]
    texts += [text * chance.randint(2, 9) for text in texts[:500]]
    looped = [find_loop(text, min_repeats=4, min_words=12) is not None for text in texts]
    assert sum(looped) > 300
    assert not [text for text, loops, may in zip(texts, looped, may_loop(texts), strict=True) if loops and not may]


def test_what_is_not_plain_is_looked_at() -> None:
    plain = "The lamp is in the box, and the box is on the lorry that left on Monday at noon with all our other things."
    assert may_loop([plain]).tolist() == [False]
    assert may_loop([f"{plain} é", f"{plain} `x`", f"{plain} \\frac", "a " * 200_000]).all()


def test_no_texts() -> None:
    assert may_loop([]).tolist() == [] and may_loop([""]).tolist() == [False]

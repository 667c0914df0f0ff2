"""A text that a gate or a secret's literal matches has its sign, whatever else stands in it; most texts have none."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from assay.curate.personal.scan import PATTERNS, scan
from assay.curate.personal.secrets import SECRETS
from assay.curate.personal.shapes import windows
from assay.curate.personal.signs import EVERYTHING, bit_of, signs_of

BITS = {pattern.shape: bit_of(pattern) for pattern in PATTERNS if pattern.shape != "token"}
ALPHABETS = (
    "0123456789 -",
    "0129 .-/()+",
    "AB1290 -+z",
    "ab:0.-fF19",
    "aB, \n0129",
    "12A 34",
    "@a.Ž_é1",
    "bctlTBx01fz",
)


def some_texts(alphabet: str, count: int) -> list[str]:
    chance = random.Random(alphabet)
    return ["".join(chance.choices(alphabet, k=chance.randint(1, 24))) for _ in range(count)]


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_where_a_gate_opens_there_is_a_sign(alphabet: str) -> None:
    texts = some_texts(alphabet, 6_000)
    for text, signs in zip(texts, signs_of(texts).tolist(), strict=True):
        for shape, bit in BITS.items():
            assert signs & bit or not list(windows(text, shape)), (shape, text)


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_the_sign_of_numbers_is_there_only_where_the_gate_opens(alphabet: str) -> None:
    texts = some_texts(alphabet, 6_000)
    for text, signs in zip(texts, signs_of(texts).tolist(), strict=True):
        assert bool(signs & BITS["number"]) == bool(list(windows(text, "number"))), text


@pytest.mark.parametrize("pattern", SECRETS, ids=lambda pattern: pattern.name)
def test_each_secret_has_a_sign_of_its_own(pattern: object) -> None:
    for literal in pattern.literals:  # type: ignore[attr-defined]
        text = f"1@ x{literal}y"
        assert int(signs_of([text])[0]) & bit_of(pattern), literal  # type: ignore[arg-type]
    others = [other for other in SECRETS if other is not pattern]
    assert all(bit_of(other) != bit_of(pattern) for other in others)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Nothing stands here, not in 2024 and not at 3.5 %.",
        "In 2019 it was $1,299.95 at 12:30, 3.5 % less than in 2018-2019.",
        "From 12/05/2019 to 2019-06-01, 1.2.2020, 1999 -2003, and 3/4.",
        "UTF-8, MP3, H2O, B-52, Boeing 747, 24/7, 1,000,000 and 90 %.",
        "“Quotes”, dashes – and — more… naïve café, 10 km",
        "电话很好，今天是星期天！",
        "A passport, an api, Slack; CPU and GPU",
    ],
)
def test_ordinary_text_has_none(text: str) -> None:
    assert signs_of([text]).tolist() == [0]


def test_signs_of_one_text_do_not_reach_into_the_next() -> None:
    assert [bool(sign) for sign in signs_of(["12345", "67890", "@", "a", "1234567"]).tolist()] == [False] * 4 + [True]


@pytest.mark.parametrize("make", [lambda n: "1" * n, lambda n: "1-" * n, lambda n: "1 11 " * n, lambda n: "A1" * n])
def test_a_million_characters_are_no_trouble(make: Callable[[int], str]) -> None:
    assert len(signs_of([make(500_000), "x"])) == 2


def test_everything_is_looked_for_where_nobody_looked_before() -> None:
    text = "write to maria.keller@mailbox.org or call +49 30 901820"
    signs = int(signs_of([text])[0])
    assert scan(text, signs=signs) == scan(text, signs=EVERYTHING) != []
    assert scan(text, signs=0) == []

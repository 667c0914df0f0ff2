"""A check that declares cues is called for every record in which it may find something."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from assay.curate.cues import LONG_WORD, Automaton, Cues, first_bytes
from assay.curate.personal.shapes import CUES as PERSONAL
from assay.curate.personal.signs import signs_of
from assay.records import Record

Make = Callable[..., Record]

SETS = (
    Cues("he", "she", "hers", "a\\[b"),
    Cues("gl[a-z][a-z]-", any_case=("PassWord",)),
    Cues("\n#"),
    Cues("dob[^a-z]", raw=first_bytes("\u0400", "\u04ff")),
    Cues(long_words=True),
)


def marks(make: Make, *texts: str) -> list[list[int]]:
    marked = Automaton(SETS).mark([make("?", text) for text in texts])
    return [marked.held(cues) or [] for cues in SETS]


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("ushers", [0]),
        ("a[b", [0]),
        ("a b", []),
        ("glpa-", [1]),
        ("glPA- and gl12-", []),
        ("my pASSWORd", [1]),
        ("# one", [2]),
        ("one # two", []),
        ("one\n# two", [2]),
        ("adobe", []),
        ("a dob", [3]),
        ("я", [3]),
        ("ü", []),
        ("x" * LONG_WORD, [4]),
        ("x" * (LONG_WORD - 1) + " x", []),
        ("\ud800 he", [0]),
        ("", []),
    ],
)
def test_each_set_is_marked_where_one_of_its_cues_stands(make: Make, text: str, held: list[int]) -> None:
    assert [number for number, of_set in enumerate(marks(make, "nothing", text, "nothing")) if of_set == [1]] == held


def test_a_cue_does_not_reach_from_one_record_into_the_next(make: Make) -> None:
    assert marks(make, "gl", "pa-") == [[], [], [], [], []]


def test_cues_that_nobody_looked_for_are_none(make: Make) -> None:
    assert Automaton(SETS).mark([make("q", "a")]).held(Cues("a")) is None


def test_without_any_cues_nothing_is_marked(make: Make) -> None:
    assert Automaton([]).mark([make("q", "a")]).masks.tolist() == [0]


PIECES = (
    "key", "Token", "passe", "passé", " is ", " ist ", ":", "=", " ", "\n", "::", "fe80", "ab", "-",
    "ab-cd-ef-ab-", "@", "x@y", "1", "2024", " 5", "sk-", "sk_live_", "glpat-", "ghp_", "eyJ",
    "SG.", "hvs.", "d.o.b", "dob", "birth", "født den", "Geb. am", "T" * 26, "0x", "密码", "пароль",
    "١٢٣٤٥", "１２３４５", "ſecret", "to\u212aen", "shpat_", "xoxb-", "sig=", "contraseña", "straße",
)  # fmt: skip


def test_what_the_prefilter_of_personal_data_matches_holds_a_cue(make: Make) -> None:
    chance = random.Random(7)
    texts = ["".join(chance.choices(PIECES, k=chance.randint(1, 5))) for _ in range(4_000)]
    held = set(Automaton([PERSONAL]).mark([make("?", text) for text in texts]).held(PERSONAL) or [])
    suspicious = {place for place, sign in enumerate(signs_of(texts).tolist()) if sign}
    assert len(suspicious) > 1_000 and not suspicious - held

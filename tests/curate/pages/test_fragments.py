"""No piece of a value is left where a quotation was cut."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.curate.pages.fragments import AT_A_CUT, without_pieces

VALUES = ("otto.brandt@posteo.de", "+49 170 8812345", "4539 5787 6362 1486")


def left(text: str, value: str) -> list[str]:
    """Pieces of the value that can still be read."""
    pieces = (value[start : start + AT_A_CUT] for start in range(len(value) - AT_A_CUT + 1))
    return [piece for piece in pieces if piece.lower() in text.lower()]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(
    "quotation", ["stops after {!r}", "'Write to {}' against 'nobody'", "it ends: {}...", "{}\nmore"]
)
def test_a_quotation_that_ends_within_a_value_shows_no_piece_of_it(value: str, quotation: str) -> None:
    for size in range(AT_A_CUT, len(value) + 1):
        for piece in (value[:size], value[:size].upper()):
            text = quotation.format(piece)
            shown = without_pieces(text, [value])
            assert left(shown, value) == [] and len(shown) == len(text)


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(
    "quotation", ["{} is cut", "begins with: {} or so", "'nobody' against '{} or so'", "…{} or so"]
)
def test_a_quotation_that_begins_within_a_value_shows_no_piece_of_it(value: str, quotation: str) -> None:
    for size in range(AT_A_CUT, len(value) + 1):
        assert left(without_pieces(quotation.format(value[-size:]), [value]), value) == []


@pytest.mark.parametrize("value", VALUES)
def test_a_quotation_that_is_a_piece_of_a_value_is_not_shown(value: str) -> None:
    for start in range(len(value) - AT_A_CUT):
        assert left(without_pieces(f"near {value[start : start + 6]!r}", [value]), value) == []


def test_other_text_stays() -> None:
    text = "'Write to us by post' against 'otto is out': 45 people, 1.5 km..."
    assert without_pieces(text, VALUES) == text
    assert without_pieces("", VALUES) == "" and without_pieces("a", [""]) == "a"


@given(st.text(), st.lists(st.text(), max_size=4))
def test_any_text_keeps_its_length(text: str, values: list[str]) -> None:
    assert len(without_pieces(text, values)) == len(text)


def test_long_texts_take_no_longer_than_their_length_asks() -> None:
    began = time.process_time()
    without_pieces("'1'" * 30_000, ["1" * 40, "'1'" * 20])
    assert time.process_time() - began < 5

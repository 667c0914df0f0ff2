"""What is marked is what differs or what was found, and a long text is cut around it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assay.reviews.differing import compared, differing
from assay.reviews.item import Mark, Turn
from assay.reviews.pieces import GAP, pieces, signed

TEXTS = st.text(st.sampled_from("ab c.\n1é"), max_size=60)


def without(text: str, marks: tuple[Mark, ...]) -> str:
    return "".join(sign for at, sign in enumerate(text) if not any(mark.start <= at < mark.end for mark in marks))


def test_the_words_that_differ_are_marked_on_both_sides() -> None:
    one, other = "You have 30 days to return it.", "You have 14 days to send it back."
    marks = differing(one, other)
    assert [one[mark.start : mark.end] for mark in marks.first] == ["30", "return"]
    assert [other[mark.start : mark.end] for mark in marks.second] == ["14", "send", "back"]


@given(TEXTS, TEXTS)
def test_what_is_not_marked_is_the_same_words(one: str, other: str) -> None:
    marks = differing(one, other)
    assert "".join(without(one, marks.first).split()) == "".join(without(other, marks.second).split())


@given(TEXTS)
def test_nothing_is_marked_where_nothing_differs(text: str) -> None:
    assert differing(text, text) == ((), ())


def test_turns_are_compared_from_the_end_and_other_texts_are_left_alone() -> None:
    one = (Turn("user", "Where is it?"), Turn("assistant", "It left on Monday."))
    other = (
        Turn("system", "Be brief."),
        Turn("user", "What does a valve cost me today?"),
        Turn("assistant", "It left on Friday."),
    )
    mine, theirs = compared(one, other)
    assert mine[0].marks == theirs[1].marks == theirs[0].marks == ()
    assert [mine[1].text[mark.start : mark.end] for mark in mine[1].marks] == ["Monday"]


@given(TEXTS, st.lists(st.tuples(st.integers(-3, 70), st.integers(-3, 70)), max_size=4))
def test_pieces_are_the_text_whatever_the_marks(text: str, places: list[tuple[int, int]]) -> None:
    turn = Turn("user", text, tuple(Mark(start, end) for start, end in places))
    assert "".join(piece.text for piece in pieces(turn)) == text


def test_a_long_text_is_cut_around_its_mark_and_says_how_much_is_left_out() -> None:
    text = "a" * 5000 + "NEEDLE" + "b" * 5000
    turn = Turn("assistant", text, (Mark(5000, 5006),))
    cut = pieces(turn, whole=False)
    assert [piece.text for piece in cut if piece.mark == "hit"] == ["NEEDLE"]
    assert [piece.text for piece in cut if piece.mark == GAP] == ["… 4,840 characters …", "… 4,840 characters …"]
    assert sum(len(piece.text) for piece in cut) < 500
    assert pieces(turn)[0].text == "a" * 5000


def test_in_a_terminal_marks_are_plain_signs() -> None:
    turn = Turn("assistant", "in 30 days or so", (Mark(3, 5), Mark(11, 13, "added"), Mark(14, 16, "removed")))
    assert signed(turn) == "in >>30<< days {+or+} [-so-]"

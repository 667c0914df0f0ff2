"""Pairs are changed by rule as the benchmark says, and each goes to one half only."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.contradiction_sets import changes
from benchmarks.contradiction_sets.fresh import made
from benchmarks.contradiction_sets.hold_out import lines
from benchmarks.contradiction_sets.item import NEWS, Item, counts
from benchmarks.contradictions import detect


def test_one_number_is_changed_and_neither_a_year_nor_the_number_of_an_item() -> None:
    text = "1. In 1987 it had 40 rooms."
    changed = changes.with_other_number(text, random.Random(1))
    assert changed is not None and changed.startswith("1. In 1987 it had ") and changed != text
    assert changes.with_other_number("1. It opened in 1987.", random.Random(1)) is None


def test_one_date_is_changed() -> None:
    for seed in range(9):
        changed = changes.with_other_date("It opened on March 5, 1987.", random.Random(seed))
        assert changed is not None and changed != "It opened on March 5, 1987." and "March" in changed
    assert changes.with_other_date("It opened at noon.", random.Random(1)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is 3 km away.", "It is 3,000 meters away."),
        ("It takes 2 hours.", "It takes 120 minutes."),
        ("It holds 12.35 of them.", "It holds 12.3 of them."),
        ("It is blue.", None),
    ],
)
def test_a_quantity_is_told_in_another_unit(text: str, expected: str | None) -> None:
    assert changes.in_other_unit(text) == expected


def test_a_sentence_is_denied_once_and_only_where_it_denies_nothing() -> None:
    assert changes.denial("The shop is open.") == "The shop is not open."
    assert changes.denial("The shop is never open.") is None


def test_items_from_one_prompt_are_in_one_half_and_both_halves_are_used() -> None:
    items = [Item("number", "made", f"q{n}", "a", "b") for n in range(40)]
    assert {item.half for item in items} == {"tune", "test"}
    assert Item("number", "made", "q1", "x", "y").half == Item("date", "made", "q1", "p", "q").half


def test_each_pair_is_compared_by_itself() -> None:
    items = [
        Item("number", "made", "How long is it?", "It is 5 km long.", "It is 9 km long."),
        Item("same", "made", "How long is it?", "It is 5 km long.", "It is 5,000 metres long."),
        Item("other prompt", "made", "How long is it?", "It is 5 km long.", "It is 9 km long.", "How wide is it?"),
    ]
    assert detect(items) == ["number", None, None]


def test_facts_of_templates_are_the_same_on_each_call_and_at_least_three_hundred_of_each_kind() -> None:
    items = list(made.make(Path(), random.Random("a")))
    assert items == list(made.make(Path(), random.Random("a")))
    assert all(count >= 300 for count in counts(items).values())


def test_records_are_known_by_their_lines_but_not_by_labels_or_common_prompts() -> None:
    item = Item("label", "made", "Which intent has this message?\nWhere is my  Card now?", "card_arrival", "lost card")
    assert lines([item]) == {"which intent has this message?", "where is my card now?"}
    assert lines([Item("free", "made", NEWS, "A man sleeps on a bench.", "No.")]) == {"a man sleeps on a bench."}

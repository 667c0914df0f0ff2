"""Which items the damaged model answers, and how progress in requests becomes progress in items."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assay.evaluate.asking.examination import Item, ItemsDone, choose, digest


def items(names: list[str]) -> list[Item]:
    return [Item(name, name, None, None, None, name, 1) for name in names]


@given(st.lists(st.text(min_size=1, max_size=4), unique=True, max_size=40), st.integers(0, 50), st.integers(0, 3))
def test_at_most_so_many_are_chosen_in_order_and_once(names: list[str], most: int, seed: int) -> None:
    chosen = choose(items(names), most, seed)
    assert len(chosen) == min(most, len(names)) and chosen == sorted(set(chosen))
    assert set(chosen) <= set(range(len(names)))


def test_ids_and_seed_alone_decide() -> None:
    names = [f"i{number}" for number in range(100)]
    chosen = {names[number] for number in choose(items(names), 30, 0)}
    turned = names[::-1]
    assert {turned[number] for number in choose(items(turned), 30, 0)} == chosen
    assert {names[number] for number in choose(items(names), 30, 1)} != chosen
    fewer = {names[number] for number in choose(items(names), 20, 0)}
    assert fewer < chosen


def test_requests_are_told_on_as_items_and_none_is_missed() -> None:
    told: list[int] = []
    counted = ItemsDone(10, 40, told.append)
    for _ in range(13):
        counted(3)
    assert sum(told) == 9
    counted.finish()
    assert sum(told) == 10 and all(told)
    counted.finish()
    assert sum(told) == 10


def test_an_item_without_requests_is_told_too() -> None:
    told: list[int] = []
    ItemsDone(3, 0, told.append).finish()
    assert told == [3]


def test_a_digest_tells_content_from_content() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1}) != digest({"a": 1, "b": [3]})
    assert digest("half a pair: \ud800") != digest("half a pair: ")

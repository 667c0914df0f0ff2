"""Families: what must stay on one side of a split is found, and named the same on any machine."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from assay.dataset import Dataset
from assay.families import UnionFind, assign_families, family_names
from assay.records import Message, Record, Source, record_id, row_id


def record(prompt: str, answer: str, line: int) -> Record:
    messages = (Message("user", prompt), Message("assistant", answer))
    return Record(record_id(messages), row_id("t", line), messages, Source("a", line, line - 1))


def test_records_with_the_same_prompt_are_a_family() -> None:
    rows = [record("Who are you?", "Ada", 1), record("who are you", "Bob", 2), record("Why?", "So.", 3)]
    names = family_names(rows)
    assert names[rows[0].row_id] == names[rows[1].row_id] != names[rows[2].row_id]


def test_a_synthetic_record_belongs_to_its_parents() -> None:
    parent = record("a", "1", 1)
    child = replace(record("b", "2", 2), parents=(parent.id,), origin="synthetic")
    orphan = replace(record("c", "3", 3), parents=("not-here",), origin="synthetic")
    sibling = replace(record("d", "4", 4), parents=("not-here",), origin="synthetic")
    names = family_names([parent, child, orphan, sibling])
    assert names[parent.row_id] == names[child.row_id]
    assert names[orphan.row_id] == names[sibling.row_id] != names[parent.row_id]


def test_duplicate_groups_and_a_group_column_tie_records_together() -> None:
    rows = [replace(record(f"q{n}", "a", n), meta={"customer": n // 2}) for n in range(1, 7)]
    by_column = family_names(rows, group_column="customer")
    assert by_column[rows[1].row_id] == by_column[rows[2].row_id] != by_column[rows[0].row_id]
    by_group = family_names(rows, [[rows[0].row_id, rows[5].row_id]])
    assert by_group[rows[0].row_id] == by_group[rows[5].row_id]


def test_a_family_is_named_by_its_smallest_record_whatever_the_order() -> None:
    rows = [record("x", str(n), n) for n in range(5)]
    names = set(family_names(rows).values())
    assert names == {min(row.id for row in rows)}
    assert family_names(rows) == family_names(rows[::-1])


def test_the_column_is_filled_and_nothing_else_changes() -> None:
    data = Dataset.from_records([record("a", "1", 1), record("b", "2", 2)])
    filled = assign_families(data)
    assert [row.family for row in filled.records()] == [row.id for row in data.records()]
    assert filled.row_ids() == data.row_ids()


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20))))
def test_joined_items_are_in_one_group_and_groups_part_all_items(joins: list[tuple[int, int]]) -> None:
    union: UnionFind[int] = UnionFind()
    for first, second in joins:
        union.join(first, second)
    groups = union.groups()
    items = [item for group in groups for item in group]
    assert sorted(items) == sorted({item for pair in joins for item in pair})
    for first, second in joins:
        assert union.find(first) == union.find(second)
    for group in groups:
        assert {union.find(item) for item in group} == {group[0]}

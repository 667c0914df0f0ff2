"""Families: records that must stay on one side of a split.

Duplicates, records with the same prompt, a synthetic record and those it was made from, and records that a
group column of the user's ties together (a customer, a document) are one family.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from typing import Generic, TypeVar

from assay.dataset import Dataset
from assay.records import Record
from assay.text import prompt_key

T = TypeVar("T", bound=Hashable)


class UnionFind(Generic[T]):
    """Disjoint sets with path halving; the earliest item joined leads its set, whatever the order of later joins."""

    def __init__(self) -> None:
        self._parent: dict[T, T] = {}
        self._order: dict[T, int] = {}

    def add(self, item: T) -> None:
        if item not in self._parent:
            self._parent[item] = item
            self._order[item] = len(self._order)

    def find(self, item: T) -> T:
        self.add(item)
        parent = self._parent
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    def join(self, first: T, second: T) -> None:
        a, b = self.find(first), self.find(second)
        if a == b:
            return
        if self._order[b] < self._order[a]:
            a, b = b, a
        self._parent[b] = a

    def join_all(self, items: Sequence[T]) -> None:
        for item in items[1:]:
            self.join(items[0], item)

    def groups(self) -> list[list[T]]:
        """The sets, each in the order in which its items were added."""
        found: dict[T, list[T]] = {}
        for item in self._parent:
            found.setdefault(self.find(item), []).append(item)
        return list(found.values())


def assign_families(dataset: Dataset, groups: Iterable[Sequence[str]] = (), group_column: str | None = None) -> Dataset:
    """The same rows with `family` set: the smallest record id of the family.

    groups        row ids that belong together, for example each duplicate cluster
    group_column  a key of `meta` whose equal values tie records together
    """
    records = list(dataset.records())
    names = family_names(records, groups, group_column)
    return Dataset.from_records(
        (replace(record, family=names[record.row_id]) for record in records), dataset.faults, dataset.notes
    )


def family_names(
    records: Sequence[Record], groups: Iterable[Sequence[str]] = (), group_column: str | None = None
) -> dict[str, str]:
    """{row id: family}."""
    union: UnionFind[tuple[str, str]] = UnionFind()
    for record in records:
        row = ("row", record.row_id)
        union.add(row)
        union.join(row, ("record", record.id))
        union.join(row, ("prompt", prompt_key(record)))
        for parent in record.parents:
            union.join(row, ("record", parent))
        if group_column is not None and record.meta.get(group_column) is not None:
            union.join(row, ("group", json.dumps(record.meta[group_column], sort_keys=True, default=str)))
    for group in groups:
        union.join_all([("row", row_id) for row_id in group])
    smallest: dict[tuple[str, str], str] = {}
    for record in records:
        leader = union.find(("row", record.row_id))
        smallest[leader] = min(record.id, smallest.get(leader, record.id))
    return {record.row_id: smallest[union.find(("row", record.row_id))] for record in records}

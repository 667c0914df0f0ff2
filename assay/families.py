"""Families: records that must stay on one side of a split.

Duplicates, records with the same prompt, a synthetic record and those it was made from, and records that a
group column of the user's ties together (a customer, a document) are one family.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from assay.dataset import Dataset
from assay.records import Record
from assay.text import prompt_key

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

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

    groups        row ids that belong together, for example each duplicate cluster; those of other rows do not count
    group_column  a key of `meta` whose equal values tie records together
    """
    import numpy as np
    import pyarrow as pa

    ids = dataset.table.column("record_id").combine_chunks()
    named = np.arange(len(dataset))
    for family in _families(dataset, ids, groups, group_column):
        named[family] = min(family, key=lambda position: ids[position].as_py())
    place = dataset.table.schema.get_field_index("family")
    families = ids.take(pa.array(named))
    return replace(dataset, table=dataset.table.set_column(place, dataset.table.schema.field(place), families))


def family_names(
    records: Sequence[Record], groups: Iterable[Sequence[str]] = (), group_column: str | None = None
) -> dict[str, str]:
    """{row id: family}."""
    table = assign_families(Dataset.from_records(records), groups, group_column).table
    return dict(zip(table.column("row_id").to_pylist(), table.column("family").to_pylist(), strict=True))


def _families(
    dataset: Dataset, ids: pa.StringArray, groups: Iterable[Sequence[str]], group_column: str | None
) -> Iterator[list[int]]:
    """Positions of each family of two and more. Only rows that are tied to another one become Python objects."""
    union: UnionFind[int | tuple[str, str]] = UnionFind()
    for first, other in [*_repeated(_codes(ids)), *_repeated(_prompt_hashes(dataset))]:
        union.join(first, other)
    for position, key in [*_parent_ties(dataset, ids), *_column_ties(dataset, group_column)]:
        union.join(position, key)
    named = [list(group) for group in groups]
    places = iter(dataset.positions([row_id for group in named for row_id in group]))
    for group in named:
        union.join_all([place for place in islice(places, len(group)) if place >= 0])
    for family in union.groups():
        rows = [item for item in family if isinstance(item, int)]
        if len(rows) > 1:
            yield rows


def _repeated(keys: npt.NDArray[Any]) -> Iterator[tuple[int, int]]:
    """(first position, other position) for each value that stands at several."""
    import numpy as np

    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    leaders = first[inverse]
    for position in np.flatnonzero(leaders != np.arange(len(keys))).tolist():
        yield int(leaders[position]), position


def _codes(values: pa.StringArray) -> npt.NDArray[Any]:
    return cast("npt.NDArray[Any]", values.dictionary_encode().indices.to_numpy(zero_copy_only=False))


def _prompt_hashes(dataset: Dataset) -> npt.NDArray[Any]:
    import numpy as np

    def hashed(record: Record) -> int:
        key = prompt_key(record).encode("utf-8", "surrogatepass")
        return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "little")

    return np.fromiter(map(hashed, dataset.records()), np.uint64, len(dataset))


def _parent_ties(dataset: Dataset, ids: pa.StringArray) -> Iterator[tuple[int, tuple[str, str]]]:
    """Each record that was made from others, and those others, by the ids of the others."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parents = dataset.table.column("parents").combine_chunks()
    named = pc.unique(parents.flatten())
    if not len(named):
        return
    for position in pc.indices_nonzero(pc.greater(pc.list_value_length(parents), 0)).to_pylist():
        yield from ((position, ("record", parent)) for parent in parents[position].as_py())
    for position in pc.indices_nonzero(pc.is_in(ids, value_set=pa.array(named))).to_pylist():
        yield position, ("record", ids[position].as_py())


def _column_ties(dataset: Dataset, group_column: str | None) -> Iterator[tuple[int, tuple[str, str]]]:
    if group_column is None:
        return
    for position, record in enumerate(dataset.records()):
        value = record.meta.get(group_column)
        if value is not None:
            yield position, ("group", json.dumps(value, sort_keys=True, default=str))

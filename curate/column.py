"""Columns: what a dataset check looks at in place of the records themselves.

A million records do not fit into memory as Python objects, and a check that walks over all of them by itself
decodes all of them again. So a dataset check declares columns; each is computed batch by batch, in the one pass
over the data in which the record checks run (on several processes, or on a Ray cluster), and the check gets it as
one array in record order. Records are then read by position where a finding needs their text.

    @column(np.uint64)
    def prompt_hash(record: Record) -> int:
        '''Equal for records that ask the same.'''
        return hash_of(prompt_key(record))

    @dataset_check(severity=Severity.WARNING, decision=Decision.KEEP, columns=(prompt_hash,))
    def my_check(records: Sequence[Record], context: Context) -> Iterator[Finding]:
        hashes = context.column(prompt_hash)      # shape [records]
        ...
        records[position]                         # decoded when asked for

A column whose values depend on more than the record takes the context too: `context.sample`, `context.target`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from assay.records import Record

from .batch import Batch

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array: TypeAlias = npt.NDArray[Any]

Compute: TypeAlias = "Callable[[Batch, Any], Array]"
"""f(batch, context: Context) -> array of shape [records of the batch, ...]"""


@dataclass(frozen=True)
class Column:
    """name    module and function, the same in every process
    compute  a pure function of a batch and the context
    each     the same from the records one by one, and their number: under the time limit of a record; None for a
             column that needs the whole batch, which has none
    """

    name: str
    compute: Compute
    each: Callable[[Iterable[Record], int], Array] | None = None


def column(dtype: type[np.generic] | str) -> Callable[[Callable[[Record], Any]], Column]:
    """Makes a column of f(record) -> one value of the dtype."""

    def decorate(function: Callable[[Record], Any]) -> Column:
        def each(records: Iterable[Record], count: int) -> Array:
            import numpy as np

            return np.fromiter(map(function, records), dtype, count)

        def compute(batch: Batch, context: object) -> Array:
            return each(batch.records, len(batch.records))

        return Column(f"{function.__module__}.{function.__qualname__}", compute, each)

    return decorate


def batch_column(function: Compute) -> Column:
    """Makes a column of f(batch, context) -> array; for what is faster over many texts at once."""
    return Column(f"{function.__module__}.{function.__qualname__}", function)


def hash_of(text: str) -> int:
    """64 bits that are the same on every machine; never 0, which stands for "nothing there"."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") or 1

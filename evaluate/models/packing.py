"""Which tokens a forward pass computes: those of all requests as a tree, in rows that keep branches apart.

Two requests that begin with the same tokens share them, whether they are options of one item, a minimal pair of
sentences or items of one pattern: a beginning that stands in a row once is computed once (tree attention; Miao et al.
2023, SpecInfer, section 4.2). Sorted lexicographically, the requests of a row are its tree in depth-first order, so
that what descends from a token stands right behind it, and a mask needs one number a token
(docs/decisions/0064-what-packing-gains.md).

All of it depends on the requests alone: every model sees the very same batches, so that what floating point does to a
batch it does to all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .causal_model import common_prefix

SHORTEST_SHARED_PREFIX = 24
"""Tokens from which a beginning that requests share may be computed in a pass of its own."""

FULL_ROW = 256
"""Tokens of a row that takes no further branch, but one that shares more than it adds."""

FULL_SHARING_ROW = 1024
"""Tokens of a row that takes no further branch at all, but for options of a context that is as long as half of it."""

ATTENTION = 4096
"""Columns that a token attends to for the price of all else that is computed for it: 3,072 in SmolLM2-135M, and more
in larger models."""

CACHED_COLUMNS = 32
"""Cached tokens copied to one more row for the price of a token computed."""


class Request(NamedTuple):
    """context must hold at least one token, continuation too."""

    context: tuple[int, ...]
    continuation: tuple[int, ...]


class Read(NamedTuple):
    """The token that the position should predict, for one of the requests."""

    column: int
    token: int
    request: int


class Path(NamedTuple):
    """From the root of the tree to where the last token of a request is predicted.

    first  the first position that is read, which predicts the first token of the continuation
    """

    ids: tuple[int, ...]
    first: int
    continuation: tuple[int, ...]
    request: int


@dataclass(frozen=True)
class Row:
    """One row of a forward pass, behind what is cached.

    positions  each token's distance from the root of the tree
    ends       of each token the column behind its last descendant: a token sees itself and the columns before it that
               do not end before it
    """

    ids: tuple[int, ...]
    positions: tuple[int, ...]
    ends: tuple[int, ...]
    reads: tuple[Read, ...]

    @property
    def branched(self) -> bool:
        return any(end != len(self.ids) for end in self.ends)

    @property
    def read_columns(self) -> int:
        return len({read.column for read in self.reads})


class Group(NamedTuple):
    """Rows behind one beginning, which is empty where nothing is shared; longest first."""

    beginning: tuple[int, ...]
    rows: list[Row]


@dataclass(frozen=True)
class Bounds:
    """What a pass may hold at most.

    batch_tokens  padding included
    reads         positions whose logits are computed
    pass_tokens   padding that costs as much as one more pass
    longest_branched  tokens that a branched row may have with what is cached before it; None without a limit
    """

    batch_tokens: int
    reads: int
    pass_tokens: int
    longest_branched: int | None = None


def paths(requests: Sequence[Request], max_length: int) -> list[Path]:
    """In lexicographic order. A context too long for the model loses its beginning, and the last token of a
    continuation is only predicted: lm-eval's (context + continuation)[-(max_length + 1):][:-1]."""
    found = []
    for number, (context, continuation) in enumerate(requests):
        kept = context[-max(1, max_length + 1 - len(continuation)) :]
        found.append(Path(kept + continuation[:-1], len(kept) - 1, continuation, number))
    return sorted(found)


def groups(requests: Sequence[Request], max_length: int, bounds: Bounds) -> list[Group]:
    """Those with a beginning of their own first, such as the examples of each of several tasks asked at once."""
    by_beginning: dict[tuple[int, ...], list[Path]] = {}
    for path in paths(requests, max_length):
        by_beginning.setdefault(path.ids[:SHORTEST_SHARED_PREFIX], []).append(path)
    found: list[Group] = []
    rest: list[Path] = []
    for members in by_beginning.values():
        shared = _worth_caching(members, bounds)
        if shared:
            found.append(Group(members[0].ids[:shared], _longest_first(pack(members, shared, bounds))))
        else:
            rest += members
    return found + ([Group((), _longest_first(pack(rest, 0, bounds)))] if rest else [])


def _longest_first(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (-len(row.ids), row.ids))


def _worth_caching(members: Sequence[Path], bounds: Bounds) -> int:
    """Length of what all begin with, where computing it once in a pass of its own costs less; every read stays
    behind it."""
    limit = bounds.longest_branched
    if limit is not None and max(len(path.ids) for path in members) > limit:
        return 0
    shared = min(common_prefix([members[0].ids, members[-1].ids]), *(path.first for path in members))
    if shared < SHORTEST_SHARED_PREFIX:
        return 0
    beginning = bounds.pass_tokens + shared * (1 + shared / ATTENTION)
    behind = beginning + _cost(pack(members, shared, bounds), shared)
    return shared if behind < _cost(pack(members, 0, bounds), 0) else 0


def _cost(rows: Sequence[Row], cached: int) -> float:
    """In tokens computed without attention."""
    return sum(len(row.ids) * (1 + (cached + len(row.ids)) / ATTENTION) + cached / CACHED_COLUMNS for row in rows)


def pack(members: Sequence[Path], cached: int, bounds: Bounds) -> list[Row]:
    """Rows of paths in their order, which is lexicographic; the first `cached` tokens of each are left out."""
    rows = []
    branches: list[Path] = []
    length = 0
    for path in members:
        before = branches[-1].ids[cached:] if branches else ()
        common = common_prefix([before, path.ids[cached:]])
        own = len(path.ids) - cached - common
        if branches and not _joins(length, own, common, len(before), cached, bounds):
            rows.append(_row(branches, cached))
            branches, length, own = [], 0, own + common
        branches.append(path)
        length += own
    return [*rows, _row(branches, cached)] if branches else rows


def _joins(length: int, own: int, common: int, before: int, cached: int, bounds: Bounds) -> bool:
    """Whether a path that adds `own` tokens goes into a row of `length`, rather than begin one with all its tokens.

    A longer row costs attention to what the mask hides. A new one costs what the two have in common, a copy of what
    is cached, and most often a column of padding.

    before  length of the path that was last put there: one that goes on from its end is no branch
    """
    if own == 0:
        return True
    if length + own > bounds.batch_tokens:
        return False
    branches = length > before or common < before
    if branches and bounds.longest_branched is not None and cached + length + own > bounds.longest_branched:
        return False
    if length + own > (max(FULL_SHARING_ROW, 2 * before) if common >= own else FULL_ROW):
        return False
    return common + cached / CACHED_COLUMNS + 1 >= own * length / ATTENTION


def _row(branches: Sequence[Path], cached: int) -> Row:
    ids: list[int] = []
    positions: list[int] = []
    ends: list[int] = []
    reads: list[Read] = []
    columns: list[int] = []  # of the tokens of the path that is being walked
    before: tuple[int, ...] = ()
    for path in branches:
        common = common_prefix([before, path.ids[cached:]])
        for column in columns[common:]:
            ends[column] = len(ids)
        del columns[common:]
        for position in range(cached + common, len(path.ids)):
            columns.append(len(ids))
            ids.append(path.ids[position])
            positions.append(position)
            ends.append(0)
        start = path.first - cached
        reads += [Read(columns[start + i], token, path.request) for i, token in enumerate(path.continuation)]
        before = path.ids[cached:]
    for column in columns:
        ends[column] = len(ids)
    return Row(tuple(ids), tuple(positions), tuple(ends), tuple(reads))


def batches(rows: Sequence[Row], bounds: Bounds) -> Iterator[list[Row]]:
    """Consecutive rows, longest first, until the padding of one more would cost as much as a pass of its own."""
    batch: list[Row] = []
    reads = padding = 0
    for row in rows:
        width = len(batch[0].ids if batch else row.ids)
        padding += width - len(row.ids)
        reads += row.read_columns
        full = width * (len(batch) + 1) > bounds.batch_tokens or reads > bounds.reads or padding > bounds.pass_tokens
        if batch and full:
            yield batch
            batch, reads, padding = [], row.read_columns, 0
        batch.append(row)
    if batch:
        yield batch

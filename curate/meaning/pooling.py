"""The sum of token vectors as machine code: numpy gathers a copy of every vector first, and takes ten times as long."""

from __future__ import annotations

from numba import float32, int32, int64, njit, void


@njit(void(float32[:, ::1], int32[::1], int64[::1], float32[:, ::1]), cache=True, fastmath=True, nogil=True)
def add_tokens(table, tokens, ends, out):  # type: ignore[no-untyped-def]
    """Adds to row r of `out` the rows of `table` that tokens[ends[r - 1] : ends[r]] name."""
    start = 0
    for row in range(len(ends)):
        for place in range(start, ends[row]):
            token = tokens[place]
            for dimension in range(table.shape[1]):
                out[row, dimension] += table[token, dimension]
        start = ends[row]

"""Loops over matrices of similarities and over packed vectors, as machine code: numpy would sort or copy all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from .vectors import Codes, Floats, Packed, Positions

RUN = 64
"""Columns of which it is first asked whether one of them is large enough: nearly always none is."""


def nearest_columns(similarities: Floats, out: npt.NDArray[np.int32]) -> None:
    """Writes the columns of the largest values of each row, largest first, into out, shape [rows, wanted]."""
    _nearest_columns(similarities, out)


def best_hits(
    bounds: Floats, vectors: Packed, rows: Positions, columns: Positions, threshold: float, slack: float, most: int
) -> tuple[Positions, Positions, Floats]:
    """(position of the row, position of the column, mean cosine of their texts) where every cosine reaches `threshold`.

    bounds  what the cosine of one text is at most, less the slack, shape [rows, columns]
    most    of a row no more than the nearest are told; never a vector with itself
    """
    least = np.float32(threshold - slack)
    return _best_hits(bounds, vectors.codes, vectors.inverse_lengths, rows, columns, np.float32(threshold), least, most)


def row_hashes(vectors: Packed) -> npt.NDArray[np.uint64]:
    """Equal for records with equal codes, shape [records]."""
    shape = (vectors.texts, vectors.dimensions)
    factors = np.random.default_rng(1).integers(1, 2**63, shape, dtype=np.uint64) | np.uint64(1)
    return _row_hashes(vectors.codes, factors)


if TYPE_CHECKING:

    def _nearest_columns(similarities: Floats, out: npt.NDArray[np.int32]) -> None: ...

    def _best_hits(
        bounds: Floats,
        codes: Codes,
        inverse: Floats,
        rows: Positions,
        columns: Positions,
        threshold: np.float32,
        least: np.float32,
        most: int,
    ) -> tuple[Positions, Positions, Floats]: ...

    def _row_hashes(codes: Codes, factors: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]: ...

else:
    from numba import njit

    @njit(cache=True, nogil=True)
    def _keep(best, out, value, column):
        """Inserts into a list that is sorted, largest first; returns its smallest value."""
        place = len(best) - 1
        while place > 0 and best[place - 1] < value:
            best[place] = best[place - 1]
            out[place] = out[place - 1]
            place -= 1
        best[place] = value
        out[place] = column
        return best[-1]

    @njit(cache=True, nogil=True)
    def _none_above(row, start, least):
        """Whether none of RUN values is above `least`: without a branch, so that sixteen are compared at a time."""
        if start + RUN > len(row):
            return False
        above = np.int32(0)
        for place in range(RUN):
            above |= np.int32(row[start + place] > least)
        return above == 0

    @njit(cache=True, nogil=True)
    def _nearest_columns(similarities, out):
        best = np.empty(out.shape[1], np.float32)
        for number in range(similarities.shape[0]):
            row = similarities[number]
            best[:] = -2.0
            worst = np.float32(-2.0)
            for start in range(0, len(row), RUN):
                if _none_above(row, start, worst):
                    continue
                for column in range(start, min(start + RUN, len(row))):
                    if row[column] > worst:
                        worst = _keep(best, out[number], row[column], column)

    @njit(cache=True, nogil=True)
    def _mean_cosine(codes, inverse, one, other, threshold):
        """-2 where one of the cosines is below the threshold."""
        total = np.float32(0.0)
        for text in range(inverse.shape[1]):
            mine, theirs = codes[one, text], codes[other, text]
            product = np.int32(0)
            for dimension in range(len(mine)):
                product = np.int32(product + np.int32(mine[dimension]) * np.int32(theirs[dimension]))
            cosine = np.float32(product) * inverse[one, text] * inverse[other, text]
            if cosine < threshold:
                return np.float32(-2.0)
            total += cosine
        return total / np.float32(inverse.shape[1])

    @njit(cache=True, nogil=True)
    def _best_hits(bounds, codes, inverse, rows, columns, threshold, least, most):
        best, places = np.empty(most, np.float32), np.empty(most, np.int64)
        size, count = 1024, 0
        found_row, found_column = np.empty(size, np.int64), np.empty(size, np.int64)
        found_cosine = np.empty(size, np.float32)
        for number in range(len(rows)):
            row, position = bounds[number], rows[number]
            best[:] = -1.0
            worst = np.float32(-1.0)
            for start in range(0, len(row), RUN):
                if _none_above(row, start, least):
                    continue
                for column in range(start, min(start + RUN, len(row))):
                    if row[column] > least and columns[column] != position:
                        cosine = _mean_cosine(codes, inverse, position, columns[column], threshold)
                        if cosine > worst:
                            worst = _keep(best, places, cosine, columns[column])
            if count + most > size:
                size = 2 * size + most
                found_row = np.concatenate((found_row[:count], np.empty(size - count, np.int64)))
                found_column = np.concatenate((found_column[:count], np.empty(size - count, np.int64)))
                found_cosine = np.concatenate((found_cosine[:count], np.empty(size - count, np.float32)))
            place = 0
            while place < most and best[place] > -1.0:
                found_row[count], found_column[count], found_cosine[count] = position, places[place], best[place]
                count, place = count + 1, place + 1
        return found_row[:count], found_column[:count], found_cosine[:count]

    @njit(cache=True, nogil=True)
    def _row_hashes(codes, factors):
        out = np.zeros(codes.shape[0], np.uint64)
        for row in range(codes.shape[0]):
            total = np.uint64(0)
            for text in range(factors.shape[0]):
                for dimension in range(factors.shape[1]):
                    total += np.uint64(np.int64(codes[row, text, dimension])) * factors[text, dimension]
            out[row] = total
        return out

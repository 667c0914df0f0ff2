"""Two loops over matrices of similarities, as machine code: numpy would sort or copy the whole matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    Floats = npt.NDArray[np.float32]
    Positions = npt.NDArray[np.int64]


def nearest_columns(similarities: Floats, out: npt.NDArray[np.int32]) -> None:
    """Writes the columns of the largest values of each row, largest first, into out, shape [rows, wanted]."""
    _nearest_columns(similarities, out)


def best_hits(
    similarities: Floats, threshold: np.float32, rows: Positions, columns: Positions, most: int
) -> tuple[Positions, Positions]:
    """Where values reach the threshold: the `most` largest of a row; not where row and column are the same vector."""
    found = np.full((len(rows), most), -1, np.int32)
    _best_hits(similarities, threshold, rows, columns, found)
    row, place = np.nonzero(found >= 0)
    return row, found[row, place].astype(np.int64)


if TYPE_CHECKING:

    def _nearest_columns(similarities: Floats, out: npt.NDArray[np.int32]) -> None: ...

    def _best_hits(
        s: Floats, threshold: np.float32, rows: Positions, columns: Positions, out: npt.NDArray[np.int32]
    ) -> None: ...

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
    def _nearest_columns(similarities, out):
        best = np.empty(out.shape[1], np.float32)
        for row in range(similarities.shape[0]):
            best[:] = -2.0
            worst = np.float32(-2.0)
            for column in range(similarities.shape[1]):
                value = similarities[row, column]
                if value > worst:
                    worst = _keep(best, out[row], value, column)

    @njit(cache=True, nogil=True)
    def _best_hits(similarities, threshold, rows, columns, out):
        best = np.empty(out.shape[1], np.float32)
        for row in range(similarities.shape[0]):
            best[:] = -2.0
            worst = np.float32(-2.0)
            for column in range(similarities.shape[1]):
                value = similarities[row, column]
                if value >= threshold and value > worst and rows[row] != columns[column]:
                    worst = _keep(best, out[row], value, column)

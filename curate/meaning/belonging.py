"""Answers that do not belong to their prompt: how near the two are, against how near each is to all others.

The cosine of a prompt and its answer says little by itself: a translation is far from what it translates, a summary
near. So it is counted in standard deviations from the mean of that prompt with all answers, and of that answer with
all prompts; mean and deviation follow from the mean and the covariance of the vectors, without comparing all with all.
The sum of both, the fit, is near 0 for texts that have nothing to do with each other and above 5 for most that have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .threads import in_threads
from .vectors import Codes, Floats, Positions

BLOCK = 4_096
COMPARED_AT_ONCE = 1_024
MOST_ODD = 8_000
"""So many records that fit worst are compared with each other."""

UNFIT = 3.0
"""An answer that fits its own prompt better than this belongs to it, whatever else it fits."""

MOVED_TOO = 4.0
"""An answer that fits another prompt by so much more than its own may have changed places. Chosen on the even rows of
the files that benchmarks/off_topic_answers.py was run on."""

WINDOW = 3
"""Rows up and down within which shifted answers are looked for."""

SHIFTS = sorted((offset for offset in range(-WINDOW, WINDOW + 1) if offset), key=abs)
"""Offsets of neighbouring rows, the nearest first."""

SHIFTED_ROWS, SHIFTED_GAIN = 8, 2.0
"""So many rows, each better by so much on average with the neighbour's answer, are shifted."""


class Misplaced(NamedTuple):
    """An answer, the record whose prompt it fits, its fit there and where it stands."""

    position: int
    belongs_to: int
    fit_there: float
    fit_here: float


class Shift(NamedTuple):
    """Rows first to last (both count) of which each prompt is answered `offset` rows further down."""

    first: int
    last: int
    offset: int
    gain: float


class Fits:
    """codes: packed vectors of prompt and answer, shape [records, 2, dimensions]; of those that can be judged."""

    def __init__(self, codes: Codes) -> None:
        self._codes = codes
        self._centre = self._means()
        prompts, answers = self._covariances()
        self._scale = np.empty((len(codes), 2), np.float32)

        def fill(start: int) -> None:
            part = slice(start, start + BLOCK)
            rows = self._rows(part)
            spread = (np.einsum("rd,rd->r", rows[:, s] @ c, rows[:, s]) for s, c in ((0, answers), (1, prompts)))
            self._scale[part] = np.sqrt(np.maximum(np.stack(list(spread), axis=1), 1e-9))

        for _ in in_threads(fill, range(0, len(codes), BLOCK)):
            pass

    def beside(self, offsets: Sequence[int]) -> Floats:
        """The fit of each prompt with the answer so many rows further down, shape [offsets, records].

        -inf where there is no such row.
        """
        count, reach = len(self._codes), max(map(abs, offsets))
        out = np.full((len(offsets), count), -np.inf, np.float32)

        def fill(start: int) -> None:
            low, stop = max(0, start - reach), min(count, start + BLOCK)
            rows = self._rows(slice(low, min(count, stop + reach)))
            for place, offset in enumerate(offsets):
                first, last = max(start, -offset), max(start, -offset, min(stop, count - offset))
                prompts, answers = slice(first, last), slice(first + offset, last + offset)
                own, other = rows[first - low : last - low, 0], rows[first + offset - low : last + offset - low, 1]
                product = np.einsum("rd,rd->r", own, other)
                out[place, prompts] = product / self._scale[prompts, 0] + product / self._scale[answers, 1]

        for _ in in_threads(fill, range(0, count, BLOCK)):
            pass
        return out

    def between(self, prompts: Positions, answers: Positions) -> Floats:
        """The fit of all prompts with all answers, shape [prompts, answers]."""
        product = self._rows(prompts)[:, 0] @ self._rows(answers)[:, 1].T
        fit: Floats = product / self._scale[prompts, 0][:, None] + product / self._scale[answers, 1]
        return fit

    def _rows(self, part: Positions | slice) -> Floats:
        rows = _unit(self._codes[part].astype(np.float32)) - self._centre
        return _unit(rows)

    def _means(self) -> Floats:
        def part(start: int) -> Floats:
            total: Floats = _unit(self._codes[start : start + BLOCK].astype(np.float32)).sum(axis=0)
            return total

        total = np.zeros(self._codes.shape[1:], np.float64)
        for own in in_threads(part, range(0, len(self._codes), BLOCK)):
            total += own
        return (total / max(1, len(self._codes))).astype(np.float32)

    def _covariances(self) -> tuple[Floats, Floats]:
        def part(start: int) -> list[Floats]:
            rows = self._rows(slice(start, start + BLOCK))
            return [rows[:, side].T @ rows[:, side] for side in (0, 1)]

        size = self._codes.shape[2]
        total = np.zeros((2, size, size), np.float64)
        for own in in_threads(part, range(0, len(self._codes), BLOCK)):
            for side in (0, 1):
                total[side] += own[side]
        total /= max(1, len(self._codes))
        return total[0].astype(np.float32), total[1].astype(np.float32)


def misplaced(fits: Fits, own: Floats, least: float) -> list[Misplaced]:
    """Answers that fit another record's prompt by `least` more than both records' answers fit where they stand.

    Only where the answer that stands there may have moved too: answers that changed places do so in a ring, while an
    answer that fits some strange prompt by chance leaves that one's answer nowhere else to go.

    own  the fit of each record's own answer, shape [records]; partners are looked for among those that fit worst
    """
    odd = np.sort(np.argsort(own, kind="stable")[:MOST_ODD])
    gains = np.full(len(own), -np.inf, np.float32)

    def among(start: int) -> list[Misplaced]:
        answers = odd[start : start + COMPARED_AT_ONCE]
        fit = fits.between(odd, answers) - np.maximum(own[odd], 0.0)[:, None]
        fit[np.arange(start, start + len(answers)), np.arange(len(answers))] = -np.inf
        best = fit.argmax(axis=0)
        gains[answers] = gain = fit[best, np.arange(len(answers))] - np.maximum(own[answers], 0.0)
        found = []
        for place in np.flatnonzero((gain >= least) & (own[answers] <= UNFIT)).tolist():
            partner = int(odd[best[place]])
            there = float(fit[best[place], place] + max(own[partner], 0.0))
            found.append(Misplaced(int(answers[place]), partner, there, float(own[answers[place]])))
        return found

    found = list(chain.from_iterable(in_threads(among, range(0, len(odd), COMPARED_AT_ONCE))))
    return [item for item in found if gains[item.belongs_to] >= MOVED_TOO]


def shifts(beside: Floats, own: Floats, runs: npt.NDArray[np.int64]) -> Iterator[Shift]:
    """Stretches of rows in which answers have slipped against prompts.

    beside  the fit of each prompt with its neighbours' answers, for each of SHIFTS, shape [SHIFTS, records]
    runs    equal for neighbours that stand in one file, shape [records]
    """
    for place, offset in enumerate(SHIFTS):
        gain = beside[place] - np.maximum(own, 0.0) - SHIFTED_GAIN
        other = np.roll(runs, -offset)  # rows beyond the end are out of it already
        gain[runs != other] = -np.inf
        for first, last, total in _stretches(gain):
            length = last - first + 1
            if length >= SHIFTED_ROWS:
                yield Shift(first, last, offset, total / length + SHIFTED_GAIN)


def _stretches(gain: Floats) -> Iterator[tuple[int, int, float]]:
    """(first, last, sum) of the stretches with the largest sums, none of which falls below 0 on the way."""
    total = best = 0.0
    first = last = 0
    for row, value in enumerate(gain.tolist()):
        if total <= 0.0:
            first, total, best, last = row, 0.0, 0.0, row
        total += value
        if total > best:
            best, last = total, row
        if best > 0.0 and (total <= 0.0 or row == len(gain) - 1 or best - total > SHIFTED_ROWS * SHIFTED_GAIN):
            yield first, last, best
            total = best = 0.0


def _unit(rows: Floats) -> Floats:
    scaled: Floats = rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9)
    return scaled

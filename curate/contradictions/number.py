"""A number with its unit, and when two of them agree."""

from __future__ import annotations

from typing import NamedTuple


class Number(NamedTuple):
    """values    in base units of the dimension; several where the writing can be read in two ways
    high      the upper end of a range, whose lower end is in `values`
    dimension "" without a unit, the word after the number where that is no known unit
    step      the last digit's worth in base units: what it may be rounded to
    size      base units of the unit it is written in
    """

    values: frozenset[float]
    high: float | None
    dimension: str
    step: float
    size: float
    text: str
    start: int
    end: int


def same_number(first: Number, second: Number, *, unit_given: bool = True) -> bool | None:
    """Whether two numbers agree, rounding aside; None when their units cannot be compared.

    unit_given  False where the question names the unit, so that a number without one can be held against any
    """
    if {first.dimension, second.dimension} == {"time", "months"}:
        return _agree(_in_seconds(first), _in_seconds(second), 0.05)
    if {first.dimension, second.dimension} == {"share", ""}:
        share, plain = (first, second) if first.dimension == "share" else (second, first)
        agrees = _agree(share._replace(values=frozenset(v / 100 for v in share.values), high=None), plain, 1e-6)
        return True if agrees else (_agree(share, plain, 1e-6) if not unit_given else None)
    if first.dimension != second.dimension and (unit_given or (first.dimension and second.dimension)):
        return None
    if first.size != second.size and first.dimension == second.dimension:
        return _agree(first, second, 0.06)
    return _agree(first, second, 0.25)


def _agree(first: Number, second: Number, most: float) -> bool:
    """Whether the two overlap within half a step of the coarser, and within the relative difference `most`."""
    for one in first.values:
        for other in second.values:
            low, high = one, first.high if first.high is not None else one
            other_high = second.high if second.high is not None else other
            apart = max(0.0, other - high, low - other_high)
            size = max(abs(one), abs(other))
            if apart <= 1e-9 * max(1.0, size):
                return True
            rounded = first.step != second.step and apart <= 0.501 * max(first.step, second.step)
            if (rounded or first.size != second.size) and apart <= most * size:
                return True
    return False


def _in_seconds(number: Number) -> Number:
    if number.dimension != "months":
        return number
    month = 30.44 * 86400.0
    values = frozenset(value * month for value in number.values)
    high = None if number.high is None else number.high * month
    return number._replace(values=values, high=high, size=number.size * month, step=number.step * month)

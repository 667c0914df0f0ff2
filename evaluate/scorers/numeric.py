from __future__ import annotations

from decimal import Decimal

from ..outputs.numbers import numbers_in
from ..scorer import scorer


@scorer(text_reference=True)
def numeric(output: str, reference: str, *, absolute: float = 0.0, relative: float = 1e-9, take: str = "last") -> float:
    """1 when a number in the output is the reference, within a tolerance.

    The number taken is the `last` of the output (or the `first`); `1,250.50` is read with its thousands. It
    counts when |number - reference| is at most the larger of `absolute` and `relative` x |reference|.
    """
    if take not in ("first", "last"):
        raise ValueError("take should be first or last")
    expected = numbers_in(reference)
    if len(expected) != 1:
        raise ValueError(f"the reference {reference!r:.60} should hold one number")
    found = numbers_in(output)
    if not found:
        return 0.0
    number = found[0] if take == "first" else found[-1]
    tolerance = max(Decimal(str(absolute)), Decimal(str(relative)) * abs(expected[0]))
    return float(abs(number - expected[0]) <= tolerance)

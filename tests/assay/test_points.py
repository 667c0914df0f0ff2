"""What rounds to nothing has no sign, wherever a difference is written."""

from __future__ import annotations

import pytest

from assay.evaluate.wording import interval, percent, points
from assay.points import signed


@pytest.mark.parametrize("nothing", [0.0, -0.0, -0.0001, 0.0004, -0.00049])
def test_nothing_has_no_sign(nothing: float) -> None:
    assert signed(nothing) == "0.0" and points(nothing) == "0.0 points"
    assert interval(nothing, nothing) == "0.0 to 0.0"
    assert percent(-abs(nothing)) == "0.0 %"


def test_what_is_more_than_nothing_has_one() -> None:
    assert (signed(-0.0213), signed(0.0005001), interval(-0.107, -0.0002)) == ("-2.1", "+0.1", "-10.7 to 0.0")

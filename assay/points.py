"""Differences of shares as people read them."""

from __future__ import annotations


def signed(share: float) -> str:
    """In points, with its sign; what rounds to nothing has none.

    >>> signed(-0.0213), signed(0.02), signed(-0.0001)
    ('-2.1', '+2.0', '0.0')
    """
    rounded = round(100 * share, 1)
    return f"{rounded:+.1f}" if rounded else "0.0"

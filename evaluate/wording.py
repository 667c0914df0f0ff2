"""Numbers as reports write them."""

from __future__ import annotations

from assay.points import signed

__all__ = [
    "confidence",
    "count",
    "interval",
    "names",
    "nats",
    "p_value",
    "percent",
    "points",
    "shown",
    "signed",
    "size",
]


def percent(share: float) -> str:
    """0.4213 -> '42.1 %'"""
    return f"{round(100 * share, 1) + 0.0:.1f} %"  # of -0.0 the sum is 0.0


def points(difference: float) -> str:
    """-0.0213 -> '-2.1 points'; a difference that rounds to nothing has no sign."""
    return f"{signed(difference)} points"


def size(loss: float) -> str:
    """A margin: 0.02 -> '2 points', 0.01 -> '1 point'."""
    value = f"{100 * loss:.10g}"
    return f"{value} point" if value == "1" else f"{value} points"


def interval(low: float, high: float) -> str:
    return f"{signed(low)} to {signed(high)}"


def confidence(share: float) -> str:
    """Of an interval: 0.9 -> '90 %'"""
    return f"{100 * share:.10g} %"


def p_value(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def nats(divergence: float) -> str:
    """0.0213 -> '0.021 nats'; what is not 0 is not written as 0."""
    return "< 0.001 nats" if 0 < divergence < 0.001 else f"{divergence:.3f} nats"


def count(n: int, noun: str) -> str:
    """1 item, 3,000 items, 2 families"""
    if n == 1:
        return f"{n:,} {noun}"
    ends_in_consonant_and_y = noun.endswith("y") and noun[-2:-1] not in "aeiou"
    return f"{n:,} {noun[:-1]}ies" if ends_in_consonant_and_y else f"{n:,} {noun}s"


def names(items: list[str] | tuple[str, ...], most: int = 5) -> str:
    shown = ", ".join(items[:most])
    return f"{shown} and {len(items) - most} more" if len(items) > most else shown


def shown(text: str, most: int = 40) -> str:
    """The beginning of a text on one line."""
    return " ".join(text.split())[:most]

"""Where things stand on a plot. `templates/plots.html` draws what is here; `as_text` writes it for a terminal.

No plotting library: the pages load nothing, and a drawing must follow the page's colours, light or dark.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 640.0, 220.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 12.0, 10.0, 30.0
"""Margins of a drawing with axes, in its own units."""


@dataclass(frozen=True)
class Bar:
    """share  of the longest bar, 0 to 1. text: what stands at its end. kind: a class of the style sheet, or ''"""

    name: str
    share: float
    text: str
    kind: str = ""
    href: str = ""


@dataclass(frozen=True)
class Bars:
    """Named amounts, one a row."""

    title: str
    rows: tuple[Bar, ...]


@dataclass(frozen=True)
class Tick:
    at: float
    text: str


@dataclass(frozen=True)
class Column:
    """A column of a histogram in the drawing's units. text: its range and its count"""

    x: float
    y: float
    width: float
    height: float
    text: str
    href: str = ""


@dataclass(frozen=True)
class Histogram:
    """Counts by range. across, up: ticks of the axes"""

    title: str
    unit: str
    columns: tuple[Column, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Dot:
    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Line:
    """points: "x,y x,y" of a polyline. number: which colour, from 0"""

    name: str
    points: str
    number: int
    dots: tuple[Dot, ...]
    values: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Lines:
    """Curves over one axis, such as loss over steps."""

    title: str
    across_name: str
    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


Plot = Bars | Histogram | Lines


def bars(title: str, amounts: Sequence[tuple[str, float]], *, text: str = "{:,.0f}", kind: str = "") -> Bars:
    """Of names and amounts, in their order."""
    longest = max((amount for _, amount in amounts), default=0.0) or 1.0
    return Bars(title, tuple(Bar(name, amount / longest, text.format(amount), kind) for name, amount in amounts))


def histogram(
    title: str, unit: str, edges: Sequence[float], counts: Sequence[int], hrefs: Sequence[str] = ()
) -> Histogram:
    """edges: whole numbers, one more than counts: a column holds what is at least its edge and below the next one.
    Columns are as wide as each other, whatever their ranges are.

    hrefs: where each column leads, or none of them
    """
    if len(edges) != len(counts) + 1:
        raise ValueError(f"{len(counts)} counts need {len(counts) + 1} edges, not {len(edges)}")
    high = max(counts, default=0) or 1
    wide = (WIDTH - LEFT - RIGHT) / max(1, len(counts))
    room = HEIGHT - TOP - BOTTOM
    columns = []
    for place, number in enumerate(counts):
        tall = room * number / high
        least, most = edges[place], edges[place + 1] - 1
        between = f"{least:,.0f} to {most:,.0f}" if most > least else f"{least:,.0f}"
        said = f"{between} {unit}: {number:,}"
        href = hrefs[place] if hrefs else ""
        columns.append(Column(LEFT + place * wide, TOP + room - tall, max(1.0, wide - 1.5), tall, said, href))
    step = max(1, math.ceil(len(edges) / 9))
    across = [Tick(LEFT + place * wide, f"{edges[place]:,.0f}") for place in range(0, len(edges), step)]
    return Histogram(title, unit, tuple(columns), tuple(across), _up(0.0, float(high)), tuple(counts))


def lines(title: str, across_name: str, curves: Sequence[tuple[str, Sequence[tuple[float, float]]]]) -> Lines:
    """curves: (name, (x, y) in order of x); values that are no number are left out."""
    kept = [(name, [p for p in points if all(map(math.isfinite, p))]) for name, points in curves]
    flat = [point for _, points in kept for point in points]
    left, right = _range([x for x, _ in flat])
    low, high = _range([y for _, y in flat])
    room, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(x: float, y: float) -> tuple[float, float]:
        return LEFT + room * (x - left) / (right - left), TOP + tall * (1 - (y - low) / (high - low))

    drawn = []
    for number, (name, points) in enumerate(kept):
        at = [place(*point) for point in points]
        dots = tuple(Dot(x, y, f"{name}: {v:.4g} at {u:,g}") for (x, y), (u, v) in zip(at, points, strict=True))
        drawn.append(Line(name, " ".join(f"{x:.1f},{y:.1f}" for x, y in at), number, dots, tuple(points)))
    across = tuple(Tick(place(x, low)[0], f"{x:,g}") for x in _steps(left, right))
    return Lines(title, across_name, tuple(drawn), across, _up(low, high))


def as_text(plot: Plot, width: int = 40) -> str:
    """The plot in signs that every terminal has.

    >>> print(as_text(bars("checks", [("exact_duplicate", 32), ("contradiction", 114)]), width=10))
    checks
    exact_duplicate  ###         32
    contradiction    ########## 114
    """
    if isinstance(plot, Bars):
        return _table(plot.title, [(row.name, row.share, row.text) for row in plot.rows], width)
    if isinstance(plot, Histogram):
        high = max(plot.counts, default=0) or 1
        named = [column.text.rpartition(": ") for column in plot.columns]
        rows = [(name, number / high, f"{number:,}") for (name, _, _), number in zip(named, plot.counts, strict=True)]
        return _table(plot.title, rows, width)
    return "\n".join([plot.title, *(f"{line.name}: {_spark(line)}" for line in plot.lines)])


_BLOCKS = "▁▂▃▄▅▆▇█"


def _spark(line: Line) -> str:
    """The curve in blocks of eight heights, and its first and last value."""
    values = [y for _, y in line.values]
    if not values:
        return "(none)"
    low, high = _range(values)
    signs = "".join(_BLOCKS[min(7, int(8 * (value - low) / (high - low)))] for value in _thinned(values))
    return f"{signs} {values[0]:.4g} to {values[-1]:.4g}"


def _thinned(values: Sequence[float], most: int = 60) -> list[float]:
    step = max(1, math.ceil(len(values) / most))
    return list(values[::step])


def _table(title: str, rows: Sequence[tuple[str, float, str]], width: int) -> str:
    names = max((len(name) for name, _, _ in rows), default=0)
    ends = max((len(text) for _, _, text in rows), default=0)
    body = [f"{name:<{names}}  {'#' * round(width * share):<{width}} {text:>{ends}}" for name, share, text in rows]
    return "\n".join([title, *body])


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Smallest and largest, apart from each other."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _steps(low: float, high: float, wanted: int = 6) -> list[float]:
    """Round values between the two (Heckbert, Graphics Gems, 1990, Nice Numbers for Graph Labels)."""
    rough = (high - low) / wanted
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * size for factor in (1, 2, 5, 10) if factor * size >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [place * step for place in range(first, math.floor(high / step + 1e-9) + 1)]


def _up(low: float, high: float) -> tuple[Tick, ...]:
    tall = HEIGHT - TOP - BOTTOM
    return tuple(
        Tick(TOP + tall * (1 - (value - low) / (high - low)), f"{value:,.6g}") for value in _steps(low, high, 4)
    )

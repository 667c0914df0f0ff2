"""Where the scores of one suite stand over the evaluations of a store, in the units of their drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..release.history import Point, Trend

WIDTH, HEIGHT = 520.0, 206.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 14.0, 14.0, 58.0
STEP = 13.0
"""From square to square, below an evaluation that several gates judged."""


@dataclass(frozen=True)
class Square:
    """One gate of an evaluation that has several. kind: its verdict as a class"""

    x: float
    kind: str
    newest: bool


@dataclass(frozen=True)
class Mark:
    """One evaluation. kind: the verdict of its newest gate as a class; label: the version that was put in use with it,
    else ''; gates: of each that judged it, oldest first, where there are several"""

    x: float
    y: float
    low: float
    high: float
    base: float
    kind: str
    text: str
    when: str
    label: str
    run: str
    gates: tuple[Square, ...] = ()


@dataclass(frozen=True)
class HistoryPlot:
    """ticks: (place, percent); base: points of a polyline"""

    suite: str
    marks: tuple[Mark, ...]
    ticks: tuple[tuple[float, str], ...]
    base: str

    @property
    def words(self) -> str:
        """For those who do not see it."""
        return f"{self.suite}, oldest first: " + "; ".join(mark.text for mark in self.marks)


def history_plot(trend: Trend, promoted: Mapping[str, Sequence[str]]) -> HistoryPlot:
    """promoted: by evaluation, the versions that were put in use with it."""
    lows = [min(point.ci.low, point.base) for point in trend.points]
    highs = [max(point.ci.high, point.base) for point in trend.points]
    low, high = max(0.0, min(lows, default=0.0) - 0.03), min(1.0, max(highs, default=1.0) + 0.03)
    if high - low < 0.05:
        low, high = max(0.0, low - 0.05), min(1.0, high + 0.05)

    def up(value: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low), 1)

    room = WIDTH - LEFT - RIGHT
    number = len(trend.points)
    places = [round(LEFT + room * (place + 0.5) / number, 1) for place in range(number)]
    every = max(1, -(-number // 8))
    hours = slice(11, 16) if len({point.started[:10] for point in trend.points}) == 1 else slice(5, 10)
    marks = tuple(
        Mark(
            x,
            up(point.candidate),
            up(point.ci.low),
            up(point.ci.high),
            up(point.base),
            str(point.verdict or "").lower(),
            _text(point, promoted.get(point.run, ())),
            point.started[hours] if (number - 1 - place) % every == 0 else "",
            ", ".join(promoted.get(point.run, ())),
            point.run,
            _squares(point, x),
        )
        for place, (x, point) in enumerate(zip(places, trend.points, strict=True))
    )
    step = next(step for step in (0.02, 0.05, 0.1, 0.2, 0.5) if (high - low) / step <= 6)
    ticks = [index * step for index in range(int(low / step), int(high / step) + 2)]
    shown = tuple((up(tick), f"{100 * tick:.0f}") for tick in ticks if low <= tick <= high)
    return HistoryPlot(trend.suite, marks, shown, " ".join(f"{mark.x},{mark.base}" for mark in marks))


def _squares(point: Point, x: float) -> tuple[Square, ...]:
    gates = point.gates if len(point.gates) > 1 else ()
    first = x - STEP * (len(gates) - 1) / 2
    return tuple(
        Square(round(first + STEP * place, 1), str(gate.verdict).lower(), place == len(gates) - 1)
        for place, gate in enumerate(gates)
    )


def _text(point: Point, versions: Sequence[str]) -> str:
    when = point.started[:16].replace("T", " ")
    said = f"{when}, {point.verdict or 'not judged'}: candidate {100 * point.candidate:.1f} %"
    said += f" ({100 * point.ci.low:.1f} to {100 * point.ci.high:.1f}), base {100 * point.base:.1f} %"
    if len(point.gates) > 1:
        decided = "; ".join(f"{gate.verdict} under {gate.under}" for gate in point.gates)
        said += f", judged {len(point.gates)} times, the newest last: {decided}"
    return f"{said}, in use as {', '.join(versions)}" if versions else said

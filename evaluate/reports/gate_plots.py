"""Where things stand on the plots of the gate's page, in the units of their SVG. The template only writes them down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assay.findings import Verdict

from ..gate.decision import Change, Decision, MacroDecision, SliceDecision, SuiteDecision
from ..gate.policy import Policy
from ..statistics.intervals import Interval
from ..wording import count, interval, percent, points

LEFT, RIGHT, ROW, TOP = 250.0, 740.0, 44.0, 12.0
"""Names stand left of LEFT; values between LEFT and RIGHT, of a drawing that is 760 wide."""

MOST_SLICES = 24
"""Slices drawn for one suite; the table has them all."""


@dataclass(frozen=True)
class Range:
    """An interval and its estimate, as places on the axis."""

    at: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """kind   domain, general, macro, slice or invalid
    bound  place of the margin, guardrail or required gain; None where there is none
    previous  the difference from the last release, where it was scored
    harmed    it blocks
    """

    name: str
    kind: str
    text: str
    y: float
    base: Range
    bound: float | None
    previous: Range | None
    harmed: bool


@dataclass(frozen=True)
class Intervals:
    """Differences with their intervals on one axis. zero is the place of no difference; ticks are (place, label)."""

    rows: tuple[Row, ...]
    zero: float
    ticks: tuple[tuple[float, str], ...]

    @property
    def height(self) -> float:
        return TOP + ROW * len(self.rows) + 24


@dataclass(frozen=True)
class FlipRow:
    """Items lost to the left of the middle, gained to the right; width in the drawing's units."""

    name: str
    text: str
    y: float
    lost: float
    gained: float


@dataclass(frozen=True)
class Flips:
    rows: tuple[FlipRow, ...]
    middle: float
    scale: str

    @property
    def height(self) -> float:
        return TOP + ROW * len(self.rows) + 20


@dataclass(frozen=True)
class _Entry:
    name: str
    kind: str
    text: str
    difference: float
    ci: Interval
    bound: float | None
    harmed: bool
    previous: Change | None = None


def difference_plot(decision: Decision, policy: Policy) -> Intervals:
    """Differences with the intervals of their proofs on one scale, the average over the general suites last."""
    entries = [_suite_entry(suite) for suite in decision.suites if suite.n]
    if decision.macro is not None:
        entries.append(_macro_entry(decision.macro))
    return _intervals(entries, [-policy.guardrail, policy.guardrail])


def slice_plot(suite: SuiteDecision) -> Intervals | None:
    """Guarded slices first, then those that lost most; None where there are not two, and none is guarded."""
    if len(suite.slices) < 2 and not suite.guarded:
        return None
    ordered = sorted(suite.slices, key=lambda part: (part.verdict is None, part.difference, part.name))
    return _intervals([_slice_entry(part) for part in ordered[:MOST_SLICES]], [-0.05, 0.05])


def flip_plot(suites: Sequence[SuiteDecision]) -> Flips:
    """Shares of items whose score rose and fell."""
    shown = [suite for suite in suites if suite.n]
    most = max((max(suite.gains, suite.losses) / suite.n for suite in shown), default=0.0)
    scale = next(step for step in (0.05, 0.1, 0.2, 0.5, 1.0) if most <= step)
    half = (RIGHT - LEFT) / 2
    rows = tuple(
        FlipRow(
            suite.suite,
            f"{percent(suite.flips / suite.n)} flipped, {percent(suite.answers_changed / suite.n)} answered otherwise",
            TOP + ROW * i,
            round(half * suite.losses / suite.n / scale, 2),
            round(half * suite.gains / suite.n / scale, 2),
        )
        for i, suite in enumerate(shown)
    )
    return Flips(rows, LEFT + half, f"{100 * scale:g} %")


def sparkline(values: Sequence[float], width: float = 120.0, height: float = 28.0) -> str:
    """Points of a polyline through `values`, oldest first; they fill the height but for a rim."""
    low, high = min(values), max(values)
    step = width / max(1, len(values) - 1)
    scale = (height - 6) / (high - low) if high > low else 0.0
    middle = 3.0 if high > low else height / 2
    return " ".join(f"{round(i * step, 1)},{round(middle + (high - v) * scale, 1)}" for i, v in enumerate(values))


def _suite_entry(suite: SuiteDecision) -> _Entry:
    kind = "invalid" if suite.verdict is Verdict.INVALID else str(suite.role)
    bound = -suite.margin if suite.role == "general" else suite.margin
    text = f"{points(suite.difference)} ({interval(*suite.shown)})"
    return _Entry(suite.suite, kind, text, suite.difference, suite.shown, bound, _blocks(suite), suite.against_previous)


def _macro_entry(macro: MacroDecision) -> _Entry:
    text = f"{points(macro.difference)} ({interval(*macro.shown)})"
    name = "average of the general suites"
    return _Entry(
        name, "macro", text, macro.difference, macro.shown, -macro.margin, _blocks(macro), macro.against_previous
    )


def _slice_entry(part: SliceDecision) -> _Entry:
    text = f"{points(part.difference)} ({interval(*part.shown)}), {count(part.n, 'item')}"
    bound = None if part.guardrail is None else -part.guardrail
    return _Entry(part.name, "slice", text, part.difference, part.shown, bound, _blocks(part))


def _blocks(judged: SuiteDecision | SliceDecision | MacroDecision) -> bool:
    return judged.verdict is Verdict.BLOCK


def _intervals(entries: Sequence[_Entry], always: Sequence[float]) -> Intervals:
    """always: differences that the axis must reach."""
    ranges = [entry.ci for entry in entries] + [entry.previous.shown for entry in entries if entry.previous is not None]
    bounds = [entry.bound for entry in entries if entry.bound is not None]
    low = min([*always, *bounds, *(ci.low for ci in ranges)]) - 0.01
    high = max([*always, *bounds, *(ci.high for ci in ranges)]) + 0.01

    def place(value: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * (value - low) / (high - low), 2)

    rows = tuple(
        Row(
            entry.name,
            entry.kind,
            entry.text,
            TOP + ROW * i,
            _range(entry.difference, entry.ci, place),
            None if entry.bound is None else place(entry.bound),
            None if entry.previous is None else _range(entry.previous.difference, entry.previous.shown, place),
            entry.harmed,
        )
        for i, entry in enumerate(entries)
    )
    step = next(step for step in (0.02, 0.05, 0.1, 0.2, 0.5) if (high - low) / step <= 10)
    ticks = [index * step for index in range(int(low / step), int(high / step) + 1)]
    return Intervals(rows, place(0.0), tuple((place(tick), f"{100 * tick:+.0f}" if tick else "0") for tick in ticks))


def _range(difference: float, ci: Interval, place: Callable[[float], float]) -> Range:
    return Range(place(difference), place(ci.low), place(ci.high))

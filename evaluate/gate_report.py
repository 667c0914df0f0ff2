"""What a gate decided, for people: a terminal, a pull request, and a page that a manager can read."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.findings import Verdict
from assay.version import __version__

from .decision import Decision, MacroDecision, SuiteDecision
from .evaluation import Evaluation
from .movers import Mover, movers
from .pairs import pair
from .policy import Policy
from .wording import interval, percent, points, size

MEANINGS = {
    Verdict.PASS: "The adapter is better at its task, and general ability was kept within the margin.",
    Verdict.BLOCK: "The adapter should not be released.",
    Verdict.INCONCLUSIVE: "There are too few items to tell whether the adapter is fit to release.",
    Verdict.INVALID: "There is no verdict: the evaluation could not have shown what it should show.",
}
ANSWER_CHARACTERS = 400
_MARKDOWN = {"<": "&lt;", ">": "&gt;", "&": "&amp;"} | {character: f"\\{character}" for character in "\\`*_[]|~#"}


@dataclass(frozen=True)
class Report:
    """What the three reports show. moved: by suite, its largest gains and losses."""

    decision: Decision
    policy: Policy
    identity: Mapping[str, object]
    moved: Mapping[str, tuple[list[Mover], list[Mover]]]
    overall: tuple[list[Mover], list[Mover]]
    redact: bool = False


def make_report(decision: Decision, evaluation: Evaluation, policy: Policy, *, redact: bool = False) -> Report:
    """Overall gains come from the suites that gained most, losses from those that lost most."""
    suites = pair(evaluation)
    moved = {suite.suite: movers([suites[suite.suite]]) for suite in decision.suites}
    by_difference = sorted(decision.suites, key=lambda suite: suite.difference)
    losses = [mover for suite in by_difference for mover in moved[suite.suite][1]][:3]
    gains = [mover for suite in reversed(by_difference) for mover in moved[suite.suite][0]][:3]
    return Report(decision, policy, evaluation.identity, moved, (gains, losses), redact)


def terminal(report: Report) -> str:
    """Plain text: verdict, reasons, a table, and what moved most."""
    decision = report.decision
    lines = [f"{decision.verdict}  {MEANINGS[decision.verdict]}"]
    lines += [f"  - {reason}" for reason in decision.reasons]
    lines += ["", *_aligned([_HEADER, *(_row(suite) for suite in decision.suites), *_macro_rows(decision.macro)])]
    for title, found in zip(("gained", "lost"), report.overall, strict=True):
        for mover in found:
            lines += ["", f"{title}  {mover.suite}  {mover.item_id}", *_answers(mover, report.redact)]
    if decision.notes:
        lines += ["", *(f"note: {note}" for note in decision.notes)]
    return "\n".join(lines)


def markdown(report: Report) -> str:
    """For a pull request. Every text from data is escaped, or fenced."""
    decision = report.decision
    rows = [_HEADER, ["---"] * len(_HEADER), *(_row(suite) for suite in decision.suites), *_macro_rows(decision.macro)]
    lines = [f"## {decision.verdict}", "", MEANINGS[decision.verdict], ""]
    lines += [f"- {_markdown_text(reason)}" for reason in decision.reasons]
    lines += ["", *("| " + " | ".join(_markdown_text(cell) for cell in row) + " |" for row in rows)]
    for title, found in zip(("Gained", "Lost"), report.overall, strict=True):
        if found:
            lines += ["", f"### {title} most"]
        for mover in found:
            body = "\n".join(line.strip() for line in _answers(mover, report.redact)).replace("```", "` ` `")
            lines += ["", f"{_markdown_text(mover.suite)}, {_markdown_text(mover.item_id)}", "", "```text", body, "```"]
    if decision.notes:
        lines += ["", "### Notes", "", *(f"- {_markdown_text(note)}" for note in decision.notes)]
    return "\n".join(lines) + "\n"


def html(report: Report) -> str:
    """One self-contained page, no script; every text is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).resolve().parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "points": points, "size": size, "cut": _cut}
    page = environment.get_template("gate.html").render(
        decision=report.decision,
        meaning=MEANINGS[report.decision.verdict],
        policy=report.policy,
        moved=report.moved,
        redact=report.redact,
        plot=difference_plot(report.decision, report.policy),
        base=_base_line(report.identity),
        interval=interval,
        version=__version__,
        date=time.strftime("%Y-%m-%d"),
    )
    return str(page)


@dataclass(frozen=True)
class PlotRow:
    """One interval on the plot of differences; places are percent of its width.

    bound  where the margin or guardrail is, None for a domain suite without min_gain
    """

    name: str
    kind: str
    text: str
    at: float
    low: float
    high: float
    bound: float | None


@dataclass(frozen=True)
class Plot:
    """zero is the place of no difference; ticks are (place, label)."""

    rows: tuple[PlotRow, ...]
    zero: float
    ticks: tuple[tuple[float, str], ...]


def difference_plot(decision: Decision, policy: Policy) -> Plot:
    """Differences with their 95 % intervals on one scale, the average over the general suites last."""
    shown: list[tuple[str, str, SuiteDecision | MacroDecision, float | None]] = [
        (
            suite.suite,
            "invalid" if suite.verdict is Verdict.INVALID else str(suite.role),
            suite,
            -policy.guardrail if suite.role == "general" else (policy.min_gain or None),
        )
        for suite in decision.suites
        if suite.n
    ]
    if decision.macro is not None:
        shown.append(("average of the general suites", "macro", decision.macro, -policy.margin))
    low = min([-policy.guardrail, *(item.ci.low for _, _, item, _ in shown)]) - 0.01
    high = max([policy.guardrail, *(item.ci.high for _, _, item, _ in shown)]) + 0.01

    def place(value: float) -> float:
        return round(100 * (value - low) / (high - low), 2)

    rows = tuple(
        PlotRow(
            name,
            kind,
            f"{points(item.difference)} ({interval(*item.ci)})",
            place(item.difference),
            place(item.ci.low),
            place(item.ci.high),
            None if bound is None else place(bound),
        )
        for name, kind, item, bound in shown
    )
    step = next(step for step in (0.02, 0.05, 0.1, 0.2, 0.5) if (high - low) / step <= 10)
    ticks = [index * step for index in range(int(low / step), int(high / step) + 1)]
    return Plot(rows, place(0.0), tuple((place(tick), f"{100 * tick:+.0f}" if tick else "0") for tick in ticks))


_HEADER = ["suite", "role", "n", "base", "candidate", "difference (95 %)", "gains/losses", "p", "verdict"]


def _row(suite: SuiteDecision) -> list[str]:
    role = suite.role if suite.required else f"{suite.role}, optional"
    if suite.n == 0:
        return [suite.suite, role, "0", "", "", "", "", "", str(suite.verdict)]
    return [
        suite.suite,
        role,
        f"{suite.n:,}",
        percent(suite.base),
        percent(suite.candidate),
        f"{points(suite.difference)} ({interval(*suite.ci)})",
        f"{suite.gains}/{suite.losses}",
        _p(suite.p_value) if suite.sensitivity.valid else "",
        str(suite.verdict),
    ]


def _macro_rows(macro: MacroDecision | None) -> list[list[str]]:
    if macro is None:
        return []
    change = f"{points(macro.difference)} ({interval(*macro.ci)})"
    return [["average", "general", f"{macro.n:,}", "", "", change, "", _p(macro.p_value), ""]]


def _p(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _answers(mover: Mover, redact: bool) -> list[str]:
    if redact:
        return [f"    scores {mover.base:g} and {mover.candidate:g}; answers are left out (--redact)"]
    texts = {"reference": mover.reference, "base": mover.base_output, "candidate": mover.candidate_output}
    return [f"    {name:9}  {_one_line(text)}" for name, text in texts.items() if text is not None]


def _one_line(text: str, most: int = 160) -> str:
    """Control characters of an answer must not reach a terminal."""
    line = "".join(character if character.isprintable() else " " for character in " ".join(text.split()))
    return line if len(line) <= most else line[: most - 1] + "…"


def _cut(text: str | None) -> str:
    if text is None:
        return ""
    return text if len(text) <= ANSWER_CHARACTERS else text[:ANSWER_CHARACTERS] + " …"


def _markdown_text(text: str) -> str:
    """Characters that Markdown or HTML in Markdown would read are escaped."""
    return "".join(_MARKDOWN.get(character, character) for character in _one_line(text, 400))


def _base_line(identity: Mapping[str, object]) -> str:
    base: Any = identity.get("base")
    if not isinstance(base, Mapping):
        return ""
    parts = [str(base[key]) for key in ("name", "revision", "quantisation", "dtype") if base.get(key)]
    return ", ".join(parts)

"""`assay runs trend` and `assay runs compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.console import Options, common_options
from assay.errors import Exit, RunError, SuiteError, did_you_mean

if TYPE_CHECKING:
    from .history import GateRun, Point, SuiteComparison, Trend

STORE = click.option(
    "--store", type=click.Path(path_type=Path), default=Path(".assay"), show_default=True, help="The run store."
)


@click.command()
@click.argument("suite", required=False)
@STORE
@common_options
def trend(options: Options, suite: str | None, store: Path) -> int:
    """Scores of each suite over the evaluations of the store, oldest first.

    Only what is comparable with the newest evaluation stands in a trend; the others are named with what differs.
    """
    from dataclasses import asdict

    from assay.runs import RunStore

    from .history import history, trends

    found = history(RunStore(store))
    shown = trends(found, suite)
    if suite is not None and not shown:
        known = {result.suite for judged in found for result in judged.header.suites}
        raise SuiteError(f"no evaluation of '{suite}'", where=str(store), fix=did_you_mean(suite, known))
    options.emit([asdict(trend) for trend in shown])
    if not shown:
        options.show(f"no adapter was evaluated yet in {store}")
    for trend in shown:
        options.show(_trend_text(trend))
    return int(Exit.OK)


def _trend_text(trend: Trend) -> str:
    lines = [trend.suite]
    for point in trend.points:
        bar = "█" * round(20 * point.candidate)
        when = point.started[:16].replace("T", " ")
        lines.append(
            f"  {when}  {point.verdict or 'not judged':12}  base {100 * point.base:5.1f}  "
            f"candidate {100 * point.candidate:5.1f} [{100 * point.ci.low:.1f}, {100 * point.ci.high:.1f}]  "
            f"{bar:20}  {point.run}"
        )
        lines += [f"      {_gate_text(gate, point)}" for gate in point.gates if len(point.gates) > 1]
    lines += [f"  left out: {run} differs in {why}" for run, why in trend.left_out]
    return "\n".join([*lines, ""])


def _gate_text(gate: GateRun, point: Point) -> str:
    """One of several verdicts on the same scores."""
    newest = ", the newest" if gate is point.gates[-1] else ""
    when = gate.started[:16].replace("T", " ")
    return f"{gate.verdict:12}  {gate.run} ({when}), under {gate.under}{newest}"


@click.command()
@click.argument("first")
@click.argument("second")
@STORE
@common_options
def compare(options: Options, first: str, second: str, store: Path) -> int:
    """The candidates of two evaluations, item by item: FIRST and SECOND are runs of the store, or folders.

    Refused where base, precision, tokenizer, template or settings differ: then a difference would mean nothing.
    """
    from .history import compare as compare_folders

    compared, notes = compare_folders(_folder(first, store), _folder(second, store))
    options.emit({"suites": [suite.to_json() for suite in compared], "notes": notes})
    options.show(_comparison_text(compared))
    for note in notes:
        options.show(f"note: {note}")
    return int(Exit.OK)


def _comparison_text(compared: list[SuiteComparison]) -> str:
    from ..wording import interval, percent, points

    width = max(len("suite"), *(len(suite.suite) for suite in compared))
    lines = [f"{'suite':{width}}  {'n':>6}  {'first':>7}  {'second':>7}  difference (95 %)          gained/lost"]
    for suite in compared:
        change = f"{points(suite.difference)} ({interval(*suite.ci)})"
        lines.append(
            f"{suite.suite:{width}}  {suite.n:>6,}  {percent(suite.first):>7}  {percent(suite.second):>7}  {change:26} "
            f"{suite.gains}/{suite.losses}"
        )
    return "\n".join(lines)


def _folder(name: str, store: Path) -> Path:
    """A folder with an evaluation, or the run of that name; a gate's run stands for what it judged."""
    from assay.runs import RunStore

    if (Path(name) / "evaluation.json").is_file():
        return Path(name)
    runs = RunStore(store)
    manifest = runs.get(name)
    if manifest.stage == "gate":
        judged = [parent for parent in manifest.parents if parent.startswith("evaluate-")]
        if not judged:
            raise RunError(f"{name} judged an evaluation that is no run of this store", where=str(store))
        manifest = runs.get(judged[0])
    return manifest.path

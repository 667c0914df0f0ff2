"""The end of a pipeline in a terminal: the audit, the training curve, the scores before and after, the verdict."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from assay.pipeline.outcome import CheckCount, DataFacts, Outcome, ScoreRow, TrainingFacts

BLOCKS = "▁▂▃▄▅▆▇█"
CURVE_WIDTH = 40


def ending(outcome: Outcome) -> str:
    """Everything the page says, a section each, in plain text."""
    return "\n".join(_lines(outcome))


def _lines(outcome: Outcome) -> Iterator[str]:
    if outcome.data is not None:
        yield from _data(outcome.data)
    if outcome.synth is not None:
        spent = outcome.synth["spent"]["usd"]
        refused = ", ".join(f"{count} by {step}" for step, count in outcome.synth["refused"].items())
        yield f"\nGenerated   {outcome.synth['accepted']} accepted of {outcome.synth['answered']} answers, ${spent:.2f}"
        if refused:
            yield f"            refused: {refused}"
    if outcome.training is not None:
        yield from _training(outcome.training)
    if outcome.scores:
        yield "\nScores      in percent, base and adapter"
        yield from _scores(outcome.scores)
    if outcome.decision is not None:
        yield f"\n{outcome.decision['verdict']}"
        yield from (f"  {reason}" for reason in outcome.decision["reasons"])
        yield ""
    if outcome.adapter is not None:
        yield f"adapter      {outcome.adapter}"
    if outcome.certificate is not None:
        yield f"certificate  {outcome.certificate}"
    yield f"page         {outcome.page}"
    yield f"workbench    {typed()} ui {shlex.quote(str(outcome.page.parent))}"


def typed() -> str:
    """What calls assay here: its name, or where it is when no folder of commands has it (as in `make demo`)."""
    found = Path(sys.argv[0])
    return str(found) if found.name == "assay" and shutil.which("assay") is None else "assay"


def _data(data: DataFacts) -> Iterator[str]:
    counts = data.counts
    parts = " + ".join(f"{counts[name]} {name}" for name in ("kept", "repaired", "dropped", "held"))
    yield f"\nData        {data.fitness}: {counts['read']} read = {parts}"
    yield from (f"            {reason}" for reason in data.reasons)
    width = max((len(check.name) for check in data.checks), default=0)
    for check in data.checks:
        yield f"            {check.name:{width}}  {check.records:>4}{_groups(check)}"


def _groups(check: CheckCount) -> str:
    if not check.groups:
        return ""
    return f"  in {check.groups} group{'s' if check.groups > 1 else ''}"


def _training(training: TrainingFacts) -> Iterator[str]:
    yield f"\nTraining    {training.sentence}"
    for name, points in (("training loss", training.losses), ("validation loss", training.validation_losses)):
        if len(points) > 1:
            values = [value for _, value in points]
            yield f"            {name:15}  {values[0]:5.2f} {sparkline(values)} {values[-1]:.2f}"
    yield from (f"            warning: {warning}" for warning in training.warnings)


def sparkline(values: Sequence[float], width: int = CURVE_WIDTH) -> str:
    """One block a value, from the lowest to the highest; means of neighbours where there are more than `width`."""
    if len(values) > width:
        edges = [round(number * len(values) / width) for number in range(width + 1)]
        values = [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]
    low, high = min(values), max(values)
    scale = (len(BLOCKS) - 1) / (high - low) if high > low else 0.0
    return "".join(BLOCKS[round((value - low) * scale)] for value in values)


def _scores(rows: Sequence[ScoreRow]) -> Iterator[str]:
    width = max(len(row.suite) for row in rows)
    for row in rows:
        yield (
            f"  {row.suite:{width}}  {row.role:7}  n={row.n:<5} {row.base.text:>5} -> {row.candidate.text:>5}  "
            f"{row.difference:>6}  {row.verdict}"
        ).rstrip()

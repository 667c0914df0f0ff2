"""Runs side by side: what differs in their settings and inputs, and what came of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .reading import TrainingRun

NEVER_COMPARED = ("grounds", "steps")
ABSENT = "–"


@dataclass(frozen=True)
class Compared:
    """One row of the table. values: as written, one a run; differs: not all of them are the same."""

    name: str
    values: tuple[str, ...]
    differs: bool


def settings_of(runs: Sequence[TrainingRun]) -> list[Compared]:
    """Model, data and every value of the recipes; those that differ first."""
    names = dict.fromkeys(name for run in runs for name in run.recipe if name not in NEVER_COMPARED)
    rows = [_row("model", [run.inputs.get("model", ABSENT) for run in runs])]
    rows.append(_row("data", [", ".join(run.data) or run.inputs.get("data", ABSENT)[:12] for run in runs]))
    rows += [_row(name, [run.recipe.get(name, ABSENT) for run in runs]) for name in names]
    return sorted(rows, key=lambda row: not row.differs)


def results_of(runs: Sequence[TrainingRun]) -> list[Compared]:
    """A difference is no finding here, so none is marked."""
    shown: list[tuple[str, list[Any]]] = [
        ("state", [run.state for run in runs]),
        ("validation loss before", [run.before for run in runs]),
        ("validation loss", [run.after for run in runs]),
        ("training loss, last step", [run.facts.get("training_loss") for run in runs]),
        ("score of generated answers", [run.facts.get("score") for run in runs]),
        ("steps", [run.step for run in runs]),
        ("step kept", [run.facts.get("best_step") for run in runs]),
        ("records that train", [run.lengths.training if run.lengths else None for run in runs]),
        ("tokens an epoch", [run.lengths.tokens if run.lengths else None for run in runs]),
        ("seconds", [run.facts.get("seconds") for run in runs]),
        ("warnings", [len(run.facts.get("warnings") or ()) for run in runs]),
    ]
    rows = [Compared(name, tuple(written(value) for value in values), differs=False) for name, values in shown]
    return [row for row in rows if any(value != ABSENT for value in row.values)]


def written(value: Any) -> str:
    """A value of a recipe as a person reads it.

    >>> [written(value) for value in (0.0002, True, None, ["q_proj", "v_proj"], 1234.5678)]
    ['0.0002', 'true', '–', 'q_proj, v_proj', '1,235']
    """
    if value is None or value == "":
        return ABSENT
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _row(name: str, values: Sequence[Any]) -> Compared:
    said = tuple(map(written, values))
    return Compared(name, said, len(set(said)) > 1)

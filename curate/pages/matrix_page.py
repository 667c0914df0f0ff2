"""The table of models and records as a page: what goes wrong with each model, and with which kinds of conversations."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from ..template.kinds import OTHERS, most_usual
from ..template.matrix import COLUMNS, Matrix, Row
from .matrix import HEADS, MEANINGS


class Problem(NamedTuple):
    """A column: the check, and what it means."""

    name: str
    head: str
    meaning: str


class Kind(NamedTuple):
    """A column: a kind of conversation, by its number."""

    number: int
    name: str
    records: int


class Cell(NamedTuple):
    """How many of the records of a kind fit a model. level: all, most, some, none."""

    fits: int
    level: str
    title: str


class Line(NamedTuple):
    """A model; cells in the order of the kinds, none where it was not judged."""

    row: Row
    cells: tuple[Cell, ...]


def matrix_page(found: Matrix) -> str:
    """One HTML file that loads nothing; names and messages are values and never part of the page."""
    from .report import environment

    judged = [row for row in found.rows if row.judged != "not"]
    names = [name for name in COLUMNS if any(row.problems.get(name) for row in judged)]
    kinds = kinds_of(found)
    lines = sorted(lines_of(found, kinds), key=lambda line: (line.row.judged == "not", -line.row.fits, line.row.model))
    everywhere, useful = found.fitting_everywhere()
    return (
        environment()
        .get_template("template_matrix.html")
        .render(
            records=found.records,
            lines=lines,
            problems=[Problem(name, HEADS[name], MEANINGS[name]) for name in names],
            kinds=kinds,
            everywhere=everywhere,
            useful=useful,
        )
    )


def kinds_of(found: Matrix) -> list[Kind]:
    """The columns, the most usual kind first."""
    counts = Counter(found.kinds)
    names = most_usual(found.kinds)
    rest = found.records - sum(counts[name] for name in names)
    return [Kind(number, name, counts[name] or rest) for number, name in enumerate(names, 1)]


def lines_of(found: Matrix, kinds: list[Kind]) -> list[Line]:
    """A line a model, in the order of the models."""
    named = {kind.name for kind in kinds}
    of_records = [kind if kind in named else OTHERS for kind in found.kinds]
    lines = []
    for row, fits in zip(found.rows, found.fits, strict=True):
        fitting = Counter(kind for kind, fit in zip(of_records, fits, strict=False) if not fit.problems)
        cells = [_cell(row, kind, fitting[kind.name]) for kind in kinds if row.judged != "not"]
        lines.append(Line(row, tuple(cells)))
    return lines


def _cell(row: Row, kind: Kind, fits: int) -> Cell:
    share = fits / kind.records
    level = "all" if share == 1 else "none" if share == 0 else "most" if share >= 0.5 else "some"
    return Cell(fits, level, f"{fits:,} of {kind.records:,} records fit {row.model}: {kind.name}")

"""The items of one suite, from items.parquet: scores of all of them, texts of those that a page shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.errors import SuiteError

from ..evaluation import ModelName
from ..evaluation_files import ITEMS

SHOWN: tuple[ModelName, ...] = ("base", "previous", "candidate")
OTHERS: tuple[ModelName, ...] = ("damaged", "slightly_damaged", "zero")
MOVED = ("changed", "lost", "gained", "same", "all")
"""What a list may hold: scores that fell or rose, fell, rose, stayed, or every item."""


@dataclass(frozen=True)
class Scored:
    """One item with the score of each model; None where a judge gave none. A model that was not asked is missing."""

    id: str
    slice: str | None
    scores: Mapping[str, float | None]

    def change(self, against: str) -> float | None:
        """Of the candidate; None where one of the two has no score."""
        before, after = self.scores.get(against), self.scores.get("candidate")
        return None if before is None or after is None else after - before


@dataclass(frozen=True)
class Answer:
    """options: log-likelihoods of the options of multiple choice, in their order; () of generated text"""

    model: str
    score: float | None
    output: str | None
    ended: bool | None
    logprob: float | None
    options: tuple[float, ...] = ()


@dataclass(frozen=True)
class Item:
    id: str
    slice: str | None
    cluster: str | None
    reference: str | None
    context: str | None
    answers: Mapping[str, Answer] = field(default_factory=dict)


@dataclass(frozen=True)
class Query:
    """against: base or previous. text: to be found in id, question, reference or an answer, whatever the case"""

    suite: str
    moved: str = "changed"
    slice: str = ""
    text: str = ""
    against: str = "base"


def scored_items(folder: Path, suite: str) -> list[Scored]:
    """In the order of the evaluation. Raises SuiteError where items.parquet is missing or damaged."""
    slices: dict[str, str | None] = {}
    scores: dict[str, dict[str, float | None]] = {}
    for row in _rows(folder, suite, SHOWN, ("item_id", "model", "score", "slice")):
        slices.setdefault(row["item_id"], row["slice"])
        scores.setdefault(row["item_id"], {})[row["model"]] = row["score"]
    return [Scored(item, slices[item], found) for item, found in scores.items()]


def selected(folder: Path, query: Query, asked: Callable[[str], str]) -> list[Scored]:
    """What a list holds: the largest losses first, then the largest gains; equal ones in the order of the evaluation.

    asked: the question of an item, '' where it is not known
    """
    found = [item for item in scored_items(folder, query.suite) if _is_meant(item, query)]
    if query.text:
        wanted = query.text.casefold()
        texts = _texts(folder, query.suite)
        found = [
            item
            for item in found
            if any(wanted in text.casefold() for text in (item.id, asked(item.id), *texts.get(item.id, ())))
        ]
    return sorted(found, key=lambda item: _order(item.change(query.against)))


def _is_meant(item: Scored, query: Query) -> bool:
    if query.slice and item.slice != query.slice:
        return False
    change = item.change(query.against)
    if query.moved == "all":
        return True
    if change is None:
        return False
    kinds = {"lost": change < 0, "gained": change > 0, "same": change == 0, "changed": change != 0}
    return kinds.get(query.moved, change != 0)


def _order(change: float | None) -> tuple[int, float]:
    """Losses, gains, what stayed, what has no score."""
    if change is None:
        return (3, 0.0)
    if change < 0:
        return (0, change)
    return (1, -change) if change > 0 else (2, 0.0)


def _texts(folder: Path, suite: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in _rows(folder, suite, SHOWN, ("item_id", "output", "reference")):
        found.setdefault(row["item_id"], []).extend(text for text in (row["output"], row["reference"]) if text)
    return found


def read_items(
    folder: Path, suite: str, ids: Sequence[str], models: Sequence[str] = (*SHOWN, *OTHERS)
) -> dict[str, Item]:
    """The named items with all that is kept of them. Raises SuiteError."""
    wanted = ("item_id", "model", "score", "slice", "cluster", "reference", "context")
    texts = ("output", "ended", "logprob", "option_logprobs")
    answers: dict[str, dict[str, Answer]] = {}
    facts: dict[str, Mapping[str, Any]] = {}
    for row in _rows(folder, suite, models, (*wanted, *texts), ids):
        facts.setdefault(row["item_id"], row)
        answers.setdefault(row["item_id"], {})[row["model"]] = Answer(
            row["model"], row["score"], row["output"], row["ended"], row["logprob"], _options(row["option_logprobs"])
        )
    return {
        item: Item(item, row["slice"], row["cluster"], row["reference"], row["context"], answers[item])
        for item, row in facts.items()
    }


def _options(text: str | None) -> tuple[float, ...]:
    try:
        found = json.loads(text) if text else []
        return tuple(float(value) for value in found)
    except (ValueError, TypeError):
        return ()


def _rows(
    folder: Path, suite: str, models: Sequence[str], columns: Sequence[str], ids: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Rows with the named columns; one that an earlier version did not write is None. The file filters."""
    import pyarrow.parquet as pq

    path = folder / ITEMS
    filters: list[tuple[str, str, Any]] = [("suite", "==", suite), ("model", "in", list(models))]
    if ids is not None:
        if not ids:
            return []
        filters.append(("item_id", "in", list(ids)))
    try:
        there = set(pq.read_schema(path).names)
        table = pq.read_table(path, columns=[name for name in columns if name in there], filters=filters)
    except OSError as error:
        why = error.strerror or error
        raise SuiteError(f"the answers cannot be read ({why})", where=str(path), fix="evaluate again") from error
    except (ValueError, KeyError) as error:
        raise SuiteError(f"the answers are damaged ({error})", where=str(path), fix="evaluate again") from error
    missing = dict.fromkeys(name for name in columns if name not in there)
    rows: list[dict[str, Any]] = table.to_pylist()
    return [{**missing, **row} for row in rows]

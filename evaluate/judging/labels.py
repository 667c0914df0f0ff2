"""Reads human verdicts, against which a judge is calibrated: JSONL or CSV, one verdict a line.

{"item": "late-1", "output": "It arrives tomorrow.", "verdict": "right"}                       grade
{"item": "late-1", "model": "candidate", "verdict": "wrong"}                                   of this evaluation
{"item": "late-1", "output": "Tomorrow.", "other": "I cannot say.", "verdict": "first"}        pairwise
{"item": "late-1", "model": "candidate", "against": "base", "verdict": "tie"}
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from assay.errors import SuiteError, did_you_mean

from .settings import Mode

Verdict: TypeAlias = Literal["right", "wrong", "first", "second", "tie"]

WORDS: Mapping[Mode, Mapping[str, Verdict]] = {
    "grade": {
        **dict.fromkeys(("right", "true", "1", "1.0", "yes", "good", "pass", "correct"), "right"),
        **dict.fromkeys(("wrong", "false", "0", "0.0", "no", "bad", "fail", "incorrect"), "wrong"),
    },
    "pairwise": {
        **dict.fromkeys(("first", "1", "win", "output"), "first"),
        **dict.fromkeys(("second", "2", "loss", "other"), "second"),
        **dict.fromkeys(("tie", "0", "both", "same", "neither"), "tie"),
    },
}
KEYS: Mapping[Mode, tuple[str, ...]] = {
    "grade": ("item", "output", "model", "verdict"),
    "pairwise": ("item", "output", "other", "model", "against", "verdict"),
}
ARMS = ("base", "previous", "candidate", "damaged")


@dataclass(frozen=True, slots=True)
class Label:
    """What a person said of an answer, or of two.

    output, other   the answers' texts; None where they are those that `model` and `against` give now
    """

    item: str
    verdict: Verdict
    output: str | None = None
    other: str | None = None
    model: str | None = None
    against: str | None = None


def read_labels(path: Path, mode: Mode, items: Collection[str]) -> list[Label]:
    """Raises SuiteError with the line: an item that the suite lacks, an unknown verdict, nothing to judge."""
    labels = [_label(row, mode, items, where) for where, row in _rows(path)]
    if not labels:
        raise SuiteError("holds no human verdict", where=str(path), fix="write one a line: item, output, verdict")
    return labels


def _rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SuiteError(f"cannot be read ({error.strerror})", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise SuiteError("is not UTF-8", where=str(path), fix="save it as UTF-8") from error
    if path.suffix.lower() == ".csv":
        reader = csv.DictReader(io.StringIO(text))
        for row in reader:
            yield (
                f"{path}:{reader.line_num}",
                {str(key): value for key, value in row.items() if value not in ("", None)},
            )
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise SuiteError("is not JSON", where=where) from error
        if not isinstance(row, dict):
            raise SuiteError("a verdict should be a JSON object", where=where)
        yield where, row


def _label(row: Mapping[str, Any], mode: Mode, items: Collection[str], where: str) -> Label:
    for key in row:
        if key not in KEYS[mode]:
            raise SuiteError(f"unknown key '{key}'", where=where, fix=did_you_mean(key, KEYS[mode]))
    item = str(row.get("item", ""))
    if item not in items:
        raise SuiteError(f"the suite has no item '{item}'", where=where, fix=did_you_mean(item, items))
    verdict = WORDS[mode].get(str(row.get("verdict")).strip().casefold())
    if verdict is None:
        known = " or ".join(dict.fromkeys(WORDS[mode].values()))
        raise SuiteError(f"{row.get('verdict')!r} is no verdict", where=where, fix=f"write {known}")
    texts, arms = (("output",), ("model",)) if mode == "grade" else (("output", "other"), ("model", "against"))
    by_text, by_arm = (all(isinstance(row.get(key), str) for key in keys) for keys in (texts, arms))
    if by_text == by_arm or (by_arm and any(row[key] not in ARMS for key in arms)):
        raise SuiteError(
            f"it does not say what was judged: {' and '.join(texts)}, or {' and '.join(arms)}",
            where=where,
            fix=f"a model is one of {', '.join(ARMS)}",
        )
    return Label(item, verdict, **{key: str(row[key]) for key in (texts if by_text else arms)})

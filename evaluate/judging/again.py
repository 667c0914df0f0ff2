"""A judge's scores and figures computed again from what it said, which is kept: it is never asked again for that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..evaluation import Evaluation, SuiteResult
from .bench import asked_from
from .kept import labelled_of, replies_of
from .outcomes import Judged, Row, judged, questions
from .report import JudgeReport, make_report, notes
from .settings import read_settings


@dataclass(frozen=True)
class Again:
    """scores   as `Judged.scores`
    asked    questions that the answers give, and known: how many of them have a reply that was kept
    """

    found: Judged
    report: JudgeReport
    notes: tuple[str, ...]
    asked: int
    known: int


def judge_again(result: SuiteResult, evaluation: Evaluation) -> Again | None:
    """None where nothing of the judge was kept. Raises ValueError, KeyError, TypeError for what assay did not write.

    A reply is found by a digest of the whole request, so one that was given to another answer, rubric or reference
    counts for nothing.
    """
    if evaluation.judgements is None:
        return None
    given: Mapping[str, Any] = {key: value for key, value in result.scorer.items() if key != "name"}
    settings = read_settings(given)
    rows = [
        Row(row["item_id"], row["model"], asked_from(row["context"], row["reference"]), row["output"], row["cluster"])
        for row in evaluation.items.to_pylist()
        if row["suite"] == result.suite and row["output"] is not None
    ]
    replies = replies_of(evaluation.judgements, result.suite)
    found = judged(rows, settings, replies)
    report = make_report(rows, found, labelled_of(evaluation.judgements, result.suite), settings, replies)
    keys = {question.key for question in questions(rows, settings)}
    return Again(found, report, tuple(notes(result.suite, report)), len(keys), len(keys & replies.keys()))

"""Answers handed to other items and scored by the task itself, while it is there: later only its scores are known."""

from __future__ import annotations

from ..asking.answer_sheets import Sheet
from ..asking.examination import Answer
from ..scorer import NOT_RESCORABLE
from .response import derange


def with_swapped(sheet: Sheet) -> list[Sheet]:
    """The sheet, and the swapped one where there is one."""
    swapped = swapped_sheet(sheet)
    return [sheet] if swapped is None else [sheet, swapped]


def swapped_sheet(sheet: Sheet) -> Sheet | None:
    """The base's answers, each scored as if another item had got it; no model is asked.

    None for another model's, for what assay's own scorers score again from what is stored, and where an answer is not
    one text. Raises SuiteError when the task's own code does.
    """
    examination = sheet.examination
    if sheet.model != "base" or examination.scorer["name"] != NOT_RESCORABLE:
        return None
    texts = derange([answer.output for answer in sheet.answers], 0)
    scores = examination.score_texts(sheet.numbers, texts)
    if scores is None:
        return None
    answers = [Answer(score, text, None) for score, text in zip(scores, texts, strict=True)]
    return Sheet(examination, "swapped", sheet.numbers, answers)

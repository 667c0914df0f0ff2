"""The items of a domain suite that choose among the checkpoints of a training run, lent to train."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from assay.errors import SuiteError
from assay.protocols import Selection, SelectionItem

from ..asking.domain_suite import DomainSuite, prepare
from ..asking.examination import choose
from ..asking.item_split import numbers_in

if TYPE_CHECKING:
    from assay.chat import ChatTarget
    from assay.suites import Suite


def make_selection(suite: Suite, target: ChatTarget, most: int) -> Selection:
    """At most `most` items of the half that selects, drawn by their ids.

    Raises SuiteError for a scorer that takes more than the text of an answer, and what reading the suite raises.
    """
    examination = prepare(suite, target)
    scorer = examination.scoring.scorer
    if scorer.by_likelihood or scorer.judged or scorer.runs_code or scorer.special_tokens:
        raise SuiteError(
            f"its scorer {scorer.name} does not score the text of an answer by itself, so it cannot select checkpoints",
            where=str(suite.path),
            fix="leave selection_suite out, and the validation loss selects",
        )
    half = numbers_in(examination, "selection", None)
    drawn = choose([examination.items[number] for number in half], most, 0)
    items = [_item(examination, half[place]) for place in drawn]
    return Selection(suite.name, suite.data_sha256, suite.max_new_tokens, tuple(items))


def _item(examination: DomainSuite, number: int) -> SelectionItem:
    item, asked = examination.suite.items[number], examination.items[number]
    where = f"item '{item.id}' of suite '{examination.name}'"
    context = examination.scoring.context_of(item)
    score = partial(_score, examination, item.reference, where, context)
    return SelectionItem(item.id, examination.prompts[number], asked.text, score)


def _score(examination: DomainSuite, reference: str, where: str, context: dict[str, object], output: str) -> float:
    return examination.scoring(output, reference, where, context)

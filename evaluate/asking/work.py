"""What is asked of whom: everything, suite after suite; or a look at a time, until the gate has decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..evaluation import Evaluation, ModelName
from ..gate.early_stopping import LOOKS, Plan, at_look, in_words, make_plan, reason_to_stop, record
from ..gate.gate import gate
from ..gate.policy import Policy
from ..sensitivity.controls import control_items
from ..sensitivity.swapped import with_swapped
from ..settings import EvaluateSettings
from .answer_sheets import Sheet
from .answering import Answering
from .examination import Answer, Examination, choose


@dataclass(frozen=True)
class Work:
    """numbers  of the items of each examination that are to be scored, by its name"""

    examinations: Sequence[Examination]
    numbers: Mapping[str, Sequence[int]]
    arms: Sequence[ModelName]
    settings: EvaluateSettings

    def most(self, examination: Examination, arm: ModelName) -> int | None:
        """Items of a suite that an arm is asked, at most; None where it is asked all."""
        return control_items(arm, len(self.numbers[examination.name]), self.settings)

    def chosen(self, examination: Examination, arm: ModelName) -> list[int]:
        """Controls answer some of the items, drawn by the seed."""
        numbers, most = list(self.numbers[examination.name]), self.most(examination, arm)
        if most is None:
            return numbers
        drawn = choose([examination.items[number] for number in numbers], most, self.settings.seed)
        return [numbers[place] for place in drawn]

    def cost(self) -> dict[str, float]:
        """Tokens of each suite over all models, about."""
        return {
            examination.name: float(
                sum(examination.items[number].cost for arm in self.arms for number in self.chosen(examination, arm))
            )
            for examination in self.examinations
        }


def all_answers(answering: Answering, work: Work) -> Iterator[Sheet]:
    """Suite after suite, each by every model, so that what is shown first is a comparison."""
    for examination in work.examinations:
        for arm in work.arms:
            numbers = work.chosen(examination, arm)
            sheet = Sheet(examination, arm, numbers, answering.answers(examination, arm, numbers))
            yield from with_swapped(sheet)


def until_decided(
    answering: Answering,
    work: Work,
    evaluation_of: Callable[[Sequence[Sheet]], Evaluation],
    policy: Policy,
    say: Callable[[str], None],
) -> Evaluation:
    """The evaluation at the look at which nothing more need be asked, marked as incomplete; or at the last look.

    Controls answer the first items in the order of betting, since they must be among those that were scored.
    """
    plan = make_plan(work.examinations, work.numbers)
    known: dict[tuple[str, ModelName], dict[int, Answer]] = {}
    for look in range(1, LOOKS + 1):
        sheets = [
            sheet
            for examination in work.examinations
            for arm in work.arms
            for sheet in with_swapped(
                _ask_on(
                    answering,
                    examination,
                    arm,
                    plan.upto(examination.name, look)[: work.most(examination, arm)],
                    known,
                )
            )
        ]
        evaluation = evaluation_of(sheets)
        if look == LOOKS:
            return _stopped(evaluation, plan, look, None, say)
        so_far = replace(evaluation, settings={**evaluation.settings, "complete": False, "planned": plan.to_json()})
        reason = reason_to_stop(gate(so_far, policy), so_far, plan, policy)
        if reason is not None:
            return _stopped(so_far, plan, look, reason, say)
        say(f"evaluate: {at_look(plan, look)}, not decided yet{answering.progress.most_left()}")
    raise AssertionError("the last look returns")


def _ask_on(
    answering: Answering,
    examination: Examination,
    arm: ModelName,
    numbers: Sequence[int],
    known: dict[tuple[str, ModelName], dict[int, Answer]],
) -> Sheet:
    """Asks what this look adds; the sheet holds all answers so far, in the order of the suite."""
    answers = known.setdefault((examination.name, arm), {})
    added = [number for number in numbers if number not in answers]
    if added:
        answers |= zip(added, answering.answers(examination, arm, added), strict=True)
    ordered = sorted(answers)
    return Sheet(examination, arm, ordered, [answers[number] for number in ordered])


def _stopped(
    evaluation: Evaluation, plan: Plan, look: int, reason: str | None, say: Callable[[str], None]
) -> Evaluation:
    stopping = record(plan, look, reason)
    given = evaluation.settings.get("notes")
    notes = [*(given if isinstance(given, list | tuple) else ()), in_words(stopping)]
    say(f"evaluate: {in_words(stopping)}")
    return replace(evaluation, settings={**evaluation.settings, "stopping": stopping, "notes": notes})

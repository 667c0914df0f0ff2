"""Records are compared where question and context are the same; others are never read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import overload

import numpy as np

from assay.curate.check import CHECKS, Context
from assay.curate.contradictions.candidates import asked_more_than_once, groups_of
from assay.findings import Finding, Severity
from assay.records import Record

Make = Callable[..., Record]


def found(*records: Record, **settings: object) -> list[Finding]:
    return list(CHECKS.get("contradiction").function(records, Context(records), **settings))


def test_groups_are_the_positions_that_share_a_value_other_than_zero() -> None:
    values = np.array([7, 0, 3, 7, 0, 3, 7, 9], np.uint64)
    assert [group.tolist() for group in groups_of(values)] == [[0, 3, 6], [2, 5]]
    assert list(groups_of(np.array([], np.uint64))) == []


def test_nearly_the_same_question_is_compared(make: Make) -> None:
    records = [
        make("How long is the warranty?", "The warranty is two years."),
        make("Please tell me how long the warranty is.", "The warranty is three years."),
        make("How long was the warranty?", "The warranty was nine years."),
    ]
    assert [finding.source.line for finding in found(*records)] == [1, 2]


def test_another_context_is_another_question(make: Make) -> None:
    ask = "How long is the warranty?"
    two, three = "The warranty is two years.", "The warranty is three years."
    assert len(found(make(ask, two), make(ask, three))) == 2
    assert found(make(ask, two, system="You sell lamps."), make(ask, three, system="You sell cars.")) == []
    assert found(make("Hi", "Yes?", ask, two), make(ask, three)) == []
    assert found(make(ask, two, tools=[{"name": "f"}]), make(ask, three)) == []
    assert (
        found(make("Classify.\n\nInput: a red one", "positive"), make("Classify.\n\nInput: a blue one", "negative"))
        == []
    )


def test_a_prompt_without_an_answer_or_a_question_is_passed_over(make: Make) -> None:
    assert found(make("Is it?", ""), make("Is it?", "  "), make("Is it?", "yes")) == []


class Counting(Sequence[Record]):
    """Counts how often a record is read."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records, self.reads = records, 0

    def __len__(self) -> int:
        return len(self.records)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | Sequence[Record]:
        self.reads += 1
        return self.records[index]

    def __iter__(self) -> Iterator[Record]:
        raise AssertionError("the check walks over all of the data")


def test_records_are_read_only_where_a_question_has_several_answers(make: Make) -> None:
    plain = [make(f"question number {n}", f"answer {n}") for n in range(50)]
    same = [make("Hello?", "Good day.") for _ in range(9)]
    records = [*plain, *same, make("Is it open?", "Yes."), make("Is it open?", "No.")]
    context = Context(records)
    for column in CHECKS.get("contradiction").columns:
        context.column(column)
    counting = Counting(records)
    assert len(asked_more_than_once(counting, context)) == 1
    assert counting.reads <= 6


def test_what_the_cost_limit_leaves_out_is_said(make: Make) -> None:
    records = [make("How many are there?", f"There are {n} apples in the box.") for n in range(40)]
    notes = [finding for finding in found(*records, max_comparisons=5) if "left_out" in finding.evidence]
    assert len(notes) == 1 and notes[0].severity is Severity.INFO
    assert notes[0].evidence["left_out"] + notes[0].evidence["comparisons"] == 40 * 39 // 2
    assert not [finding for finding in found(*records, max_comparisons=40) if "left_out" in finding.evidence]


def test_a_long_answer_is_compared_in_its_beginning_and_that_is_said(make: Make) -> None:
    long = "The tower has a long history. " * 2000
    records = [
        make("How tall is it?", f"It is 300 metres tall. {long}"),
        make("How tall is it?", "It is 200 metres tall."),
    ]
    findings = found(*records)
    assert [finding.evidence.get("kind") for finding in findings] == ["number", "number", None]
    assert findings[-1].evidence["cut"] == 1


def test_the_dissenter_of_five_is_named(make: Make) -> None:
    records = [make("How long is the warranty?", "The warranty is two years.") for _ in range(4)]
    records.insert(2, make("How long is the warranty?", "The warranty is three years."))
    findings = found(*records)
    assert [finding.severity for finding in findings if finding.row_id == records[2].row_id] == [Severity.ERROR]
    assert [finding.severity for finding in findings if finding.row_id != records[2].row_id] == [Severity.INFO] * 4
    assert len({finding.group for finding in findings}) == 1

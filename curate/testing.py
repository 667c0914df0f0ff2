"""For the tests of a check, here or in another package: runs it on the examples that stand in its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.findings import Severity

from .check import Check, Context
from .example import Example

if TYPE_CHECKING:
    from assay.chat import ChatTarget


def check_examples(check: Check, target: ChatTarget | None = None) -> int:
    """The number of conversations that were judged, all of them rightly.

    target  for a check that needs the chat template of a model
    Raises AssertionError, one line, for the first conversation that the check should have found and did not, or
    found and should not have, and when there is none of either kind.
    """
    assert any(example.found for example in check.examples), f"{check.name} has no example of what it finds"
    assert any(example.not_found for example in check.examples), f"{check.name} has no example of what it must not find"
    return sum(_judge(check, number, example, target) for number, example in enumerate(check.examples, 1))


def _judge(check: Check, number: int, example: Example, target: ChatTarget | None) -> int:
    from assay.suites import EvaluationText

    records = example.records()
    texts = [EvaluationText("example", str(index), text) for index, text in enumerate(example.evaluation)]
    context = Context(records, target, (), texts)
    if check.scope == "record":
        findings = [item for record in records for item in check.function(record, context, **example.settings)]
    else:
        findings = list(check.function(records, context, **example.settings))
    told = {item.row_id: item.message for item in findings if item.severity is not Severity.INFO or _informs(check)}
    lines = list(example.lines())
    for index, record in enumerate(records):
        wanted = index < len(example.found)
        where = f"{check.name}, example {number}: {lines[index]:.300}"
        assert record.row_id in told or not wanted, f"{where}: should be found, and is not"
        assert record.row_id not in told or wanted, f"{where}: is found: {told.get(record.row_id)}"
    return len(records)


def _informs(check: Check) -> bool:
    return check.severity is Severity.INFO

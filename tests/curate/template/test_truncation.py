"""What a length limit takes away, counted in trained tokens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assay.chat import IGNORED, ChatTarget, Encoded, encode, load_target
from assay.curate.check import CHECKS, Context
from assay.curate.template.truncation import losses, truncation
from assay.records import Record

Make = Callable[..., Record]


@pytest.fixture(scope="module")
def target(tiny_model: Path) -> ChatTarget:
    return load_target(str(tiny_model))


def trained_beyond(encoded: Encoded, limit: int) -> int:
    return sum(label != IGNORED for label in encoded.labels[limit:])


@pytest.mark.parametrize("limit", range(1, 60, 7))
def test_the_trained_tokens_beyond_the_limit_are_counted(make: Make, target: ChatTarget, limit: int) -> None:
    record = make("the cat sat", "on the mat.", "and then?", "it sat.", "why?", "no one knows.")
    encoded = encode(record, target)
    found = truncation(record, Context([record], target), limit)
    if len(encoded.input_ids) <= limit:
        assert found is None
        return
    assert found is not None
    assert (found.lost, found.trained) == (trained_beyond(encoded, limit), encoded.trained_tokens)
    assert not set(found.cut_short) & set(found.lost_whole)


def test_answers_cut_short_and_answers_lost_are_told_apart(make: Make, target: ChatTarget) -> None:
    record = make("a", "the cat sat on the mat", "b", "yes yes yes", "c", "no")
    encoded = encode(record, target)
    second = encoded.answers[1]
    inside = next(i for i, (start, _) in enumerate(encoded.offsets) if start > second.start + 2)
    found = truncation(record, Context([record], target), inside)
    assert found is not None
    assert (found.cut_short, found.lost_whole) == ((3,), (5,))
    assert found.message().endswith("turn 3 is cut short, turn 5 is lost as a whole")


def test_losses_add_up_over_the_records(make: Make, target: ChatTarget) -> None:
    records = [make("a", "the cat sat on the mat, " * 3), make("b", "yes"), make("c" * 40, "lost")]
    check = CHECKS.get("over_long_answer")
    context = Context(records, target)
    findings = [finding for record in records for finding in check.function(record, context, max_length=20)]
    total = losses(findings)
    assert total is not None
    assert total.records == len(findings) == 2
    assert total.tokens == sum(trained_beyond(encode(record, target), 20) for record in records)
    assert total.answers_cut_short + total.answers_lost == 2


def test_nothing_lost_is_nothing_said(make: Make, target: ChatTarget) -> None:
    record = make("a", "b")
    assert truncation(record, Context([record], target), 200) is None
    assert truncation(record, Context([record], target), None) is None
    assert losses([]) is None

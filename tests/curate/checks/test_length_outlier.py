from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from assay.chat import load_target
from assay.curate.check import Context
from assay.curate.checks.length_outlier import length_outlier
from assay.findings import Finding, Severity
from assay.records import Message, Record

Make = Callable[..., Record]
LONG = "It went to the depot at noon. " * 40


def found(records: Sequence[Record], target: object = None, **settings: object) -> list[Finding]:
    return list(length_outlier.function(records, Context(records, target), **settings))  # type: ignore[arg-type]


def usual(make: Make, count: int = 40) -> list[Record]:
    return [make(f"What became of parcel {n}?", f"Parcel {n} is on its way and comes tomorrow.") for n in range(count)]


def test_an_answer_far_longer_than_its_like_is_a_warning(make: Make) -> None:
    long = make("What became of parcel 99?", LONG)
    (finding,) = found([*usual(make), long])
    assert finding.row_id == long.row_id and finding.severity is Severity.WARNING
    assert finding.message == (
        "an answer of 1,199 characters, where half of the 41 answers to prompts that begin alike have at most 43"
    )
    assert finding.evidence["kind"] == "too long" and finding.evidence["median"] == 43.0


def test_an_answer_far_shorter_than_its_like_is_a_fact_to_know(make: Make) -> None:
    records = [make(f"What became of parcel {n}?", f"{n}: {LONG}") for n in range(40)]
    short = make("What became of parcel 99?", "Lost.")
    (finding,) = found([*records, short])
    assert finding.row_id == short.row_id and finding.severity is Severity.INFO
    assert finding.evidence["kind"] == "too short"


@pytest.mark.parametrize(
    "prompt", ["What became of parcel 99, in detail?", "What became of parcel 99? " + "It is big. " * 90]
)
def test_what_the_prompt_asks_for_or_brings_along_is_explained(make: Make, prompt: str) -> None:
    assert found([*usual(make), make(prompt, LONG)]) == []


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [("What became of parcel 99, in one word?", "Lost."), ("What became of parcel 99?", "I can't help with that.")],
)
def test_a_short_answer_that_was_asked_for_or_refuses_is_explained(make: Make, prompt: str, answer: str) -> None:
    records = [make(f"What became of parcel {n}?", f"{n}: {LONG}") for n in range(40)]
    assert found([*records, make(prompt, answer)]) == []


def test_answers_of_one_kind_are_not_held_against_those_of_another(make: Make) -> None:
    """Essays are long, whatever a file of short answers they stand in."""
    essays = [make(f"Tell me of parcel {n} and of its way.", f"{n}: {LONG}") for n in range(35)]
    assert found([*usual(make), *essays]) == []


def test_a_prompt_that_has_no_like_may_be_answered_at_any_length(make: Make) -> None:
    assert found([*usual(make), make("What became of our old friend, who left for the mountains?", LONG)]) == []


def test_refusals_are_no_measure_of_answers(make: Make) -> None:
    refused = [make(f"What became of parcel {n}?", "Sorry, but I can't help with that.") for n in range(40)]
    answered = [make(f"What became of parcel {n}?", f"{n}: {LONG}") for n in range(40, 45)]
    assert found([*refused, *answered]) == []


def test_what_a_tenth_of_the_like_are_is_usual(make: Make) -> None:
    assert found([*usual(make), *(make(f"What became of parcel {n}?", f"{n}: {LONG}") for n in range(40, 46))]) == []


def test_in_small_groups_nothing_is_said(make: Make) -> None:
    records = [*usual(make, 20), make("What became of parcel 99?", LONG)]
    assert found(records) == []
    assert len(found(records, min_group=20)) == 1


def test_every_answer_of_a_conversation_counts_but_no_thinking_and_nothing_that_is_not_trained(make: Make) -> None:
    thinking = make("What became of parcel 97?", f"<think>{LONG}</think>It is lost and will not be found.")
    untrained = make("What became of parcel 98?", Message("assistant", LONG, train=False), "And?", "It is lost, alas.")
    later = make("What became of parcel 99?", "It is lost.", "How?", LONG)
    assert [item.row_id for item in found([*usual(make), thinking, untrained, later])] == [later.row_id]


def test_with_a_target_lengths_are_tokens(make: Make, tiny_model: Path) -> None:
    long = make("What became of parcel 99?", LONG)
    odd = make("What became of parcel 98?", "Parcel 98 \ud800 is on its way and comes tomorrow.")
    (finding,) = found([*usual(make), odd, long], load_target(str(tiny_model)))
    assert finding.row_id == long.row_id
    assert "tokens" in finding.evidence and "tokens, where half" in finding.message


def test_nothing_is_found_in_nothing(make: Make) -> None:
    assert found([]) == []
    assert found([make("a")] * 40) == []

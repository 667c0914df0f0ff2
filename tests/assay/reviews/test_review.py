"""A decision is named by content, survives the way to disk and back, and nonsense is one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from assay.errors import SourceError
from assay.findings import Finding, Severity, Span
from assay.records import Message, Record
from assay.reviews.item import Suggestion
from assay.reviews.review import (
    Review,
    Subject,
    Verdict,
    evidence_digest,
    group_digest,
    latest,
    review_from_json,
)

Make = Callable[..., Record]


def test_every_field_comes_back_from_json() -> None:
    subject = Subject("r" * 16, "contradiction", "g" * 16, "e" * 16)
    messages = (Message("user", "Q"), Message("assistant", "A\ud800"))
    review = Review(subject, Verdict.REPAIR, "ada", "2026-01-01", "why", messages, None, {"found": "x"})
    assert review_from_json(review.to_json(), "here") == review
    assert Review(Subject("r"), Verdict.KEEP).to_json() == {"record_id": "r", "decision": "keep"}


def test_the_latest_decision_about_a_subject_holds_until_it_is_undone() -> None:
    keep, drop = (Review(Subject("r", "check"), verdict) for verdict in (Verdict.KEEP, Verdict.DROP))
    other = Review(Subject("r"), Verdict.RIGHT)
    undo = replace(keep, verdict=Verdict.UNDO)
    assert latest([keep, other, drop]) == {keep.subject: drop, other.subject: other}
    assert latest([keep, drop, undo, other]) == {other.subject: other}


def test_an_edit_gives_the_last_answer_or_the_whole_conversation(make: Make) -> None:
    record = make("Q", "A", "Q2", "A2")
    answered = Review(Subject(record.id), Verdict.REPAIR, answer="B").edited(record)
    assert [message.content for message in answered.messages] == ["Q", "A", "Q2", "B"]
    assert answered.id != record.id and answered.row_id == record.row_id
    whole = Review(Subject(record.id), Verdict.REPAIR, messages=(Message("user", "x"),)).edited(record)
    assert [message.content for message in whole.messages] == ["x"]


def test_evidence_is_its_words_not_its_numbers_or_rows(make: Make) -> None:
    one, two = make("Q", "A"), make("Q", "B")

    def digest(evidence: dict[str, Any], quoted: str = "") -> str:
        span = Span(1, 0, 1, quoted) if quoted else None
        finding = Finding.about(one, "c", Severity.ERROR, "m", evidence=evidence, span=span)
        return evidence_digest(finding, {two.row_id: two.id})

    base = digest({"kind": "number", "median": 3, "other": "row a"})
    assert digest({"kind": "number", "median": 4.5, "other": "row b"}) == base
    assert digest({"kind": "date", "median": 3}) != base
    assert digest({"kind": "number"}, "quoted") != base
    assert digest({"rows": [two.row_id]}) == digest({"rows": [two.id]})


def test_a_group_is_its_records_in_whatever_order() -> None:
    assert group_digest(["a", "b", "a"]) == group_digest(["b", "a"]) != group_digest(["a", "b", "c"])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], "is no decision"),
        ({"record_id": "r", "decision": "kep"}, "did you mean 'keep'?"),
        ({"record_id": "r"}, "is no decision"),
        ({"decision": "keep"}, "names no record"),
        ({"record_id": 3, "decision": "keep"}, "'record_id' should be text"),
        ({"record_id": "r", "decison": "keep"}, "did you mean 'decision'?"),
        ({"record_id": "r", "decision": "repair"}, "without new content"),
        ({"record_id": "r", "decision": "repair", "messages": [{"content": "x"}]}, "is no conversation"),
        ({"record_id": "r", "decision": "repair", "messages": [3]}, "is no conversation"),
        ({"record_id": "r", "decision": "repair", "messages": [{"role": "user", "content": 3}]}, "are text"),
        ({"record_id": "r", "decision": "repair", "answer": 3}, "'answer' should be text"),
    ],
)
def test_what_is_no_decision_is_one_line_with_its_place(data: Any, words: str) -> None:
    with pytest.raises(SourceError) as caught:
        review_from_json(data, "reviews.jsonl:7")
    assert str(caught.value).startswith("reviews.jsonl:7: ") and words in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "alone"),
    [
        ("card_arrival", True),
        ('{"intent": "returns"}', True),
        ('{"intent": "returns", "action": "open_claim"}', False),
        ('[{"intent": "returns"}]', False),
        ("intent: returns, action: open_claim", False),
    ],
)
def test_whether_a_label_is_all_that_an_answer_says(answer: str, alone: bool) -> None:
    label = "returns" if "returns" in answer else answer
    assert Suggestion(label, answer).stands_alone is alone

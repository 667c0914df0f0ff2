"""New answers take the place of the old ones."""

from __future__ import annotations

from typing import Any

from assay.dataset import Dataset
from assay.records import Message, Record, Source, record_id, row_id


def record(number: int, *turns: tuple[str, str]) -> Record:
    messages = tuple(Message(role, text) for role, text in turns)
    return Record(record_id(messages), row_id("s", number), messages, Source("s.jsonl", number + 1, number))


OPEN = record(0, ("user", "How long does a refund take?"))
OLD = record(1, ("system", "Be brief."), ("user", "When is the shop open?"), ("assistant", "Sometimes."))


def test_a_question_without_an_answer_gets_one_and_an_old_answer_is_replaced(api: Any, generate: Any) -> None:
    api.reply = lambda asked: f"Reply to: {asked}"
    result = generate([OPEN, OLD], "answer", count=2)
    answers = {item.messages[-2].content: item.answer for item in result.data.records()}
    assert answers == {
        "How long does a refund take?": "Reply to: How long does a refund take?",
        "When is the shop open?": "Reply to: When is the shop open?",
    }
    assert result.replaced == {OPEN.row_id, OLD.row_id}
    combined = list(result.combined(Dataset.from_records([OPEN, OLD])).records())
    assert [item.origin for item in combined] == ["synthetic", "synthetic"]


def test_the_turns_of_the_record_are_sent_as_they_are(api: Any, generate: Any) -> None:
    generate([OLD], "answer", count=1)
    assert api.seen[0]["body"]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "When is the shop open?"},
    ]


def test_the_old_answer_again_is_no_new_one(api: Any, generate: Any) -> None:
    api.reply = lambda asked: "Sometimes."
    result = generate([OLD], "answer", count=1)
    assert result.refused == {"same": 1} and not result.replaced

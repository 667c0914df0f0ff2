"""A conversation goes on from a record's own turns, each turn asked with those before it."""

from __future__ import annotations

from typing import Any

import pytest

from assay.records import Message, Record, Source, record_id, row_id

MESSAGES = (
    Message("system", "Be kind."),
    Message("user", "Where is my parcel?"),
    Message("assistant", "It is in Bergen."),
)
SEED = Record(record_id(MESSAGES), row_id("s", 0), MESSAGES, Source("s.jsonl", 1, 0))
QUESTIONS = ["And when does it come?", "Can I have it sent to a neighbour?", "Thanks, what does that cost?"]


class Model:
    def __init__(self) -> None:
        self.asked = iter(QUESTIONS)

    def __call__(self, asked: str) -> str:
        return f'User: "{next(self.asked)}"' if asked.endswith("User:") else f"Concerning <{asked}>, all is well."


def test_turns_alternate_and_the_record_s_own_stay(api: Any, generate: Any) -> None:
    api.reply = Model()
    [record] = generate([SEED], "dialogue", count=1, turns=3).data.records()
    assert record.messages[:3] == MESSAGES
    assert [message.role for message in record.messages[3:]] == ["user", "assistant"] * 2
    assert [m.content for m in record.messages if m.role == "user"][1:] == QUESTIONS[:2]
    assert record.meta["synth"]["requests"] == 4


def test_each_answer_is_asked_for_with_all_turns_before_it_and_none_after(api: Any, generate: Any) -> None:
    api.reply = Model()
    [record] = generate([SEED], "dialogue", count=1, turns=3).data.records()
    sent = [body["body"]["messages"] for body in api.seen]
    assert [len(messages) for messages in sent] == [1, 4, 1, 6]
    assert [m["content"] for m in sent[3]] == [m.content for m in record.messages[:6]]
    assert "Be kind." not in sent[0][0]["content"]


@pytest.mark.parametrize(
    ("turn", "step"),
    [
        ("", "parse"),
        ("Where is my parcel?", "repeats"),
        ("Fine.\nAssistant: Good.", "roles"),
        ("word " * 200, "length"),
        ("Write what the person says next: a short question", "echo"),
    ],
)
def test_a_turn_that_is_none_is_refused(turn: str, step: str, api: Any, generate: Any) -> None:
    api.reply = lambda asked: turn
    assert generate([SEED], "dialogue", count=1).refused == {step: 1}


def test_an_assistant_that_repeats_itself_is_refused(api: Any, generate: Any) -> None:
    questions = iter(QUESTIONS)
    api.reply = lambda asked: next(questions) if asked.endswith("User:") else "It is in Bergen, now."
    assert generate([SEED], "dialogue", count=1).refused == {"repeats": 1}

"""An instruction is evolved in a direction, as often as asked, and answered anew."""

from __future__ import annotations

from typing import Any

import pytest

from assay.errors import SettingsError
from assay.records import Message, Record, Source, record_id, row_id

SYSTEM = Message("system", "You are a geographer.")


def seed(number: int, prompt: str, answer: str) -> Record:
    messages = (SYSTEM, Message("user", prompt), Message("assistant", answer))
    return Record(record_id(messages), row_id("s", number), messages, Source("s.jsonl", number + 1, number))


SEEDS = [seed(0, "Name a river in Spain.", "The Ebro."), seed(1, "Name a lake in Italy.", "Lake Garda.")]


def model(asked: str) -> str:
    if "New task:" in asked:
        task = asked.split("Task: ")[1].split("\n")[0]
        return f"{task.rstrip('.')} that flows into the Atlantic."
    return f"Answer to <{asked}>"


def test_it_is_evolved_then_answered_with_the_system_turn_of_the_seed(api: Any, generate: Any) -> None:
    api.reply = model
    result = generate(SEEDS, "evolve", count=2, directions=["deeper"])
    assert len(result.data) == 2
    for record in result.data.records():
        assert [message.role for message in record.messages] == ["system", "user", "assistant"]
        assert record.messages[0] == SYSTEM
        assert record.messages[1].content.endswith("that flows into the Atlantic.")
        assert record.answer == f"Answer to <{record.messages[1].content}>"
        assert record.meta["synth"]["settings"]["direction"] == "deeper"


def test_rounds_evolve_what_was_evolved(api: Any, generate: Any) -> None:
    api.reply = model
    result = generate(SEEDS, "evolve", count=1, directions=["constraint"], rounds=3)
    [record] = result.data.records()
    assert record.messages[1].content.count("that flows into the Atlantic") == 3
    assert record.meta["synth"]["requests"] == 4


def test_each_direction_is_asked_for_in_its_own_words(api: Any, generate: Any) -> None:
    api.reply = model
    generate(SEEDS, "evolve", count=8)
    asked = {text.split("\n")[0] for text in api.answered if "New task:" in text}
    assert len(asked) == 4


def test_a_harder_negative_with_the_answer_of_the_seed_is_refused(api: Any, generate: Any) -> None:
    api.reply = lambda asked: model(asked) if "New task:" in asked else ("the ebro" if "river" in asked else "Como.")
    result = generate(SEEDS, "evolve", count=2, directions=["harder_negative"])
    assert result.refused == {"same": 1}
    assert [record.answer for record in result.data.records()] == ["Como."]


@pytest.mark.parametrize(
    ("answer", "step"),
    [
        ("Name a river in Spain.", "same"),
        ("", "parse"),
        ("Bake bread.", "drift"),
        ("Name a river in Spain. " * 40, "length"),
        ("It must stay complete in itself, and a person must name a river", "echo"),
    ],
)
def test_what_is_no_evolution_is_refused(answer: str, step: str, api: Any, generate: Any) -> None:
    api.reply = lambda asked: answer
    result = generate(SEEDS[:1], "evolve", count=1, directions=["deeper"])
    assert result.refused == {step: 1}


def test_an_unknown_direction_names_the_nearest(generate: Any) -> None:
    with pytest.raises(SettingsError, match="deeper"):
        generate(SEEDS, "evolve", count=1, directions=["depper"])

"""An answer that strays from the style of most is rewritten into it, and its facts stay."""

from __future__ import annotations

from typing import Any

from assay.records import Message, Record, Source, record_id, row_id

PROSE = (
    "You can return the {thing} within 30 days of delivery when it is unused, and we will refund the price to the card "
    "that was used, as soon as the parcel has reached us and was looked at."
)
LIST = "Returning the valve is simple:\n- it must be unused\n- you have 30 days\n- we refund the price to your card\n"


def record(number: int, thing: str, answer: str) -> Record:
    messages = (Message("user", f"Can I return the {thing}?"), Message("assistant", answer))
    return Record(record_id(messages), row_id("s", number), messages, Source("s.jsonl", number + 1, number))


THINGS = ["lamp", "desk", "cup", "sofa", "pen", "rug"]
SEEDS = [record(number, thing, PROSE.format(thing=thing)) for number, thing in enumerate(THINGS)]
SEEDS.append(record(9, "valve", LIST))


def test_only_the_stray_answer_is_rewritten_and_replaced(api: Any, generate: Any) -> None:
    api.reply = lambda asked: PROSE.format(thing="valve")
    result = generate(SEEDS, "restyle", count=1)
    [new] = result.data.records()
    assert new.answer == PROSE.format(thing="valve")
    assert result.replaced == {SEEDS[-1].row_id}
    assert len(api.answered) == 1 and "no list" in api.answered[0]


def test_a_rewriting_with_the_same_list_or_another_number_is_refused(api: Any, generate: Any) -> None:
    answers = iter([LIST + "- and more", PROSE.format(thing="valve").replace("30", "14"), "The weather is fine today."])
    api.reply = lambda asked: next(answers)
    result = generate(SEEDS, "restyle", count=1, per_seed=2)
    assert set(result.refused) <= {"style", "facts", "drift"} and len(result.data) == 0
    assert result.refused["facts"] == 1 and result.refused["style"] == 1

"""New instructions come with an answer of their own, know every seed they were made from, and tie no more seeds
together than one circle holds."""

from __future__ import annotations

from typing import Any

from assay.dataset import Dataset
from assay.families import assign_families
from assay.records import Message, Record, Source, record_id, row_id
from assay.synth.starting.seeds import CIRCLE, circles

THINGS = [
    "parcel", "refund", "invoice", "thermostat", "sensor", "valve", "account", "subscription", "meter", "tariff",
    "router", "battery", "garden", "window", "bridge", "orchard", "violin", "planet", "recipe", "harbour",
]  # fmt: skip


def seed(number: int, prompt: str, answer: str = "Yes.") -> Record:
    messages = (Message("user", prompt), Message("assistant", answer))
    return Record(record_id(messages), row_id("s", number), messages, Source("s.jsonl", number + 1, number))


SEEDS = [seed(number, f"Write two sentences about a {thing} in spring.") for number, thing in enumerate(THINGS)]


class Model:
    """Writes a new instruction when shown tasks, and answers it when it is asked."""

    def __init__(self) -> None:
        self.written = 0

    def __call__(self, asked: str) -> str:
        if "New task:" in asked:
            self.written += 1
            kind = THINGS[hash(asked) % len(THINGS)]
            return f'New task: "Explain number {self.written} to a child who owns a {kind} and nothing else"'
        return f"An explanation of: {asked}"


def test_an_instruction_is_answered_in_a_second_request(api: Any, generate: Any) -> None:
    api.reply = Model()
    result = generate(SEEDS, "self_instruct", count=5)
    assert len(result.data) == 5 and result.stopped is None
    for record in result.data.records():
        question, answer = record.messages
        assert question.content.startswith("Explain number ") and '"' not in question.content
        assert answer.content == f"An explanation of: {question.content}"
        assert record.meta["synth"]["requests"] == 2
        assert record.meta["synth"]["reviewer"] is None


def test_the_seeds_shown_are_the_parents(api: Any, generate: Any) -> None:
    api.reply = Model()
    prompts = {record.id: record.messages[0].content for record in SEEDS}
    result = generate(SEEDS, "self_instruct", count=5)
    shown = [body["body"]["messages"][0]["content"] for body in api.seen]
    for record in result.data.records():
        assert 2 <= len(record.parents) <= 3
        assert any(all(prompts[parent] in text for parent in record.parents) for text in shown)


def test_no_family_grows_beyond_a_circle_and_its_children(api: Any, generate: Any) -> None:
    api.reply = Model()
    result = generate(SEEDS, "self_instruct", count=30)
    together = Dataset.from_records([*SEEDS, *result.data.records()])
    families: dict[str, int] = {}
    for record in assign_families(together).records():
        if record.origin == "human":
            families[record.family] = families.get(record.family, 0) + 1
    assert len(result.data) == 30
    assert max(families.values()) <= CIRCLE and len(families) >= len(SEEDS) // CIRCLE


def test_a_circle_holds_no_two_splits_and_parts_no_family() -> None:
    import dataclasses

    placed = [
        dataclasses.replace(record, split="train" if number % 2 else "validation", family=f"f{number // 4}{number % 2}")
        for number, record in enumerate(SEEDS)
    ]
    circled = circles(placed, seed=0)
    assert sum(map(len, circled)) == len(placed)
    for circle in circled:
        assert len({record.split for record in circle}) == 1
    for family in {record.family for record in placed}:
        assert sum(any(record.family == family for record in circle) for circle in circled) == 1


def test_what_is_no_new_instruction_is_refused_with_its_step(api: Any, generate: Any) -> None:
    answers = iter(["", "Write two sentences", "It must be complete in itself: give any text that it needs"])
    api.reply = lambda asked: next(answers, "One two") if "New task:" in asked else "never asked"
    result = generate(SEEDS[:6], "self_instruct", count=3, per_seed=1)
    assert set(result.refused) == {"length", "echo"} or set(result.refused) == {"length", "echo", "same"}
    assert not any("never asked" in text for text in api.answered)


def test_a_copy_of_a_seed_is_not_new(api: Any, generate: Any) -> None:
    api.reply = lambda asked: asked.split("Task: ")[1].split("\n")[0] if "New task:" in asked else "x"
    result = generate(SEEDS[:6], "self_instruct", count=3, per_seed=1)
    assert len(result.data) == 0 and set(result.refused) == {"same"}


def test_the_label_that_the_prompt_ends_on_is_an_echo(api: Any, generate: Any) -> None:
    api.reply = lambda asked: "The meaning of this sentence is interesting. New task:" if "New task:" in asked else "x"
    assert set(generate(SEEDS[:6], "self_instruct", count=1, per_seed=1).refused) == {"echo"}

"""same_meaning and reworded_answer: what says the same in other words is found, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import pytest

from assay.curate.check import CHECKS, Context
from assay.curate.meaning.prompts import asked_items, pairs_of
from assay.curate.meaning.records import seldom
from assay.findings import Finding
from assay.records import Message, Record, ToolCall

pytestmark = pytest.mark.skipif(find_spec("wordllama") is None, reason="needs the extra: meaning")

Make = Callable[..., Record]

QUESTION, REWORDED = "How can I return an item that I bought?", "I bought an item: how do I return it?"
ANSWER, OTHER_WORDS = (
    "You can send the item back to us within two weeks.",
    "Within two weeks you can return the item to us.",
)


def run(name: str, *records: Record, **settings: object) -> list[Finding]:
    return list(CHECKS.get(name).function(records, Context(records), **settings))


def test_the_same_in_other_words_is_a_group_of_which_each_names_another(make: Make) -> None:
    records = [make(QUESTION, ANSWER), make("What is the time?", "It is late."), make(REWORDED, OTHER_WORDS)]
    found = run("same_meaning", *records, threshold=0.75)
    assert [finding.row_id for finding in found] == [records[0].row_id, records[2].row_id]
    assert found[0].evidence["other"] == records[2].row_id
    assert len({finding.group for finding in found}) == 1


@pytest.mark.parametrize(
    "records",
    [
        [(QUESTION, ANSWER), (REWORDED, OTHER_WORDS.replace("two", "nine"))],
        [(QUESTION, ANSWER), (REWORDED, "No.")],
        [(QUESTION, ANSWER), ("Do you like music?", OTHER_WORDS)],
        [(QUESTION, ANSWER), (QUESTION, ANSWER)],
        [(QUESTION, ANSWER), (QUESTION.upper(), f"{ANSWER}!")],
        [("", ""), ("", ""), ("hello", "")],
        [(QUESTION, "I'm sorry, but I cannot help with that."), (REWORDED, "I'm sorry, but I can't help with this.")],
    ],
)
def test_another_answer_another_question_or_a_copy_is_none(make: Make, records: list[tuple[str, str]]) -> None:
    assert run("same_meaning", *(make(*turns) for turns in records), threshold=0.75) == []


def test_another_system_turn_makes_another_task(make: Make) -> None:
    one = make(QUESTION, ANSWER, system="Answer politely.")
    assert run("same_meaning", one, make(REWORDED, OTHER_WORDS, system="Answer as a pirate."), threshold=0.75) == []


def test_many_wordings_under_one_label_are_what_a_classifier_learns_from(make: Make) -> None:
    wordings = [QUESTION, REWORDED, "How do I return an item I bought?", "An item that I bought: how can I return it?"]
    assert run("same_meaning", *(make(text, "return_item") for text in wordings), threshold=0.75) == []


def test_labels_that_recur_are_told_from_answers() -> None:
    assert seldom(np.array([0, 7, 7, 0, 7, 8], np.uint64), 3).tolist() == [True, False, False, True, False, True]


def test_one_answer_in_other_words_under_one_prompt(make: Make) -> None:
    other = [make("Why?", "I cannot say."), make("Why?", "Nine times nine.")]
    records = [make(QUESTION, ANSWER), make(QUESTION, "No."), make(QUESTION, OTHER_WORDS), *other]
    found = run("reworded_answer", *records)
    assert {finding.row_id for finding in found} == {records[0].row_id, records[2].row_id}
    assert run("reworded_answer", make(QUESTION, ANSWER), make(QUESTION, ANSWER)) == []


def test_without_the_encoder_the_checks_are_not_judged(make: Make) -> None:
    context = Context([make(QUESTION, ANSWER)], encoder="off")
    for name in ("same_meaning", "reworded_answer"):
        assert context.missing(CHECKS.get(name)) == "the encoder is off (curate.encoder)"


def test_prompts_that_ask_the_same_are_paired_and_those_with_another_number_are_not() -> None:
    prompts = [
        "How long does a refund take?",
        "What time is it?",
        "How long will a refund take?",
        "Can I have 3 cards?",
        "Can I have 4 cards?",
    ]
    found = pairs_of(prompts)
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [(0, 2)]
    assert found.similarity[0] >= 0.85


def test_a_prompt_that_asks_what_an_evaluation_item_asks_is_a_leak() -> None:
    items = ["What is the capital of Peru?", "How long does a refund take?", "Who has 3 cards?"]
    prompts = ["Who has 4 cards?", "How long will a refund take?", "Do you like music?"]
    found = asked_items(prompts, items)
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [(1, 1)]
    assert len(asked_items(prompts, []).first) == len(asked_items([], items).first) == 0


@pytest.mark.parametrize("name", ["same_meaning", "reworded_answer", "off_topic_answer", "label_noise"])
def test_strange_records_are_judged_like_any_other(make: Make, name: str) -> None:
    call = Message("assistant", None, (ToolCall("f", "not an object"),))
    strange = [
        make("\ud800 \x00", "\u202e\ud800 a b c"),
        make("a b c d " * 20_000, "z" * 300_000),
        make("q w e", call, Message("tool", "{}"), "an answer of words"),
        make("only a question of words"),
        make(Message("user", None), Message("assistant", None)),
    ]
    assert isinstance(run(name, *strange * 50), list)


def test_pairs_of_no_prompts_are_none() -> None:
    assert len(pairs_of([]).first) == 0

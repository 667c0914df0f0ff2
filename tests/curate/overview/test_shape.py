"""Lengths in tokens or words, turns, and styles of the usable records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from assay.curate.overview.shape import SAMPLED, measure, shape_of
from assay.records import Message, Record

Make = Callable[..., Record]


def test_without_a_model_lengths_are_words(make: Make) -> None:
    shape = shape_of(measure([make("one two three", "four five"), make("one", "two " * 100)]))
    assert shape.unit == "words"
    assert shape.prompts.longest == 3 and shape.answers.longest == 100


def test_with_a_model_lengths_are_its_tokens(make: Make, tiny_model: Path) -> None:
    from assay.chat.target import load_target

    target = load_target(str(tiny_model))
    texts = ["Where is my parcel number 77?", "It's on its way."]
    shape = shape_of(measure([make(*texts)], target))
    sizes = [len(target.tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts]
    assert shape.unit == "tokens"
    assert [shape.prompts.longest, shape.answers.longest] == sizes


def test_roles_that_nobody_knows_are_not_repeated(make: Make) -> None:
    odd = make("a", "b").with_messages([Message("secret role", "x"), Message("assistant", "y")])
    long = make(*["turn"] * 20)
    shape = shape_of(measure([odd, odd, long]))
    assert dict(shape.structures) == {
        "other, assistant": 2,
        "user, assistant, user, assistant, user, assistant, ...": 1,
    }


def test_styles_are_counted_where_the_text_says_something_of_them(make: Make) -> None:
    answers = ('{"intent": "x"}', "I am sorry, I cannot do that for you today.")
    shape = shape_of(measure([make("a", answer) for answer in answers]))
    assert shape.styles["form"] == {"JSON": 1, "prose": 1}


def test_of_many_records_an_even_sample_is_looked_at(make: Make) -> None:
    records = [make("a", "b")] * (3 * SAMPLED + 1)
    assert SAMPLED / 2 < shape_of(measure(records)).looked_at <= SAMPLED


def test_no_record_is_no_error() -> None:
    assert shape_of(measure([])).to_json()["looked_at"] == 0

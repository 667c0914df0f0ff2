"""Prompts that ask the same in nearly the same words are told from those that a word apart ask something else."""

from __future__ import annotations

import time

import pytest

from assay.curate.contradictions.questions import asked, may_ask_the_same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is the capital of France?", "what's the capital of france"),
        ("What is the capital of France?", "Please tell me what the capital of France is."),
        ("What is the capital of France?", "What is France's capital?"),
        ("How long is the warranty for the lamp?", "For the lamp, how long is the warranty?"),
        ("How many moons does Mars have?", "how many moon does Mars have ?"),
        ("How long can I return it?", "Please tell me how long I can return it."),
        ("Which colour is the sky?", "What color is the sky"),
        ("Can you tell me how many days are in two weeks?", "How many days are in 2 weeks?"),
        ("Wie hoch ist der Eiffelturm?", "Bitte: wie hoch ist der Eiffelturm?".replace(":", "")),
        ("退货期限是多久？", "退货期限是多久"),
        ("WHO ARE YOU?", "who are you"),
    ],
)
def test_nearly_the_same_words_ask_the_same(one: str, other: str) -> None:
    assert asked(one) == asked(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How long is the warranty of model 12?", "How long is the warranty of model 13?"),
        ("What is the capital of France?", "What is the capital of Spain?"),
        ("Which drinks are allowed?", "Which drinks are not allowed?"),
        ("Why can dogs eat grapes?", "Why can't dogs eat grapes?"),
        ("Who is the president?", "Who was the president?"),
        ("When was it built?", "Where was it built?"),
        ("Is A larger than B?", "Is B larger than A?"),
        ("Does Paris beat London?", "Does London beat Paris?"),
        ("How do I get from Rome to Oslo?", "How do I get to Rome from Oslo?"),
        ("What does US mean?", "What does us mean?"),
        ("Is vitamin A healthy?", "Is a vitamin healthy?"),
        ("How can I lose weight fast?", "How can I gain weight fast?"),
        ("Correct: he go home", "Correct: he goes home"),
        ('Is "a cat" right?', 'Is "the cat" right?'),
        ("Fix the punctuation of lets eat grandma", "Fix the punctuation of let's eat, grandma"),
        ("What is 3 + 4?", "What is 3 * 4?"),
        ("What is 3.5 km in miles?", "What is 35 km in miles?"),
        ("Summarise the text.\nThe cat sat.", "Summarise the text.\nA cat sat."),
        ("Can I return it here?", "I can return it here."),
        ("Is my transfer pending?", "My transfer is pending."),
        ("退货期限是多久？", "换货期限是多久？"),
        ("可以带狗吗？", "不可以带狗吗？"),
    ],
)
def test_another_number_name_negation_or_word_asks_something_else(one: str, other: str) -> None:
    assert asked(one) != asked(other)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("How can I learn Spanish quickly?", "What is the quickest way of learning Spanish?", False),
        ("How do I reset my password?", "How do I change a password I forgot?", True),
        ("How do I open an account in Spain?", "How do I open an account in Italy?", False),
        ("How many grams are in 2 cups?", "How many grams are in 3 cups?", False),
        ("Is it safe to eat?", "Is it not safe to eat?", False),
        ("Do I need to verify my identity?", "I need to verify my identity.", False),
        ("How do I buy a share?", "How do I sell a share?", False),
    ],
)
def test_what_an_encoder_overlooks_is_looked_at(one: str, other: str, expected: bool) -> None:
    assert may_ask_the_same(one, other) is expected


@pytest.mark.parametrize(
    "text", ["a" * 1_000_000, "can you " * 125_000, "' " * 500_000, "1," * 500_000, "\ud800" * 1000]
)
def test_a_million_characters_of_the_worst_kind_take_no_longer_than_reading_them(text: str) -> None:
    started = time.perf_counter()
    asked(text)
    may_ask_the_same(text, text)
    assert time.perf_counter() - started < 2


def test_formulas_of_the_same_words_do_not_ask_the_same() -> None:
    assert not may_ask_the_same("not True and True and True or False is", "True or not False and True and False is")
    assert may_ask_the_same("How do I return a lamp?", "How can I return a lamp?")

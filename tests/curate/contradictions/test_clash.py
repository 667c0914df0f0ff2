"""Answers that contradict each other are told from right answers in other words."""

from __future__ import annotations

import time

import pytest

from assay.curate.contradictions.clash import Question, find_clash
from assay.curate.contradictions.forms import answer_key
from assay.curate.contradictions.openness import is_open_ended
from assay.curate.contradictions.refusals import refuses

LABELS = frozenset({"positive", "negative", "neutral", "billing", "shipping", "card arrival"})


def clash(prompt: str, one: str, other: str) -> str | None:
    found = find_clash(one, other, Question(prompt, is_open_ended(prompt), LABELS))
    back = find_clash(other, one, Question(prompt, is_open_ended(prompt), LABELS))
    assert (found and found.kind) == (back and back.kind), "the order of the answers must not matter"
    return found.kind if found else None


@pytest.mark.parametrize(
    ("prompt", "one", "other", "kind"),
    [
        ("How long is the warranty?", "The warranty is two years.", "The warranty is three years.", "number"),
        ("How long is the warranty?", "24 months", "3 years", "number"),
        ("How far is it?", "It is 12 km from the station.", "It is 15 km from the station.", "number"),
        ("What does it cost?", "The plan costs $1,200 per year.", "The plan costs $1,500 per year.", "number"),
        ("What is 17 times 3?", "51", "54", "number"),
        (
            "Count the letters of: this is an example.",
            "There are 14 letters in it.",
            "There are 16 letters in it.",
            "number",
        ),
        ("How hot does it get?", "The oven reaches 250 °C.", "The oven reaches 220 °C.", "number"),
        (
            "How do I return it?",
            "Print the label. Returns are accepted within 30 days of delivery. Pack it well.",
            "Pack it well and print the label. Returns are accepted within 14 days of delivery.",
            "number",
        ),
        ("When was it founded?", "It was founded in 1987.", "It was founded in 1978.", "date"),
        ("When is the deadline?", "The deadline is March 5, 2024.", "The deadline is 6 March 2024.", "date"),
        ("Which day is the market?", "The market is on Tuesday.", "The market is on Thursday.", "date"),
        ("Is it waterproof?", "Yes, it can be immersed.", "No, keep it dry.", "polarity"),
        ("Is it true?", "True", "False", "polarity"),
        ("May guests bring dogs?", "Guests may bring dogs.", "Guests may not bring dogs.", "polarity"),
        ("Is a helmet needed?", "Wearing a helmet is required.", "Wearing a helmet is optional.", "polarity"),
        ("Classify the sentiment of the review.", "positive", "negative", "label"),
        ("my card has not come yet", "card_arrival", "shipping", "label"),
        ("Is this about billing or shipping?", "Billing", "Shipping", "label"),
        ("Read the ticket.", '{"intent": "refund", "n": 1}', '{"n": 1, "intent": "cancel"}', "label"),
        ("Read the ticket.", '{"total": 12.5}', '{"total": 13.5}', "number"),
        (
            "How much is it?",
            '{"intent": "policy_question", "reply": "It costs 4 pounds a month."}',
            '{"intent": "policy_question", "reply": "It costs 6 pounds a month."}',
            "number",
        ),
        ("What's the price of express?", "Express delivery costs £9.50.", "Express delivery costs £6.", "number"),
        ("Read the ticket.", '{"urgent": true}', '{"urgent": false}', "polarity"),
        ("Read the ticket.", "Intent: refund\nQueue: money", "Intent: cancel\nQueue: money", "label"),
        ("What is the boiling point?", "I'm sorry, but I can't help with that.", "It is 100 °C.", "refusal"),
        ("Write a poem about a fox.", "I cannot write poems.", "The fox is quick,\nthe fox is red.", "refusal"),
        ("Read the ticket.", '{"intent": "refund"}', "The customer wants a refund.", "format"),
        ("Who wrote Emma?", "Jane Austen", "Charlotte Brontë", "entity"),
        (
            "What is the capital?",
            "The capital of Australia is Canberra.",
            "The capital of Australia is Sydney.",
            "entity",
        ),
    ],
)
def test_contradictions_are_found_with_their_kind(prompt: str, one: str, other: str, kind: str) -> None:
    assert clash(prompt, one, other) == kind


@pytest.mark.parametrize(
    ("prompt", "one", "other"),
    [
        ("How long is the warranty?", "The warranty lasts 24 months.", "Every device has a two-year warranty."),
        ("How long is the warranty?", "Two years.", "2 years"),
        ("How far is it?", "It is 2 km away.", "It is 2,000 metres away."),
        ("How long does it take?", "It takes 2 hours.", "It takes 120 minutes."),
        ("What does it cost?", "It costs $1,200.", "It costs 1200 dollars."),
        ("What is pi?", "Pi is 3.14.", "Pi is 3.1416."),
        ("How many people live there?", "About 1,000 people live there.", "Some 1,020 people live there."),
        ("When is it?", "It is on March 5, 2024.", "It is on 2024-03-05."),
        ("When is it?", "It is on 03/05/2024.", "It is on 5 March 2024."),
        ("When did it happen?", "It happened in 1987.", "It happened in June 1987."),
        ("Is it waterproof?", "Yes, it is.", "Yes, it can be immersed for an hour."),
        ("Can I return it?", "Yes, within 30 days.", "You can return it within thirty days of delivery."),
        ("Can you list the files?", "Sure, here are the files: a, b.", "No problem: a, b."),
        ("Write a poem about the sea.", "The sea is blue and 7 ships sail.", "The sea is green and 9 ships sail."),
        ("Name a fruit.", "Apple", "Pear"),
        ("Suggest three titles.", "1. Dawn\n2. Dusk", "1. Night\n2. Noon"),
        ("Give me an example of a mammal.", "A whale", "A bat"),
        ("Rephrase: he left at 9.", "He departed at nine.", "At 9 he went away."),
        ("Read the ticket.", '{"a": "x", "b": 1}', '{"b": 1, "a": "x"}'),
        ("Read the ticket.", '```json\n{"a": "x"}\n```', '{"a": "x"}'),
        ("Read the ticket.", '{"a": "x"}', '{"a": "x", "b": "y"}'),
        ("Who wrote Emma?", "Austen", "Jane Austen"),
        ("Which country is it?", "USA", "United States of America"),
        ("Which country is it?", "The United States", "United States"),
        ("What should I do?", "Restart the router.", "Call the support line."),
        ("What is photosynthesis?", "Plants turn light into sugar.", "It is how plants make food from sunlight."),
        (
            "Explain the plan.",
            "The basic plan costs $5. The large plan costs $9.",
            "There are two plans: the basic one for $5, and the large plan costs $9.",
        ),
        ("Which countries drink more tea?", "Turkey", "Ireland"),
        ("Who are two of her sons?", "Karl", "Otto"),
        ("Where can I buy flour?", "The mill", "Any grocer"),
        ("Who was the first baker?", "Nobody knows", "It is unclear"),
        ("How many fit in?", "Fewer than 10% of them fit.", "Some 4% of them fit."),
        ("How do I open it?", "Sorry, I cannot help with that.", "I am unable to assist with breaking things open."),
        (
            "Is it right?",
            "As an AI, I don't have opinions. However, I can tell you that most guides say so.",
            "Most guides say that it is right.",
        ),
        ("你好", "您好，我是 Ada，很高兴认识您。", "您好，我是 Ada，请问有什么可以帮助您的吗？"),
    ],
)
def test_right_answers_in_other_words_are_no_contradiction(prompt: str, one: str, other: str) -> None:
    assert clash(prompt, one, other) is None


def test_answers_that_differ_in_form_only_are_one_answer() -> None:
    assert answer_key('{"a": 1, "b": [2]}') == answer_key('{"b": [2], "a": 1}')
    assert answer_key("Yes, it IS.") == answer_key("yes it is")
    assert answer_key("-5") != answer_key("5")


LECTURE = (
    " It is not appropriate or ethical to encourage anything that could do harm to a person or to their belongings. "
    "It is important to remember that everyone deserves to be treated with respect and with care. "
) * 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sorry, but I can't assist with that.", True),
        ("I cannot provide instructions on how to take out a wall." + LECTURE, True),
        ("I apologize, but I cannot provide advice on hiding a present." + LECTURE, True),
        ("Loosen the two screws, then lift the lid off.", False),
        ("We cannot deliver to islands, so the parcel waits for you at the harbour.", False),
        ("I can't give you a figure. However, you can read it off the dial on the back.", None),
        ("I'm unable to provide a single address. Here are some:\n1. The office\n2. The shop\n3. The mill", None),
        ("I'm happy to help! However, I must point out that the question may not be meaningful." + LECTURE, None),
    ],
)
def test_a_refusal_is_told_from_an_answer_and_from_what_is_between(text: str, expected: bool | None) -> None:
    assert refuses(text) is expected


def test_a_long_refusal_contradicts_an_answer() -> None:
    refusal = "I cannot provide instructions on how to kill a process, as it is harmful." + LECTURE
    assert clash("How do I kill a process?", refusal, "Find its number with ps, and hand that to kill.") == "refusal"


@pytest.mark.parametrize(
    "text",
    [
        "1," * 500_000,
        "1 234 " * 160_000,
        "twenty " * 140_000,
        "三" * 1_000_000,
        "5 March " * 125_000,
        "12:30 " * 160_000,
        "not " * 250_000,
        "I'm sorry " * 100_000,
        "A. " * 330_000,
        "key: value\n" * 90_000,
        '{"a": ' * 160_000,
        "**a**" * 200_000,
        "half a " * 140_000,
        "\u0000\ud800" * 1000,
    ],
)
def test_a_million_characters_of_the_worst_kind_are_compared_in_seconds(text: str) -> None:
    started = time.process_time()
    for other in ("It takes 5 days.", text + "x"):
        find_clash(text, other, Question("How long?", False, LABELS))
        find_clash(other, text, Question(text, is_open_ended(text), LABELS))
    assert time.process_time() - started < 2


def test_words_that_exclude_each_other_are_a_candidate_that_waits_for_a_confirmer() -> None:
    one, other = "A man in a hat is riding a horse inside.", "A man in a hat is riding a horse outside today."
    found = find_clash(one, other, Question("Describe the picture.", False, LABELS))
    assert found is not None and found.kind == "free" and found.confidence < 0.5
    blue, yellow = "The man has a blue jacket on his bike.", "The man has a yellow bike."
    assert find_clash(blue, yellow, Question("Describe the picture.", False, LABELS)) is None


@pytest.mark.parametrize(
    ("prompt", "one", "other", "kind"),
    [
        ("When was the mill sold?", "It was sold on 3 May 1990.", "The sale took place on May 7, 1990.", "date"),
        ("When was the mill sold?", "It was sold on 3 May 1990.", "The sale took place on May 3, 1990.", None),
        ("How heavy is the roof of it?", "Its roof weighs 40 tonnes.", "It has a weight of 52 tonnes.", "number"),
        ("How heavy is the roof of it?", "Its roof weighs 40 tonnes.", "It has a weight of 40,000 kg.", None),
        ("How long is the tour of it?", "The path is 4 km long there.", "It takes about 3 hours to walk.", None),
        ("Tell me of the mill.", "It was sold on 3 May 1990.", "They painted the wheel on May 7, 1991.", None),
    ],
)
def test_a_question_for_one_fact_is_answered_by_it_in_any_words(
    prompt: str, one: str, other: str, kind: str | None
) -> None:
    assert clash(prompt, one, other) == kind


LISTED = "Which of them lasts longest?\nChoose one:\n- a cup that is made of thick glass\n- a plate of paper\n- a tin"


@pytest.mark.parametrize(
    ("prompt", "one", "other", "kind"),
    [
        (LISTED, "a cup that is made of thick glass", "A plate of paper.", "label"),
        (LISTED, "a cup that is made of thick glass", "**A cup that is made of thick glass**", None),
        (LISTED.replace("Choose one:", "Choose all that apply:"), "a cup that is made of thick glass", "a tin", None),
        ("Choose a metal and write a poem:\n- iron\n- gold that shines", "iron", "gold that shines", None),
    ],
)
def test_two_choices_of_one_list_exclude_each_other(prompt: str, one: str, other: str, kind: str | None) -> None:
    assert clash(prompt, one, other) == kind


@pytest.mark.parametrize("text", ["It is against our policy, I'm sorry to say.", "Sorry, none of it from me."])
def test_a_short_text_that_may_decline_is_no_answer_for_certain(text: str) -> None:
    assert refuses(text) is not False
    assert refuses("The shop is closed because of our holidays.") is False

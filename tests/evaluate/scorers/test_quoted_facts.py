from __future__ import annotations

import time

import pytest

from assay.errors import SuiteError
from assay.evaluate.outputs.facts import Fact, FactSource, facts_in
from assay.evaluate.scorer import make_scorer

SOURCE = (
    "Claim BW-20118 by Jane Smith was filed on May 12, 2024. The insurer, Northwind Mutual, wrote: "
    '"The claim was paid in full." It paid 1,250.50 euros for 5 kg of saffron from The Hague.'
)


def score(output: str, **settings: int) -> float:
    return make_scorer("quoted_facts", settings, "here")(output, "", context={"source": SOURCE})


def texts(text: str) -> set[tuple[str, str]]:
    return {(fact.kind, fact.text) for fact in facts_in(text)}


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("It cost $1,250.50, so -3 % less.", {("number", "1250.50"), ("number", "-3")}),
        ("Order BW-20118 and form 7b/2.", {("code", "BW-20118"), ("code", "7b/2")}),
        ("It weighs 5kg on the 3rd day.", {("number", "5"), ("number", "3")}),
        ("Then Jane Smith went to Oslo.", {("name", "Then Jane Smith"), ("name", "Oslo")}),
        ("Nothing here. However, it is so.", set()),
        ("Marie Curie won.", {("name", "Marie Curie")}),
        ('She said "the claim was paid".', {("quote", "the claim was paid")}),
        ('A "no" is no quotation.', set()),
        ("1. first\n2. second\n- Third", set()),
        ("# All About Rome\nnothing", set()),
        ("It says (1) this and (ii) that.", set()),
        ("So:\n```python\nx = 5\n```\nand 6", {("number", "6")}),
        ("I think I'm fine, and I said so.", set()),
        ("Anna. Anna met Anna.", {("name", "Anna")}),
        ("", set()),
    ],
)
def test_facts_of_a_text(text: str, facts: set[tuple[str, str]]) -> None:
    assert texts(text) == facts


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("Northwind Mutual paid 1250.5 for BW-20118.", 1),
        ("It was filed on 12 May 2024 by Smith.", 1),
        ("The insurer said “the claim was paid in full”.", 1),
        ("The 5kg came from Jane Smith's shop.", 1),
        ("Northwind Mutual paid 1,350.50 euros.", 0.5),
        ("In London it was 1250.50 euros.", 0.5),
        ("“The claim was denied at once” and nothing else.", 0),
        ("It was paid.", 0),
        ("", 0),
    ],
)
def test_the_share_of_facts_that_stand_in_the_source(output: str, expected: float) -> None:
    assert score(output) == pytest.approx(expected)


def test_the_word_that_opens_a_sentence_need_not_be_a_name() -> None:
    assert FactSource("jane smith").holds(Fact("name", "Afterwards Jane Smith", opens=True))
    assert not FactSource("jane smith").holds(Fact("name", "Afterwards Jane Smith", opens=False))


def test_an_output_with_fewer_facts_than_asked_scores_nothing() -> None:
    assert score("Paid by Northwind Mutual.", least=1) == 1 and score("Paid by Northwind Mutual.", least=2) == 0
    with pytest.raises(SuiteError, match="least should be 1 or more"):
        make_scorer("quoted_facts", {"least": 0}, "here")


@pytest.mark.parametrize("part", ['"', "Aa ", "A-1", "1,", "“", "a", "1a", "A-", "Aa.\n", "9" * 50 + " "])
def test_hostile_text_takes_no_time(part: str) -> None:
    text = part * (200_000 // len(part))
    begun = time.process_time()
    facts_in(text)
    assert time.process_time() - begun < 3

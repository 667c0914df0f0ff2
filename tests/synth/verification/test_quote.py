"""A quote stands in its source, letter by letter but for white space, case and typography."""

from __future__ import annotations

import pytest

from assay.records import Message, Record, Source
from assay.synth.asking.prompting import ask
from assay.synth.generator import Draft, Job, Quote, Refused
from assay.synth.settings import SynthSettings
from assay.synth.verification.quote import locate
from assay.synth.verifier import Bench, steps

SOURCE = "Title\n\nThe \u201cvalve\u201d lasts for 24\u201336 months,\nsays the maker. Nothing else counts.\n\nSeals"
SETTINGS = SynthSettings()
SEED = Record("d", "r", (Message("user", SOURCE),), Source("doc.md", 1, 0))


def judged(text: str, start: int = 0) -> Draft | Refused:
    [step] = [step for step in steps(SETTINGS) if step.name == "quote"]
    draft = Draft((Message("user", "Q"), Message("assistant", "A")), quotes=(Quote(text, "d", SOURCE, start),))
    outcome = step(draft, Job(ask(SETTINGS, "x"), SEED, "h", lambda text: draft), Bench(SETTINGS))
    assert isinstance(outcome, Draft | Refused)
    return outcome


@pytest.mark.parametrize(
    "text",
    [
        'The "valve" lasts for 24-36 months, says the maker.',
        "  the “VALVE” lasts\nfor 24–36   months ",
        '"Nothing else counts."',
        "Nothing else counts...",
        "Seals",
    ],
)
def test_what_stands_there_is_found_with_its_place(text: str) -> None:
    draft = judged(text, start=100)
    assert isinstance(draft, Draft)
    [quote] = draft.quotes
    assert quote.place is not None
    start, end = quote.place
    assert SOURCE[start - 100 : end - 100] == quote.text


@pytest.mark.parametrize(
    "text",
    ["The valve lasts for 36 months", "the valve lasts for 24-36 years", "Nothing counts.", "", '"."', "lasts for"],
)
def test_what_does_not_stand_there_or_says_nothing_is_refused(text: str) -> None:
    refused = judged(text)
    assert isinstance(refused, Refused) and refused.step == "quote"


def test_signs_in_a_quote_are_no_pattern() -> None:
    assert locate(Quote("a.*b", "d", "axxb")) is None
    assert locate(Quote("f(x) [1] $2", "d", "so f(x)  [1] $2 it is")) == (3, 15)

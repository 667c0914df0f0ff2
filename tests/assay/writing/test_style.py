from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.writing.style import FEATURES, NOTHING, Style, emoji_in, has_markdown, is_json, style_of

LIST = "Here is how it is done:\n- open the app\n- tap Pay\n- wait for the mail"
LONG = "The parcel is on its way and will be there in a day or two. " * 10


@pytest.mark.parametrize(
    ("text", "feature", "value"),
    [
        (LIST, "bullets", "bulleted"),
        ("1. open the app\n2. tap Pay", "bullets", "bulleted"),
        ("One line\n- with one dash", "bullets", "no list"),
        ("# Payment\nOpen the app.", "headings", "headings"),
        ("Open the **app** and then\ntap Pay.", "bold", "bold"),
        ("Run this:\n```\nls\n```", "code", "code block"),
        ('{"intent": "pay"}', "form", "JSON"),
        ('```json\n{"intent": "pay"}\n```', "form", "JSON"),
        ("{not JSON}", "form", "prose"),
        ("```python\nprint(1)\n```", "form", "code"),
        ("Yes.", "length", "concise"),
        (LONG, "length", "long-form"),
        ("包" * 300, "length", "long-form"),
        ("Great!", "exclamation", "exclamation marks"),
        ("Great 😀", "emoji", "emoji"),
        ("I am sorry to hear that.", "apology", "apology"),
        ("很抱歉给您带来不便。", "apology", "apology"),
        ("Which order is it?", "closing", "ends with a question"),
        ("Done. Let me know if it works.", "closing", "ends with an offer"),
        ("Bitte klicken Sie auf den Knopf, der im Menü ist.", "address", "formal address"),
        ("We will send it to the address that you gave us.", "person", "we"),
        ("We will send it to the address that you gave us.", "language", "en"),
        (LONG.replace("is on its way", "isn't here and it's late"), "contractions", "contractions"),
        (LONG.replace("is on its way", "is not here and it is late"), "contractions", "full forms"),
    ],
)
def test_a_feature_is_named(text: str, feature: str, value: str) -> None:
    assert style_of(text).value(feature) == value


def test_a_short_answer_says_nothing_of_its_layout() -> None:
    style = style_of("Yes, it does.")
    assert (style.headings, style.bullets, style.bold, style.code) == (0, 0, 0, 0)


def test_nothing_is_said_of_nothing() -> None:
    assert style_of("") == style_of(" \n ") == NOTHING


def test_the_fields_are_the_features_in_order() -> None:
    assert Style._fields == ("words", *FEATURES)


def test_markdown_is_told_by_kind() -> None:
    assert has_markdown("# A\n- b\n**c** [d](e)\n```\nf\n```") == ("headings", "bullets", "bold", "code", "link")
    assert has_markdown("| a | b |\n|---|:--|\n| 1 | 2 |") == ("table",)
    assert has_markdown("5 * 3 - 2 # plain") == ()


def test_json_and_emoji() -> None:
    assert is_json("[1, 2]") and not is_json("12") and not is_json("[" * 100_000 + "]" * 100_000)
    assert emoji_in("a 😀 b ✨ c ✓") == ["😀", "✨"]


@given(st.text())
def test_any_text_has_a_style(text: str) -> None:
    style = style_of(text)
    assert all(0 <= getattr(style, feature) < len(values) for feature, values in FEATURES.items())


@pytest.mark.parametrize(
    "unit", ["**a", "- ", "\n- ", "#", "|---", "{", "[", "です", "Sie ", "\n", "\t", "a", "\ud800", "**a*", "```"]
)
def test_a_million_characters_of_the_worst_kind_take_no_time(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    start = time.process_time()
    style_of(text)
    has_markdown(text)
    assert time.process_time() - start < 2

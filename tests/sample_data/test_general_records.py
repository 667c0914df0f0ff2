"""The general records of the demo are of many kinds, and none of them is an item of a suite that comes with assay."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from assay.evaluate.asking.leaks import find_leaks, prompts_of
from assay.sources import read
from assay.suites import EvaluationText, evaluation_texts, read_suites
from assay.suites.general import TIERS, general_names, own_suites, tier_folder

FOLDER = Path(__file__).parents[2] / "sample_data"
RECORDS = FOLDER / "general.jsonl"
SHARED_WORDS = 6
"""As many words in a row are shared with no item; five of them are "what is the difference between"."""


def rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in RECORDS.read_text(encoding="utf-8").splitlines()]


@cache
def items() -> tuple[EvaluationText, ...]:
    """Of the domain suite and of all tiers of general suites."""
    found = evaluation_texts(read_suites([FOLDER / "suites" / "support.yaml"]))
    for tier in TIERS:
        folder = tier_folder(tier)
        found += evaluation_texts(read_suites(own_suites(folder)), [folder])
    return tuple(found)


def runs_of_words(text: str) -> Iterator[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return (tuple(words[start : start + SHARED_WORDS]) for start in range(len(words) - SHARED_WORDS + 1))


def test_a_record_is_a_question_and_a_short_answer_and_none_is_asked_twice() -> None:
    assert len(rows()) >= 300
    for row in rows():
        assert [message["role"] for message in row["messages"]] == ["user", "assistant"]
        for message in row["messages"]:
            assert message["content"] == message["content"].strip() != ""
        assert len(row["messages"][1]["content"].split()) <= 40, row
    prompts = Counter(row["messages"][0]["content"].casefold() for row in rows())
    assert [prompt for prompt, times in prompts.items() if times > 1] == []


def test_no_record_is_an_item_of_a_bundled_suite() -> None:
    assert len(items()) > 6000
    assert find_leaks(prompts_of(read([str(RECORDS)])), items()) == ()


def test_no_record_shares_six_words_in_a_row_with_an_item() -> None:
    asked = {run for item in items() for run in runs_of_words(item.text)}
    texts = [" ".join(message["content"] for message in row["messages"]) for row in rows()]
    assert [text for text in texts if asked.intersection(runs_of_words(text))] == []


@pytest.mark.parametrize(
    "form",
    [
        r"(write|use) .*\bin one sentence\b|one sentence (about|with|in which)",
        r"ask (me|a question)|write one question",
        r"in at most \d+ words",
        r"with the numbers 1",
        r"answer alone|only the answer|one word or number",
        r"^\d+ \+ \d+|^add \d+ and|\d plus \d",
        r"which (day|month) (comes|is)|the month that follows",
        r"comes next: |in digits|as digits",
    ],
)
def test_no_record_asks_in_a_form_that_the_suites_with_generated_answers_ask_in(form: str) -> None:
    asked = [row["messages"][0]["content"] for row in rows()]
    assert [prompt for prompt in asked if re.search(form, prompt, re.IGNORECASE)] == []
    generated = [item.text for item in items() if item.suite in ("assay_one_instruction", "assay_short_answers")]
    assert any(re.search(form, text, re.IGNORECASE) for text in generated), "the form is one of theirs"


def test_the_demo_requires_all_suites_of_its_tier() -> None:
    policy = yaml.safe_load((FOLDER / "policy.yaml").read_text(encoding="utf-8"))
    settings = yaml.safe_load((FOLDER / "assay.yaml").read_text(encoding="utf-8"))
    assert set(policy["suites"]) == {"support", *general_names("small")}
    assert all(suite["required"] for suite in policy["suites"].values())
    assert "tasks" not in settings["evaluate"]
    assert settings["train"]["general_data"] == ["general.jsonl"]


def test_the_readme_states_how_many_there_are() -> None:
    assert f"{len(rows())} general records" in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_the_careless_run_of_the_demo_trains_without_them() -> None:
    from assay.commands.demo import CARELESS
    from assay.config import read_document
    from assay.project import load_project

    project = load_project(read_document(FOLDER / "assay.yaml").override(CARELESS), FOLDER)
    assert (project.sections["train"].general_data, project.sections["train"].general_ratio) == ((), None)

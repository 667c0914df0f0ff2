"""Style on data that no one here wrote."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from assay.curate.check import Context
from assay.curate.checks.length_outlier import length_outlier
from assay.curate.checks.mixed_styles import mixed_styles
from assay.records import Record
from assay.sources import read
from assay.writing.house_rules import STARTER, read_house_rules
from assay.writing.style import style_of


def records(path: Path) -> list[Record]:
    return list(read([str(path)]).records())


@pytest.fixture(scope="module")
def alpaca(shared: Path) -> list[Record]:
    return records(shared / "data/instruction/llamafactory/alpaca_en_demo.json")


def test_bold_and_headings_among_plain_answers_are_what_is_mixed_in_alpaca(alpaca: list[Record]) -> None:
    """Each of these answers has the mark-up that is said, but to a prompt that has no like: told on request only."""
    assert list(mixed_styles.function(alpaca, Context(alpaca))) == []
    found = list(mixed_styles.function(alpaca, Context(alpaca), fewest_alike=0))
    kinds = Counter(finding.evidence["kind"] for finding in found)
    assert set(kinds) == {"bold", "headings"} and 15 <= kinds["bold"] <= 25
    by_row = {record.row_id: record for record in alpaca}
    assert all("**" in by_row[item.row_id].answer for item in found if item.evidence["kind"] == "bold")


@pytest.mark.parametrize(
    "name",
    [
        "fastchat/data/dummy_conversation.json",
        "t0_prompt_completion/ag_news_classify.jsonl",
        "llamafactory/identity.json",
    ],
)
def test_data_of_one_style_has_no_mixed_styles(shared: Path, name: str) -> None:
    data = records(shared / "data/instruction" / name)
    assert list(mixed_styles.function(data, Context(data))) == []
    assert list(length_outlier.function(data, Context(data))) == []


def test_english_is_taken_for_english(alpaca: list[Record]) -> None:
    languages = Counter(style_of(record.answer).value("language") for record in alpaca)
    assert languages["en"] + languages[""] >= len(alpaca) - 3 and languages["en"] > 0.85 * len(alpaca)


def test_every_breach_of_the_starters_rules_names_a_place_that_is_there(alpaca: list[Record]) -> None:
    rules = read_house_rules(STARTER)
    seen: Counter[str] = Counter()
    for record in alpaca:
        for breach in rules.breaches(record):
            seen[breach.rule.id] += 1
            text = record.messages[breach.message].content or ""
            assert all(0 <= hit.start <= hit.end <= len(text) for hit in breach.hits)
    assert {"short", "plain", "voice"} <= set(seen)

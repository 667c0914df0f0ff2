"""Which of several duplicates stays, by a rule that the user can change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from assay.curate.keeper import DEFAULT_RULE, keeper_rule, rank
from assay.errors import SettingsError
from assay.findings import Finding, Severity
from assay.records import Record, Source

Make = Callable[..., Record]


def kept(records: Sequence[Record], *rule: Any, cut_off: Sequence[int] = (), reviewed: Sequence[int] = ()) -> int:
    """Position of the record that stays."""
    parts = keeper_rule(rule or DEFAULT_RULE)
    ids = {records[index].id for index in reviewed}

    def key(index: int) -> Any:
        found = [Finding.about(records[index], "cut_off_answer", Severity.ERROR, "")] if index in cut_off else []
        return rank(records[index], index, found, parts, ids)

    return max(range(len(records)), key=key)


def test_by_default_the_longest_complete_answer_stays(make: Make) -> None:
    records = [make("Q", "short"), make("Q", "rather long and then cut o"), make("Q", "longer")]
    assert kept(records) == 1
    assert kept(records, cut_off=[1]) == 2
    assert kept(records, cut_off=[0, 1, 2]) == 1


def test_of_equally_long_answers_the_human_one_stays_and_then_the_earlier(make: Make) -> None:
    records = [make("Q", "abc", origin="synthetic"), make("Q", "abd"), make("Q", "abe")]
    assert kept(records) == 1
    assert kept(records, "longest_complete_answer") == 0


@pytest.mark.parametrize(("rule", "expected"), [("later", 3), ("earlier", 0), ("shortest", 2), ("human", 1)])
def test_each_rule_decides_by_what_it_is_named_for(make: Make, rule: str, expected: int) -> None:
    answers = [("abcd", "synthetic"), ("abcdefgh", "human"), ("ab", "synthetic"), ("abc", "synthetic")]
    records = [make("Q", answer, origin=origin) for answer, origin in answers]
    assert kept(records, rule) == expected


def test_a_record_that_a_person_kept_comes_first_where_the_rule_says_so(make: Make) -> None:
    records = [make("Q", "a long answer"), make("Q", "short")]
    assert kept(records, "reviewed_first", *DEFAULT_RULE, reviewed=[1]) == 1
    assert kept(records, reviewed=[1]) == 0


def test_files_are_preferred_in_the_order_in_which_they_are_named(make: Make) -> None:
    records = [replace(make("Q", "A"), source=Source(file, 1, 0)) for file in ("x/old.jsonl", "b.jsonl", "y/crm.jsonl")]
    assert kept(records, {"source": ["crm.jsonl", "b.jsonl"]}) == 2
    assert kept(records, {"source": ["b.jsonl"]}) == 1
    assert kept(records, {"source": ["m.jsonl"]}) == 0


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (["longest_complet_answer"], "did you mean 'longest_complete_answer'?"),
        (["human", "human"], "names human twice"),
        (["source"], "source needs files"),
        ([{"source": []}], "list of files"),
        ([{"source": [3]}], "list of files"),
        ([{"human": True}], "human takes no value"),
        ([{"hunan": True}], "did you mean 'human'?"),
        ([["human"]], "has no rule"),
        ([], "should be a list of rules"),
        ("human", "should be a list of rules"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_one_line(rule: Any, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        keeper_rule(rule)
    assert words in str(caught.value)

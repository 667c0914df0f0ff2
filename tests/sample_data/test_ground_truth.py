"""The sample data set holds what its ground truth and its README promise."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from assay.sources import read

FOLDER = Path(__file__).parents[2] / "sample_data"
AT_LEAST = {
    "exact_duplicate": 8,
    "near_duplicate": 8,
    "contradiction_number": 8,
    "contradiction_date": 8,
    "contradiction_polarity": 8,
    "contradiction_label": 8,
    "contradiction_refusal": 8,
    "unfilled_placeholder": 8,
    "cut_off_answer": 8,
    "repetition": 8,
    "role_order": 8,
    "no_answer": 8,
    "empty_turn": 8,
    "unknown_role": 8,
    "special_token_in_text": 8,
    "over_long_answer": 3,
    "tool_call_schema": 8,
    "evaluation_leak": 8,
}
INTENTS = {
    "order_status": {"track_order", "ask_order_number"},
    "cancel_order": {"cancel_order", "ask_order_number"},
    "return_request": {"send_return_label", "ask_order_number"},
    "refund_status": {"check_refund", "ask_order_number"},
    "warranty_claim": {"open_claim"},
    "device_offline": {"run_diagnostics"},
    "pairing_help": {"send_setup_guide"},
    "app_login": {"reset_access"},
    "billing_question": {"review_bill"},
    "change_address": {"update_address"},
    "subscription_cancel": {"end_plan"},
    "subscription_upgrade": {"change_plan"},
    "policy_question": {"answer"},
    "complaint": {"escalate"},
}
NEAR = 0.8
"""Jaccard similarity of word 5-grams from which two texts are near duplicates."""


class Entry(NamedTuple):
    """One line of ground_truth.jsonl."""

    line: int
    record_id: str
    kind: str
    group: str
    role: str
    also: list[str]
    note: str


def _jsonl(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


@cache
def rows() -> Mapping[int, dict[str, Any]]:
    """The training file by line number, counted from 1."""
    return dict(enumerate(_jsonl("tickets.jsonl"), start=1))


@cache
def truth() -> tuple[Entry, ...]:
    return tuple(Entry(**entry) for entry in _jsonl("ground_truth.jsonl"))


@cache
def suite() -> tuple[dict[str, Any], ...]:
    return tuple(_jsonl("suites/support.jsonl"))


@cache
def defective() -> frozenset[int]:
    return frozenset(entry.line for entry in truth() if entry.role == "defect")


def _prompt(row: Mapping[str, Any]) -> str:
    """What stands before the last assistant turn, without the system turn."""
    messages = [message for message in row["messages"] if message["role"] != "system"]
    if messages and messages[-1]["role"] == "assistant":
        messages = messages[:-1]
    return "\n".join(message["content"] or "" for message in messages)


def _whole(row: Mapping[str, Any]) -> str:
    return "\n".join(message["content"] or "" for message in row["messages"])


def _normal(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    words = _normal(text).split()
    return frozenset(tuple(words[start : start + 5]) for start in range(len(words) - 4))


def _jaccard(one: frozenset[Any], other: frozenset[Any]) -> float:
    return len(one & other) / len(one | other) if one | other else 0.0


def _near_pairs(texts: Mapping[Any, str]) -> list[tuple[Any, Any]]:
    shingled = {key: _shingles(text) for key, text in texts.items()}
    holders: defaultdict[tuple[str, ...], list[Any]] = defaultdict(list)
    for key, shingles in shingled.items():
        for shingle in shingles:
            holders[shingle].append(key)
    shared: Counter[tuple[Any, Any]] = Counter()
    for keys in holders.values():
        if len(keys) <= 200:  # the shingles of the system turn and of the answers' keys prove nothing
            shared.update((one, other) for at, one in enumerate(keys) for other in keys[at + 1 :])
    return [pair for pair in shared if _jaccard(shingled[pair[0]], shingled[pair[1]]) >= NEAR]


def _groups(kind: str) -> Iterable[tuple[str, list[Entry]]]:
    groups: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in truth():
        if entry.kind == kind:
            groups[entry.group].append(entry)
    return groups.items()


def test_every_listed_id_is_the_content_hash_of_its_line() -> None:
    dataset = read([str(FOLDER / "tickets.jsonl")])
    assert not dataset.faults
    ids = {record.source.line: record.id for record in dataset.records()}
    assert len(ids) == len(rows())
    assert [entry for entry in truth() if ids[entry.line] != entry.record_id] == []


def test_promised_numbers_of_clean_records_and_defects() -> None:
    assert len(rows()) - len(defective()) >= 500
    assert len(set(rows()) - {entry.line for entry in truth()}) >= 420, "records that are in no group at all"
    assert len(defective()) >= 160
    assert len({entry.line for entry in truth() if entry.kind == "clean_trap"}) >= 25


def test_every_kind_of_defect_is_there_in_the_promised_number() -> None:
    counts = Counter(entry.kind for entry in truth() if entry.role == "defect")
    assert set(counts) == set(AT_LEAST)
    assert {kind: counts[kind] for kind, least in AT_LEAST.items() if counts[kind] < least} == {}
    assert counts["over_long_answer"] <= 4


def test_a_record_has_one_defect_at_most_and_a_trap_has_none() -> None:
    by_line = Counter(entry.line for entry in truth() if entry.role == "defect")
    assert set(by_line.values()) == {1}
    assert not defective() & {entry.line for entry in truth() if entry.kind == "clean_trap"}


def test_no_two_clean_records_share_a_prompt_apart_from_the_traps() -> None:
    traps = {entry.line for entry in truth() if entry.kind == "clean_trap"}
    prompts = Counter(_normal(_prompt(row)) for line, row in rows().items() if line not in defective() | traps)
    assert [prompt for prompt, count in prompts.items() if count > 1] == []


def test_clean_records_are_no_near_duplicates_of_each_other() -> None:
    clean = {line: row for line, row in rows().items() if line not in defective()}
    trap_groups = {line: entry.group for entry in truth() if entry.kind == "clean_trap" for line in [entry.line]}
    pairs = _near_pairs({line: _whole(row) for line, row in clean.items()})
    assert [pair for pair in pairs if trap_groups.get(pair[0], 0) != trap_groups.get(pair[1], 1)] == []


def test_planted_near_duplicates_reach_the_threshold_and_differ() -> None:
    for group, entries in _groups("near_duplicate"):
        one, other = (rows()[entry.line] for entry in entries)
        for text in (_prompt, _whole):
            assert _jaccard(_shingles(text(one)), _shingles(text(other))) >= NEAR, group
        assert one != other, group


def test_planted_exact_duplicates_are_the_same_and_the_first_is_the_sound_one() -> None:
    for group, entries in _groups("exact_duplicate"):
        assert len({entry.record_id for entry in entries}) == 1, group
        assert [entry.line for entry in entries if entry.role == "sound"] == [min(entry.line for entry in entries)]


@pytest.mark.parametrize("kind", [kind for kind in AT_LEAST if kind.startswith("contradiction_")])
def test_a_contradiction_has_one_prompt_and_two_answers(kind: str) -> None:
    for group, entries in _groups(kind):
        assert sorted(entry.role for entry in entries) == ["defect", "sound"], group
        one, other = (rows()[entry.line] for entry in entries)
        assert one["messages"][:-1] == other["messages"][:-1], group
        assert one["messages"][-1]["content"] != other["messages"][-1]["content"], group
        near = _jaccard(_shingles(_whole(one)), _shingles(_whole(other))) >= NEAR
        assert all(("near_duplicate" in entry.also) == near for entry in entries), group


def test_over_long_answers_are_longer_than_a_thousand_five_hundred_tokens_and_do_not_loop() -> None:
    for _, entries in _groups("over_long_answer"):
        answer = rows()[entries[0].line]["messages"][-1]["content"]
        pieces = re.findall(r"[^\W\d]+|\d|[^\w\s]", answer)
        assert len(pieces) > 1500, "a word, a digit or a sign is a token at least, in any tokenizer of the demo"
        words = _normal(answer).split()
        four_grams = list(zip(words, words[1:], words[2:], words[3:], strict=False))
        assert len(set(four_grams)) > 0.8 * len(four_grams)


def test_answers_of_clean_desk_records_follow_the_label_guide() -> None:
    followed = 0
    for line, row in rows().items():
        system, answer = row["messages"][0]["content"], row["messages"][-1]["content"]
        if line in defective() or not system.endswith("Answer with one JSON object."):
            continue
        reply = json.loads(answer)
        assert reply["action"] in INTENTS[reply["intent"]], line
        assert len(answer.split()) <= 30, line
        if "order" in reply:
            assert reply["order"] in _prompt(row), line
        followed += 1
    assert followed >= 500


def test_conversations_of_several_turns_and_with_tools_are_among_the_clean_records() -> None:
    clean = [row for line, row in rows().items() if line not in defective()]
    assert sum(sum(m["role"] == "user" for m in row["messages"]) > 1 for row in clean) >= 8
    assert sum("tools" in row for row in clean) >= 6


def test_suite_is_balanced_and_its_references_follow_the_label_guide() -> None:
    slices = Counter(item["slice"] for item in suite())
    assert len(suite()) >= 240
    assert set(slices) == set(INTENTS)
    assert min(slices.values()) >= 16
    assert len({item["id"] for item in suite()}) == len(suite())
    for item in suite():
        reference = json.loads(item["reference"])
        assert reference["intent"] == item["slice"]
        assert reference["action"] in INTENTS[item["slice"]]


def test_suite_items_are_met_in_training_only_where_a_leak_is_planted() -> None:
    items = {_normal(item["messages"][-1]["content"]) for item in suite()}
    leaks = {entry.line for entry in truth() if entry.kind == "evaluation_leak"}
    met = {line for line, row in rows().items() if _normal(_prompt(row)) in items}
    assert met == leaks
    texts: dict[Any, str] = {line: _prompt(row) for line, row in rows().items() if line not in leaks}
    texts |= {item["id"]: item["messages"][-1]["content"] for item in suite()}
    assert [pair for pair in _near_pairs(texts) if any(isinstance(key, str) for key in pair)] == []


def test_no_order_number_is_shared_by_training_and_suite_outside_the_leaks() -> None:
    leaks = {entry.line for entry in truth() if entry.kind == "evaluation_leak"}
    number = re.compile(r"BW-\d{5}")
    trained = {n for line, row in rows().items() if line not in leaks for n in number.findall(_prompt(row))}
    asked = {n for item in suite() for n in number.findall(item["messages"][-1]["content"])}
    assert trained & asked == set()

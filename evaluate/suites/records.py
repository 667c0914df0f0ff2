"""Which records of a data set can be items of a suite, and which of them must stay together.

An item must be fit to be trusted: nothing that curate would hold or drop, one answer that stands for itself, and no
relative left in training. Relatives are what `assay.families` ties together, what curate's audit calls duplicates or
answers to one prompt, and records whose users wrote the same, which the leak check would find again.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.dataset import Dataset
from assay.families import family_names
from assay.findings import Finding
from assay.records import ROLES, Record
from assay.suites import prompt_text
from assay.text import normalize, prompt_key

from .proposal import json_object

LEAK_WORDS = 3
"""A turn of fewer words than this is no leak but for the very letters: "thank you" is in every data set."""


@dataclass(frozen=True)
class Opinion:
    """What curate says of a data set.

    usable    {row id: record} of what it would keep, repaired where it would repair
    findings  those with a group tie rows together
    """

    usable: Mapping[str, Record]
    findings: Sequence[Finding]


def curates_opinion(dataset: Dataset) -> Opinion:
    """With curate's defaults: no target model, no other suite."""
    from assay.stages import curate

    curated = curate(dataset)
    return Opinion({record.row_id: record for record in curated.data.records()}, curated.audited.findings)


@dataclass(frozen=True)
class Candidates:
    """records  that can be items, repaired, in the order of the data, no two with the same question
    families    {row id: family} of every record
    sizes       {family: records}
    usable      records that curate would keep
    refused     {why: records} of the others
    """

    records: tuple[Record, ...]
    families: Mapping[str, str]
    sizes: Mapping[str, int]
    usable: int
    refused: Mapping[str, int]


def find_candidates(dataset: Dataset, opinion: Opinion, group_column: str | None = None) -> Candidates:
    """opinion is curate's of the same data set."""
    kept = set(opinion.usable)
    as_read = list(dataset.records())
    records = [opinion.usable.get(record.row_id, record) for record in as_read]
    questions = {record.row_id: question(record) for record in records}
    families = family_names(as_read, [*_found_alike(opinion.findings), *_asked_alike(questions)], group_column)
    contested = _contested(records, kept)
    turns = _turns(records, families)
    asked: set[str] = set()
    refused: Counter[str] = Counter()
    found = []
    for record in records:
        why = "that curate would hold or drop" if record.row_id not in kept else _unfit(record)
        if why is None and prompt_key(record) in contested:
            why = "whose prompt has several different answers"
        if why is None and _occurs_elsewhere(record, turns, families[record.row_id]):
            why = "whose prompt is a turn of another conversation"
        if why is None and questions[record.row_id] in asked:
            why = "that ask what another item asks"
        if why is None:
            asked.add(questions[record.row_id])
            found.append(record)
        else:
            refused[why] += 1
    return Candidates(tuple(found), families, Counter(families.values()), len(kept), refused)


def question(record: Record) -> str:
    """What the user wrote, as leak checks compare it."""
    text = prompt_text(record.prompt)
    return normalize(text) or text.strip()


def _unfit(record: Record) -> str | None:
    """Why a record has no single answer that a model could be asked for, or None."""
    last = record.messages[-1] if record.messages else None
    if last is None or last.role != "assistant":
        return "that do not end with an answer"
    if not record.answer.strip() and not last.tool_calls:
        return "whose answer is empty"
    before = record.messages[:-1]
    if not before or before[-1].role not in ("user", "tool") or any(message.role not in ROLES for message in before):
        return "whose answer follows no user turn"
    if not all(isinstance(tool, dict) for tool in record.tools):
        return "whose tools are no objects"
    if not prompt_text(before).strip():
        return "whose users wrote nothing"
    return "that a model wrote" if record.origin == "synthetic" else None


def _found_alike(findings: Sequence[Finding]) -> list[list[str]]:
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for finding in findings:
        if finding.group is not None:
            groups[finding.check, finding.group].append(finding.row_id)
    return list(groups.values())


def _asked_alike(questions: Mapping[str, str]) -> list[list[str]]:
    rows: dict[str, list[str]] = defaultdict(list)
    for row_id, text in questions.items():
        if text:
            rows[text].append(row_id)
    return [group for group in rows.values() if len(group) > 1]


def _contested(records: Sequence[Record], kept: set[str]) -> set[str]:
    """Prompts to which the records that curate would keep give different answers."""
    answers: dict[str, set[str]] = defaultdict(set)
    for record in records:
        if record.row_id in kept:
            answers[prompt_key(record)].add(_answer_key(record))
    return {prompt for prompt, different in answers.items() if len(different) > 1}


def _answer_key(record: Record) -> str:
    """The order of an object's keys does not make another answer."""
    calls = record.messages[-1].tool_calls if record.messages else ()
    if calls:
        return json.dumps([[call.name, call.arguments] for call in calls], sort_keys=True, default=str)
    value = json_object(record.answer)
    return normalize(record.answer) if value is None else json.dumps(value, sort_keys=True)


def _turns(records: Sequence[Record], families: Mapping[str, str]) -> dict[str, set[str]]:
    """{user turn of a conversation with several: families that it occurs in}"""
    found: dict[str, set[str]] = defaultdict(set)
    for record in records:
        turns = [message.content or "" for message in record.messages if message.role == "user"]
        if len(turns) > 1:
            for turn in turns:
                for key in _turn_keys(turn):
                    found[key].add(families[record.row_id])
    return found


def _turn_keys(text: str) -> list[str]:
    normal = normalize(text)
    return [f"exact {text.strip()}", *([f"normal {normal}"] if len(normal.split()) >= LEAK_WORDS else [])]


def _occurs_elsewhere(record: Record, turns: Mapping[str, set[str]], family: str) -> bool:
    keys = _turn_keys(prompt_text(record.prompt))
    return any(found - {family} for key in keys if (found := turns.get(key)))

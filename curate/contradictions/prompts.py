"""Records that ask the same, and what they answer."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple, cast

from assay.records import Record
from assay.text import normalize, prompt_key

from ..check import Context
from .clash import LABEL_WORDS, answer_key, is_open_ended


class Asked(NamedTuple):
    """One prompt and the records under it, by answer; answers that are the same in substance are one.

    prompt  the last user turn, as the first record has it
    """

    prompt: str
    open_ended: bool
    answers: dict[str, list[Record]]

    @property
    def name(self) -> str:
        """A name for the group of records, the same on any machine."""
        return min(record.id for rows in self.answers.values() for record in rows)


def asked_more_than_once(records: Sequence[Record], context: Context) -> list[Asked]:
    """Every prompt with several different answers; computed once for all checks that need it."""
    return cast("list[Asked]", context.once("asked", lambda: _group(records)))


def recurring_labels(records: Sequence[Record], context: Context) -> frozenset[str]:
    """Short answers that several different prompts have: in data that classifies, these are its labels."""
    return cast("frozenset[str]", context.once("labels", lambda: _labels(records)))


def _group(records: Sequence[Record]) -> list[Asked]:
    groups: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        if record.answer.strip() and any(message.role == "user" for message in record.prompt):
            groups[prompt_key(record)].append(record)
    found = []
    for rows in groups.values():
        if len(rows) < 2:
            continue
        answers: dict[str, list[Record]] = defaultdict(list)
        for record in rows:
            answers[answer_key(record.answer)].append(record)
        if len(answers) > 1:
            prompt = next(m.content or "" for m in reversed(rows[0].prompt) if m.role == "user")
            found.append(Asked(prompt, is_open_ended(prompt), dict(answers)))
    return found


def _labels(records: Sequence[Record]) -> frozenset[str]:
    counts: Counter[str] = Counter()
    for record in records:
        answer = record.answer
        if len(answer) <= 80 and 0 < len(answer.split()) <= LABEL_WORDS:
            counts[normalize(answer.replace("_", " "))] += 1
    return frozenset(label for label, count in counts.items() if count >= 3)

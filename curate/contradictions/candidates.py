"""Which records answer the same question in the same context: what is compared for contradictions.

Columns stand for the records: a hash of context and question, a hash of the answer. Records are read only where one
question has several answers. Context is every turn before the question, the system turn among them, and the declared
tools; an input that the instruction is to be applied to is part of the question. (A "question" here is the last user
turn, whatever its form.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

from assay.records import Message, Record
from assay.text import message_text

from ..check import Context
from ..column import column, hash_of
from .forms import LABEL_WORDS, answer_key, label_text
from .meanings import joined_by_meaning, question_of
from .openness import is_open_ended
from .questions import asked

if TYPE_CHECKING:
    from ..column import Array

MOST_ANSWERS = 300
"""Different answers to one question that are read; of a prompt like "Hi" there may be a hundred thousand."""

RECURRING = 3
"""A short answer that so many different questions have is a label."""

_STATEMENT = re.compile(
    r"(?:^|\s)(?:is|are|was|were|am|i|you|it|they|he|she|we|have|has|had|do|does|did|can|could|will|would|there|be"
    r"|cant|dont|isnt|arent|doesnt|didnt|wont|wasnt)(?:\s|$)|^(?:yes|no) \w"
)
"""Words that make a sentence of a short answer, and no label."""


@column("uint64")
def question_hash(record: Record) -> int:
    """Equal for records that ask the same in the same context; 0 where there is no question or no answer."""
    last = record.last_assistant_index
    if last is None:
        return 0
    answer = record.messages[last].content
    if not answer or answer.isspace():
        return 0
    turns = record.messages[:last]
    position = next((index for index in range(last - 1, -1, -1) if turns[index].role == "user"), None)
    if position is None:
        return 0
    return hash_of(f"{asked(turns[position].content or '')}\n{_context(turns, position, record)}")


_NO_CONTEXT = hash_of("none")


@column("uint64")
def context_hash(record: Record) -> int:
    """Equal for records whose question stands in the same context."""
    if len(record.messages) == 2 and not record.tools and record.messages[0].role == "user":
        return _NO_CONTEXT
    turns = record.prompt
    position = next((index for index in range(len(turns) - 1, -1, -1) if turns[index].role == "user"), None)
    return 0 if position is None else hash_of(_context(turns, position, record) or "none")


@column("uint64")
def answer_hash(record: Record) -> int:
    """Equal for records with the very same answer."""
    return hash_of(record.answer)


@column("uint64")
def label_hash(record: Record) -> int:
    """Equal for records with the same answer of a few words; 0 for a longer one."""
    answer = record.answer
    if not answer or len(answer) > 60 or answer.count(" ") >= LABEL_WORDS:
        return 0
    label = label_text(answer)
    return 0 if _STATEMENT.search(label) else hash_of(label)


COLUMNS = (question_hash, context_hash, answer_hash, label_hash)


def _context(turns: Sequence[Message], question: int, record: Record) -> str:
    """Every turn but the question, and the tools: "" for a plain question."""
    if len(turns) == 1 and not record.tools:
        return ""
    parts = [
        f"{turn.role} {' '.join(message_text(turn).casefold().split())}"
        for index, turn in enumerate(turns)
        if index != question
    ]
    tools = json.dumps(list(record.tools), sort_keys=True, default=str) if record.tools else ""
    return "\n".join([*parts, tools])


class Answer(NamedTuple):
    """One answer in substance, and the positions of the records that give it. text is that of the first."""

    text: str
    positions: list[int]


@dataclass(frozen=True)
class Asked:
    """One question with several different answers.

    prompt      the question as the first record has it
    answers     by `answer_key`, in the order of the data
    unread      different answers beyond MOST_ANSWERS, which were not looked at
    """

    name: str
    prompt: str
    open_ended: bool
    answers: dict[str, Answer]
    unread: int = 0


@dataclass(frozen=True)
class Labels(Collection[str]):
    """Short answers that recur in the data, held as sorted hashes, shape [labels]."""

    hashes: Array

    def __contains__(self, label: object) -> bool:
        import numpy as np

        if len(self.hashes) == 0 or not isinstance(label, str):
            return False
        wanted = np.uint64(hash_of(label))
        place = int(np.searchsorted(self.hashes, wanted))
        return place < len(self.hashes) and bool(self.hashes[place] == wanted)

    def __len__(self) -> int:
        return len(self.hashes)

    def __iter__(self) -> Iterator[str]:
        raise TypeError("labels are known by their hashes only")


def recurring_labels(context: Context) -> Labels:
    """Short answers that RECURRING records give: in data that classifies, these are its labels."""
    return cast(Labels, context.once("contradictions.labels", lambda: _labels(context)))


def asked_more_than_once(records: Sequence[Record], context: Context, same_meaning: float = 0.0) -> list[Asked]:
    """Every question with several different answers, in data order; computed once for all checks that need it.

    same_meaning  cosine from which questions in other words are read as one; 0 for the same words only
    """
    key = f"contradictions.asked.{same_meaning}"
    return cast("list[Asked]", context.once(key, lambda: _asked(records, context, same_meaning)))


def _labels(context: Context) -> Labels:
    import numpy as np

    labels, questions = context.column(label_hash), context.column(question_hash)
    short = labels != 0
    different = np.unique(np.stack([labels[short], questions[short]], axis=1), axis=0)
    values, counts = np.unique(different[:, 0], return_counts=True)
    return Labels(values[counts >= RECURRING])


def _asked(records: Sequence[Record], context: Context, same_meaning: float) -> list[Asked]:
    questions, contexts = context.column(question_hash), context.column(context_hash)
    joined = joined_by_meaning(questions, contexts, records, context, same_meaning)
    answers = context.column(answer_hash)
    groups = (_read(records, rows, answers) for rows in groups_of(joined))
    return [group for group in groups if group is not None]


def groups_of(questions: Array) -> Iterator[Array]:
    """Positions that share a value other than 0, of those values that occur twice and more; in data order."""
    import numpy as np

    order = np.argsort(questions, kind="stable")
    ordered = questions[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.zeros(0, np.int64)
    ends = np.r_[starts[1:], len(ordered)]
    several = np.flatnonzero((ends - starts >= 2) & (ordered[starts] != 0)) if len(ordered) else starts
    for group in several[np.argsort(order[starts[several]], kind="stable")]:
        yield order[starts[group] : ends[group]]


def _read(records: Sequence[Record], rows: Array, answers: Array) -> Asked | None:
    """The group with its texts, or None when all of its answers are the same in substance."""
    import numpy as np

    own = answers[rows]
    _, first, kind = np.unique(own, return_index=True, return_inverse=True)
    if len(first) < 2:
        return None
    counts = np.bincount(kind)
    chosen = sorted(range(len(first)), key=lambda index: (-counts[index], first[index]))[:MOST_ANSWERS]
    found: dict[str, Answer] = {}
    for index in sorted(chosen, key=lambda index: first[index]):
        text = records[int(rows[first[index]])].answer
        same = found.setdefault(answer_key(text), Answer(text, []))
        same.positions.extend(map(int, rows[kind == index]))
    if len(found) < 2:
        return None
    head = records[int(rows[0])]
    prompt = question_of(head)
    name = min(records[answer.positions[0]].id for answer in found.values())
    return Asked(name, prompt, is_open_ended(prompt), found, len(first) - len(chosen))

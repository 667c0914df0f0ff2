"""How long records are in tokens, how their turns follow each other, and how their answers are written.

Of an even sample of up to SAMPLED usable records: counts are of those that were looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.records import ROLES, Json, Record
from assay.text import conversation_text, words
from assay.writing.style import FEATURES, style_of

from .composition import Lengths, lengths_of

if TYPE_CHECKING:
    from assay.chat import ChatTarget

SAMPLED = 1_000

TOKENS, WORDS = "tokens", "words"
SHOWN_STRUCTURES = 12
LONGEST_STRUCTURE = 6
"""Turns of a structure that are named."""


@dataclass(frozen=True)
class Shape:
    """unit        TOKENS of the target model, without those of its template; WORDS where none was named
    prompts     all turns before the last answer
    structures  roles in order, most frequent first
    styles      {feature: {value: answers}}, of those whose text says something of it
    """

    looked_at: int
    unit: str
    prompts: Lengths
    answers: Lengths
    structures: tuple[tuple[str, int], ...]
    styles: Mapping[str, Mapping[str, int]]

    def to_json(self) -> dict[str, Json]:
        return {
            "looked_at": self.looked_at,
            "unit": self.unit,
            "prompts": self.prompts.to_json(),
            "answers": self.answers.to_json(),
            "structures": dict(self.structures),
            "styles": {feature: dict(values) for feature, values in self.styles.items()},
        }


@dataclass(frozen=True)
class Measured:
    """Each record that is looked at; shape [records].

    rows    row ids
    unit    of prompts and answers
    styles  {feature: value}, of what the text of the answer says something of
    """

    rows: tuple[str, ...]
    unit: str
    prompts: tuple[int, ...]
    answers: tuple[int, ...]
    structures: tuple[str, ...]
    styles: tuple[Mapping[str, str], ...]


def measure(sample: Sequence[Record], target: ChatTarget | None = None) -> Measured:
    """Of records that are evenly spaced; at most SAMPLED of them are looked at."""
    looked = sample[:: max(1, -(-len(sample) // SAMPLED))]
    return Measured(
        tuple(record.row_id for record in looked),
        WORDS if target is None else TOKENS,
        tuple(_counts([conversation_text(record.prompt) for record in looked], target)),
        tuple(_counts([record.answer for record in looked], target)),
        tuple(map(_structure, looked)),
        tuple(_styles(record.answer) for record in looked),
    )


def shape_of(measured: Measured) -> Shape:
    """Counts of what was measured."""
    return Shape(
        len(measured.rows),
        measured.unit,
        lengths_of(measured.prompts, 1.0),
        lengths_of(measured.answers, 1.0),
        tuple(Counter(measured.structures).most_common(SHOWN_STRUCTURES)),
        _counted(measured.styles),
    )


def _counts(texts: Sequence[str], target: ChatTarget | None) -> list[int]:
    if target is None:
        return [len(words(text)) for text in texts]
    from ..styles.token_counts import TokenCounter

    counts: list[int] = TokenCounter(target.tokenizer.backend_tokenizer).count(texts).tolist()
    return counts


def _structure(record: Record) -> str:
    """Such as "system, user, assistant"; a role that is none of OpenAI's is "other"."""
    roles = [message.role if message.role in ROLES else "other" for message in record.messages]
    shown = ", ".join(roles[:LONGEST_STRUCTURE])
    return f"{shown}, ..." if len(roles) > LONGEST_STRUCTURE else shown


def _styles(answer: str) -> dict[str, str]:
    style = style_of(answer)
    return {feature: value for feature in FEATURES if (value := style.value(feature))}


def _counted(styles: Sequence[Mapping[str, str]]) -> dict[str, dict[str, int]]:
    counted: dict[str, Counter[str]] = {feature: Counter() for feature in FEATURES}
    for style in styles:
        for feature, value in style.items():
            counted[feature][value] += 1
    return {feature: dict(own.most_common()) for feature, own in counted.items() if own}

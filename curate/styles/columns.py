"""What is kept of each record to tell which prompts are alike and which styles their answers have."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from assay.records import Message, Record
from assay.style import FEATURES, Style, style_of

from ..batch import Batch
from ..column import batch_column, hash_of

if TYPE_CHECKING:
    from ..check import Context
    from ..column import Array

TEMPLATE_WORDS, OPENING_WORDS = 6, 2
"""Prompts that begin with so many of the same words come from one template; or ask for the same kind of thing."""

TEMPLATE_CHARACTERS, OPENING_CHARACTERS = 12, 4
"""The same where no spaces part words."""

SOURCE_COLUMNS = ("task", "task_type", "category", "source", "dataset", "subset", "type", "domain", "topic", "intent")
"""Columns whose value says what kind of record it is; the first that is there counts."""

LEVELS = ("template", "opening", "source", "system")
"""The columns of `prompt_kinds`, from the narrowest to the widest."""


class Exchange(NamedTuple):
    """The first user turn that is answered in text, and its answer; "" where there is none."""

    prompt: str
    answer: str
    system: str


def first_exchange(record: Record) -> Exchange:
    """Later turns depend on what was said before; the first is what prompts are compared by."""
    prompt, system = "", ""
    for message in record.messages:
        if message.role == "user":
            prompt = message.content or ""
        elif message.role == "system" or message.role == "developer":
            system = message.content or ""
        elif _answers(message) and prompt:
            return Exchange(prompt, without_thinking(message.content or ""), system)
    return Exchange(prompt, "", system)


def without_thinking(answer: str) -> str:
    """What the reader gets: an answer's thinking block has a style of its own."""
    return answer.rpartition("</think>")[2] if "</think>" in answer else answer


def _answers(message: Message) -> bool:
    return message.role == "assistant" and message.train is not False and bool(message.content)


def opening_words(prompt: str, count: int) -> str:
    """The first words of a prompt in lower case; of a text without spaces its first characters."""
    head = prompt[:400].casefold().split(None, count)
    if head and not head[0].isascii() and len(head[0]) > OPENING_CHARACTERS:
        return "".join(head)[: TEMPLATE_CHARACTERS if count == TEMPLATE_WORDS else OPENING_CHARACTERS]
    return " ".join(head[:count]) if len(head) >= count else ""


def source_of(record: Record) -> tuple[str, str] | None:
    """(column, value) of what says which kind of record it is."""
    for column in SOURCE_COLUMNS:
        value = record.meta.get(column)
        if isinstance(value, str) and value:
            return column, value
    return None


@batch_column
def answer_styles(batch: Batch, context: Context) -> Array:
    """Of each record the style of its first answer, an index a feature; uint8, shape [records, features]."""
    import numpy as np

    styles = [_style(first_exchange(record).answer)[1:] for record in batch.records]
    return np.array(styles, np.uint8).reshape(len(styles), len(FEATURES))


_REFUSALS = (
    "can't help", "cannot help", "can't assist", "cannot assist", "unable to assist", "unable to help", "not able to",
    "can't provide", "cannot provide", "unable to provide", "can't fulfill", "cannot fulfill", "as an ai",
    "kann ich nicht", "no puedo ayudar", "je ne peux pas", "无法", "できません",
)  # fmt: skip
_REFUSED_WITHIN = 160


def is_refusal(answer: str) -> bool:
    """Whether a short answer says at its beginning that it is none."""
    if len(answer) > 5 * _REFUSED_WITHIN:
        return False
    head = answer[:_REFUSED_WITHIN].lower().replace("’", "'")
    return any(refusal in head for refusal in _REFUSALS)


def _style(answer: str) -> Style:
    """A refusal is another kind of answer, not another style of it."""
    style = style_of(answer)
    if not is_refusal(answer):
        return style
    return style._replace(
        length=0, headings=0, bullets=0, bold=0, code=0, person=0, contractions=0, apology=0, closing=0
    )


@batch_column
def prompt_kinds(batch: Batch, context: Context) -> Array:
    """Hashes that are equal for records of one kind, 0 for none; uint64, shape [records, LEVELS]."""
    import numpy as np

    return np.array([_kinds(record) for record in batch.records], np.uint64).reshape(len(batch.records), len(LEVELS))


def _kinds(record: Record) -> tuple[int, ...]:
    exchange = first_exchange(record)
    if not exchange.answer:
        return (0,) * len(LEVELS)
    system = _hash(exchange.system) if exchange.system else 0
    template = opening_words(exchange.prompt, TEMPLATE_WORDS)
    opening = opening_words(exchange.prompt, OPENING_WORDS)
    source = source_of(record) if record.meta else None
    return (
        _hash(f"{system} {template}") if template else 0,
        _hash(f"{system} {opening}") if opening else 0,
        _hash("\0".join(source)) if source is not None else 0,
        system,
    )


@lru_cache(maxsize=4096)
def _hash(text: str) -> int:
    return hash_of(text)

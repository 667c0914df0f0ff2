"""What is kept of each record to tell which prompts are alike and which styles their answers have."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from assay.records import Message, Record
from assay.writing.style import FEATURES, Style, closing_of, exclaims, layout_of, style_of

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

    from .kernel import EXCLAMATION, LAYOUT, NOT_PLAIN, OFFER, styles_of

    answers = [exchange.answer for exchange in _exchanges(batch, context)]
    values, left = styles_of(answers, _REFUSALS, _REFUSED_WITHIN)
    headings, exclamation, closing = (list(FEATURES).index(name) for name in ("headings", "exclamation", "closing"))
    for place in np.flatnonzero(left).tolist():
        todo, text = left[place], answers[place].strip()
        if todo & NOT_PLAIN:
            values[place] = _style(answers[place])[1:]
        if todo & LAYOUT:
            values[place, headings : headings + 3] = layout_of(text)
        if todo & EXCLAMATION:
            values[place, exclamation] = 2 if exclaims(text) else 1
        if todo & OFFER:
            values[place, closing] = closing_of(text)
    return values


_EXCHANGES = "styles.exchanges"


def _exchanges(batch: Batch, context: Context) -> list[Exchange]:
    """Of each record the first; once for all columns of a batch."""
    kept: tuple[Batch, list[Exchange]] | None = context.shared.get(_EXCHANGES)
    if kept is None or kept[0] is not batch:
        kept = (batch, [first_exchange(record) for record in batch.records])
        context.shared[_EXCHANGES] = kept
    return kept[1]


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

    kinds = map(_kinds, batch.records, _exchanges(batch, context))
    shape = len(batch.records), len(LEVELS)
    return np.fromiter(chain.from_iterable(kinds), np.uint64, shape[0] * shape[1]).reshape(shape)


def _kinds(record: Record, exchange: Exchange) -> tuple[int, ...]:
    if not exchange.answer:
        return (0,) * len(LEVELS)
    system = _hash(exchange.system) if exchange.system else 0
    prompt = exchange.prompt[:400]
    if prompt.isascii():
        head = prompt.lower().split(None, TEMPLATE_WORDS)
        template = " ".join(head[:TEMPLATE_WORDS]) if len(head) >= TEMPLATE_WORDS else ""
        opening = " ".join(head[:OPENING_WORDS]) if len(head) >= OPENING_WORDS else ""
    else:
        template, opening = opening_words(prompt, TEMPLATE_WORDS), opening_words(prompt, OPENING_WORDS)
    source = source_of(record) if record.meta else None
    return (
        hash_of(f"{system} {template}") if template else 0,
        _hash(f"{system} {opening}") if opening else 0,
        _hash("\0".join(source)) if source is not None else 0,
        system,
    )


@lru_cache(maxsize=4096)
def _hash(text: str) -> int:
    return hash_of(text)

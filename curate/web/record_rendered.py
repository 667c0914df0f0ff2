"""A record as the model sees it: rendered by its chat template, and token by token with its mask.

Both by the code that trains (`assay.chat`), so that what is looked at is what is trained on. Templates are rendered by
the worker of `assay.chat_templates.templating` alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.records import Record

from ..pages.pieces import Piece
from ..pages.tokens import visible
from .record_turns import Text, cut
from .targets import Target

if TYPE_CHECKING:
    from assay.chat import ChatTarget

    from ..template.tokens import Prompt, Shown, Token

TOKENS = 4000
"""Tokens that one page shows."""

MOST_TURNS = 1_000
"""Of a conversation that is rendered for a page: each answer takes a rendering of all turns before it."""

TRAINED = "trained"


@dataclass(frozen=True)
class Cell:
    """A token: what it says, with white space as signs; breaks: line breaks that follow it."""

    text: str
    title: str
    kind: str
    breaks: int


@dataclass(frozen=True)
class TokenTurn:
    number: int
    role: str
    shown: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Prompted:
    """The inference prompt before a turn, and whether training begins with exactly it."""

    turn: int
    size: str
    ending: str
    differs: str
    asked: str
    trained: str


@dataclass(frozen=True)
class Seen:
    """What both views say. problem: why it cannot be trained on as it is; notes: (check, message)."""

    model: str
    problem: str
    notes: tuple[tuple[str, str], ...]
    prompts: tuple[Prompted, ...]
    stops: tuple[str, ...]
    changed: bool


@dataclass(frozen=True)
class AsText:
    """turns: (number, role, text), what is trained marked; None where the template fails on the record."""

    seen: Seen
    turns: tuple[tuple[int, str, Text], ...]
    characters: int
    trained: int


@dataclass(frozen=True)
class AsTokens:
    """first: the position of the first token that is shown, from 0."""

    seen: Seen
    turns: tuple[TokenTurn, ...]
    tokens: int
    trained: int
    first: int
    last: int


def as_text(record: Record, target: Target, *, whole: bool) -> AsText:
    from ..template.tokens import show_text

    shown = show_text(record, target.chat)
    turns = []
    by_turn: dict[int, list[Token]] = {}
    for token in shown.tokens:
        by_turn.setdefault(token.turn, []).append(token)
    for turn in shown.turns:
        own = by_turn.get(turn.index, [])
        pieces = tuple(Piece(token.text, TRAINED if token.trained else "") for token in own)
        turns.append((turn.index, turn.role, cut(pieces, whole)))
    sizes = [len(token.text) for token in shown.tokens]
    trained = sum(len(token.text) for token in shown.tokens if token.trained)
    return AsText(_seen(shown, target), tuple(turns), sum(sizes), trained)


def as_tokens(record: Record, target: Target, *, first: int) -> AsTokens:
    """TOKENS tokens of the record from one of them on."""
    from ..template.tokens import show_part

    part = show_part(record, target.chat, first, TOKENS)
    if first and first >= part.tokens:
        return as_tokens(record, target, first=0)
    shown = part.shown
    special = _special(target.chat)
    cells: dict[int, list[Cell]] = {}
    for token in shown.tokens:
        cells.setdefault(token.turn, []).append(_cell(token, shown.turns[token.turn].role, special))
    turns = [
        TokenTurn(turn.index, turn.role, turn.start is not None, tuple(cells.get(turn.index, ())))
        for turn in shown.turns
        if turn.index in cells or turn.start is None
    ]
    last = first + len(shown.tokens)
    return AsTokens(_seen(shown, target), tuple(turns), part.tokens, part.trained, first, last)


def _special(target: ChatTarget) -> set[int]:
    """Tokens that stand for no text: those of the tokenizer, and those that end a turn."""
    added = {int(number) for number, token in target.tokenizer.added_tokens_decoder.items() if token.special}
    return added | {int(number) for number in target.tokenizer.all_special_ids} | set(target.stop_token_ids)


def _cell(token: Token, role: str, special: set[int]) -> Cell:
    trained = "trained" if token.trained else "not trained"
    title = f"id {token.id}, turn {token.turn} {role}, {trained}" + (", stop token" if token.stop else "")
    kinds = [TRAINED] if token.trained else []
    kinds += ["special"] if token.id in special else []
    return Cell(visible(token.text), title, " ".join(kinds), token.text.count("\n"))


def _seen(shown: Shown, target: Target) -> Seen:
    notes = tuple(dict.fromkeys((check, message) for check, _, message in shown.notes))
    problem = f"{shown.problem[0]}: {shown.problem[2]}" if shown.problem is not None else ""
    prompts = tuple(_prompted(prompt) for prompt in shown.prompts)
    return Seen(shown.model, problem, notes, prompts, tuple(map(visible, shown.stops)), target.changed)


def _prompted(prompt: Prompt) -> Prompted:
    unit = "token" if prompt.tokens is not None else "character"
    size = f"{prompt.tokens:,} tokens" if prompt.tokens is not None else f"{len(prompt.text):,} characters"
    at = prompt.diverges_at
    differs = "" if at is None else f"{unit} {at:,}"
    return Prompted(prompt.turn, size, visible(prompt.text[-40:]), differs, visible(prompt.asked), visible(prompt.seen))


def worth_saying(prompts: Sequence[Prompted]) -> tuple[Prompted, ...]:
    """Those in which training differs; of the others the last alone, which the model is asked at its last turn."""
    same = [prompt for prompt in prompts if not prompt.differs]
    return (*(prompt for prompt in prompts if prompt.differs), *same[-1:])

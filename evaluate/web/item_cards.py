"""One item as a page shows it: what was asked, what was right, and each model's answer with what differs marked."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.records import Message
from assay.reviews.pieces import Piece

from .items import OTHERS, SHOWN, Answer, Item
from .prompts import Prompt
from .word_diff import sides, unmarked

LABELS = {
    "base": "base",
    "previous": "previous release",
    "candidate": "candidate",
    "damaged": "damaged candidate",
    "slightly_damaged": "slightly damaged candidate",
    "zero": "adapter that adds nothing",
}


@dataclass(frozen=True)
class Side:
    """An answer. score: in words; cut: it has no end"""

    model: str
    label: str
    score: str
    pieces: tuple[Piece, ...]
    cut: bool


@dataclass(frozen=True)
class OptionRow:
    """One option of multiple choice. shares: by model, its chance among the options in percent, and its
    log-likelihood; chosen: the models that chose it"""

    text: str
    right: bool
    shares: tuple[str, ...]
    chosen: tuple[bool, ...]


@dataclass(frozen=True)
class Options:
    models: tuple[str, ...]
    rows: tuple[OptionRow, ...]


@dataclass(frozen=True)
class Turn:
    role: str
    text: str


@dataclass(frozen=True)
class Card:
    """moved: lost, gained, same or "" where there is no score to compare. change: by how much, of a graded score"""

    id: str
    slice: str | None
    cluster: str | None
    moved: str
    change: str
    turns: tuple[Turn, ...]
    question: tuple[Piece, ...]
    reference: tuple[Piece, ...] | None
    sides: tuple[Side, ...]
    options: Options | None
    tools: int


def card(
    item: Item,
    prompt: Prompt | None,
    against: str,
    compared_with: str,
    models: Sequence[str] = SHOWN,
    *,
    whole: bool = False,
) -> Card:
    """against: base or previous, whose score the candidate's is held against. compared_with: "reference" marks what
    differs from the reference, anything else what differs between the candidate and `against`. whole: else of long
    texts what is around marks, or their beginning."""
    answers = {name: item.answers[name] for name in models if name in item.answers}
    change = _change(answers, against)
    return Card(
        item.id,
        item.slice,
        item.cluster,
        "" if change is None else "lost" if change < 0 else "gained" if change > 0 else "same",
        "" if change is None or abs(change) == 1 else f"{100 * abs(change):.0f} points",
        tuple(Turn(message.role, _text(message)) for message in prompt.messages) if prompt is not None else (),
        tuple(unmarked(question_text(prompt), whole=whole)),
        None if item.reference is None else tuple(unmarked(item.reference, whole=whole)),
        tuple(_sides(answers, item.reference, against, compared_with, whole)),
        _options(answers, item.reference, prompt),
        prompt.tools if prompt is not None else 0,
    )


def question_text(prompt: Prompt | None) -> str:
    """What was asked, without the system turn; '' where it is not known."""
    if prompt is None:
        return ""
    return prompt.text or "\n\n".join(_text(message) for message in prompt.messages if message.role == "user")


def _text(message: Message) -> str:
    calls = [f"{call.name}({json.dumps(call.arguments, ensure_ascii=False)})" for call in message.tool_calls]
    return "\n".join([*([message.content] if message.content else []), *calls])


def _change(answers: Mapping[str, Answer], against: str) -> float | None:
    before, after = answers.get(against), answers.get("candidate")
    if before is None or after is None or before.score is None or after.score is None:
        return None
    return after.score - before.score


def _sides(
    answers: Mapping[str, Answer], reference: str | None, against: str, compared_with: str, whole: bool
) -> list[Side]:
    marked: dict[str, list[Piece]] = {}
    texts = {name: answer.output for name, answer in answers.items() if answer.output is not None}
    if compared_with == "reference" and reference is not None:
        marked = {name: sides(reference, text, whole=whole)[1] for name, text in texts.items()}
    elif against in texts and "candidate" in texts:
        marked[against], marked["candidate"] = sides(texts[against], texts["candidate"], whole=whole)
    return [
        Side(
            name,
            LABELS.get(name, name),
            _score(answer.score),
            tuple(marked[name] if name in marked else unmarked(answer.output or "", whole=whole)),
            answer.ended is False,
        )
        for name, answer in answers.items()
    ]


def _score(score: float | None) -> str:
    return (
        "no score" if score is None else f"{100 * score:g} of 100" if 0 < score < 1 else "right" if score else "wrong"
    )


def _options(answers: Mapping[str, Answer], reference: str | None, prompt: Prompt | None) -> Options | None:
    """None for generated answers."""
    with_them = {name: answer for name, answer in answers.items() if answer.options and name not in OTHERS}
    if not with_them:
        return None
    number = max(len(answer.options) for answer in with_them.values())
    shares = {name: _shares(answer.options) for name, answer in with_them.items()}
    rows = []
    for place in range(number):
        text = _option_text(place, with_them, prompt)
        cells = [
            f"{100 * shares[name][place]:.0f} % ({answer.options[place]:.2f})" if place < len(answer.options) else ""
            for name, answer in with_them.items()
        ]
        chosen = tuple(answer.output is not None and answer.output == text for answer in with_them.values())
        rows.append(OptionRow(text, reference is not None and text == reference, tuple(cells), chosen))
    return Options(tuple(LABELS.get(name, name) for name in with_them), tuple(rows))


def _option_text(place: int, answers: Mapping[str, Answer], prompt: Prompt | None) -> str:
    """Where the suite's file is gone, an option is known by its log-likelihood from who chose it."""
    if prompt is not None and place < len(prompt.choices):
        return prompt.choices[place]
    for answer in answers.values():
        if answer.output is not None and place < len(answer.options) and answer.options[place] == answer.logprob:
            return answer.output
    return f"option {place + 1}"


def _shares(options: Sequence[float]) -> list[float]:
    """The options' chances among themselves; infinite log-likelihoods are none."""
    finite = [value for value in options if math.isfinite(value)]
    if not finite:
        return [0.0 for _ in options]
    most = max(finite)
    weights = [math.exp(value - most) if math.isfinite(value) else 0.0 for value in options]
    total = sum(weights)
    return [weight / total for weight in weights]

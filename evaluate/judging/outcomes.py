"""From the judge's replies to a score for each answer, and to comparisons of two answers. Pure: nothing is asked.

Grading: an answer's score is its grade. Pairwise: an answer's score is 1, 0.5 or 0 for a win, a tie or a loss against
the base's answer to the same item, so that the base itself scores 0.5 on every item, and the gate's paired tests take
the differences as they take any others. Two orders that disagree are a tie (Zheng et al. 2023, "Judging LLM-as-a-judge
with MT-Bench and Chatbot Arena", section 3.4).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from assay.protocols import GenerationRequest

from ..evaluation import ModelName
from .questions import Asked, grade_request, key_of, pair_requests, read_better, read_grade
from .settings import JudgeSettings

TIE = 0.5

Orders: TypeAlias = Literal["same", "first", "second", "one tie"]


@dataclass(frozen=True, slots=True)
class Row:
    """What one model said on one item."""

    item: str
    model: ModelName
    asked: Asked
    output: str
    cluster: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One request. against: the model whose answer is the other one; order 0 shows `model` first, 1 second."""

    item: str
    model: ModelName
    against: ModelName | None
    order: int
    request: GenerationRequest
    key: str


@dataclass(frozen=True, slots=True)
class Pairing:
    """What the judge said of two answers.

    outcome  1.0 where the first is better, 0.5 for a tie, 0.0; None where a reply is missing or unreadable
    orders   whether both orders said the same, or preferred one place both times, or one of them called it a tie;
             None where nothing was asked, or could be read
    """

    outcome: float | None
    orders: Orders | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models' answers to one item, held against each other. more: characters that the first is longer by."""

    item: str
    model: ModelName
    against: ModelName
    pairing: Pairing
    more: int
    cluster: str | None


@dataclass(frozen=True)
class Judged:
    """scores       by item and model; None where the judge gave none
    comparisons  of each model with the base, and of the candidate with the previous release
    """

    scores: Mapping[tuple[str, ModelName], float | None]
    comparisons: tuple[Comparison, ...]


def questions(rows: Sequence[Row], settings: JudgeSettings) -> list[Question]:
    """All that is to be asked, item by item, so that a cap that ends it leaves whole items."""
    found: list[Question] = []
    for by_model in _by_item(rows):
        if settings.mode == "grade":
            for row in by_model.values():
                request = grade_request(row.asked, row.output, settings)
                found.append(Question(row.item, row.model, None, 0, request, key_of(request, settings)))
            continue
        for one, other in _pairs(by_model):
            if same_answer(one.output, other.output):
                continue
            requests = pair_requests(one.asked, one.output, other.output, settings)
            found += [
                Question(one.item, one.model, other.model, order, request, key_of(request, settings))
                for order, request in enumerate(requests)
            ]
    return found


def judged(rows: Sequence[Row], settings: JudgeSettings, replies: Mapping[str, str]) -> Judged:
    """replies: by the key of the question."""
    scores: dict[tuple[str, ModelName], float | None] = {}
    comparisons: list[Comparison] = []
    for by_model in _by_item(rows):
        if settings.mode == "grade":
            for row in by_model.values():
                scores[row.item, row.model] = graded(row.asked, row.output, settings, replies)
        elif "base" in by_model:
            scores[by_model["base"].item, "base"] = TIE
        for one, other in _pairs(by_model):
            if settings.mode == "grade":
                pairing = Pairing(_by_grades(scores[one.item, one.model], scores[other.item, other.model]))
            else:
                pairing = paired(one.asked, one.output, other.output, settings, replies)
                if other.model == "base":
                    scores[one.item, one.model] = pairing.outcome
            more = len(one.output) - len(other.output)
            comparisons.append(Comparison(one.item, one.model, other.model, pairing, more, one.cluster))
    return Judged(scores, tuple(comparisons))


def graded(asked: Asked, output: str, settings: JudgeSettings, replies: Mapping[str, str]) -> float | None:
    request = grade_request(asked, output, settings)
    return read_grade(replies.get(key_of(request, settings)), settings.grades)


def paired(asked: Asked, first: str, second: str, settings: JudgeSettings, replies: Mapping[str, str]) -> Pairing:
    """Both orders must say the same; an answer that equals the other is a tie without being asked."""
    if same_answer(first, second):
        return Pairing(TIE)
    requests = pair_requests(asked, first, second, settings)
    there, back = (read_better(replies.get(key_of(request, settings))) for request in requests)
    if there is None or back is None:
        return Pairing(None)
    if there == back:
        return Pairing(TIE, "same" if there == "tie" else "first" if there == "1" else "second")
    if "tie" in (there, back):
        return Pairing(TIE, "one tie")
    return Pairing(float(there == "1"), "same")


def same_answer(first: str, second: str) -> bool:
    return first.strip() == second.strip()


def _by_grades(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return None
    return TIE if one == other else float(one > other)


def _by_item(rows: Iterable[Row]) -> Iterator[dict[ModelName, Row]]:
    """The answers to each item, in the order in which items come first."""
    items: dict[str, dict[ModelName, Row]] = defaultdict(dict)
    for row in rows:
        items[row.item][row.model] = row
    yield from items.values()


def _pairs(by_model: Mapping[ModelName, Row]) -> list[tuple[Row, Row]]:
    base, previous = by_model.get("base"), by_model.get("previous")
    found = [(row, base) for model, row in by_model.items() if base is not None and model != "base"]
    if previous is not None and "candidate" in by_model:
        found.append((by_model["candidate"], previous))
    return found

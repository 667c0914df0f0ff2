"""The answers to one question compared with each other: which contradict which, and which of them dissents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from .alignment import is_cut
from .candidates import Asked
from .clash import Clash, Question, find_clash


class Budget(NamedTuple):
    """comparisons: with how many other answers to its question each answer is compared at most."""

    comparisons: int


class Against(NamedTuple):
    """One answer and the one that contradicts it most certainly, both by their keys.

    clash  seen from this answer: `first` is in it
    """

    key: str
    other: str
    clash: Clash
    at_fault: bool
    has_dissenter: bool


class Compared(NamedTuple):
    """What the comparison of a question's answers came to.

    made, left_out  comparisons
    cut             answers of which only the beginning was compared
    """

    against: tuple[Against, ...]
    made: int
    left_out: int
    cut: int


def compare(asked: Asked, labels: Collection[str], budget: Budget, min_confidence: float) -> Compared:
    """Answers that many records give are compared first, each with the others in that order."""
    keys = sorted(asked.answers, key=lambda key: -len(asked.answers[key].positions))
    pairs = list(_pairs(keys, budget.comparisons))
    clashes = find_clashes(asked, pairs, labels, min_confidence)
    possible = len(keys) * (len(keys) - 1) // 2
    unread = asked.unread * (len(keys) + asked.unread)
    cut = sum(is_cut(asked.answers[key].text) for key in keys)
    return Compared(tuple(_against(asked, clashes)), len(pairs), possible - len(pairs) + unread, cut)


def find_clashes(
    asked: Asked, pairs: Sequence[tuple[str, str]], labels: Collection[str], min_confidence: float
) -> dict[tuple[str, str], Clash]:
    """{(answer, other answer): where they clash}, by the keys of the answers."""
    question = Question(asked.prompt, asked.open_ended, labels, asked.similarity)
    found = {}
    for a, b in pairs:
        clash = find_clash(asked.answers[a].text, asked.answers[b].text, question)
        if clash is not None and clash.confidence >= min_confidence:
            found[a, b] = clash
    return found


def _pairs(keys: Sequence[str], most: int) -> Iterator[tuple[str, str]]:
    """Every pair when there are few; else each answer with the `most` that stand before it in number of records."""
    for index, key in enumerate(keys):
        for other in keys[: min(index, most)]:
            yield other, key


def _against(asked: Asked, clashes: Mapping[tuple[str, str], Clash]) -> Iterator[Against]:
    against: dict[str, dict[str, Clash]] = defaultdict(dict)
    for (a, b), clash in clashes.items():
        against[a][b] = clash
        against[b][a] = clash._replace(first=clash.second, second=clash.first)
    votes = {key: len(answer.positions) for key, answer in asked.answers.items()}
    dissenting = [key for key in against if _dissents(against[key], votes)]
    for key, others in against.items():
        at_fault = key in dissenting or not dissenting
        other = max(others, key=lambda name: (others[name].confidence, votes[name]))
        yield Against(key, other, others[other], at_fault, bool(dissenting))


def _dissents(others: Mapping[str, Clash], votes: Mapping[str, int]) -> bool:
    """Whether more records contradict this answer than give it or can live with it, and at least two do."""
    contradicted = sum(votes[other] for other in others)
    return contradicted >= 2 and contradicted > sum(votes.values()) - contradicted

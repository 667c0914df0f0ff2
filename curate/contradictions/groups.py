"""The answers to one question compared with each other: which contradict which, and which of them dissents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .alignment import is_cut
from .candidates import Asked
from .clash import Clash, Question, find_clash
from .confirmers import Confirmer, Pair, confirmed
from .forms import is_short, parsed, unfenced

MOST_CONFIRMED = 20_000
"""Pairs that a confirmer is asked about: those of the rules first, then what no rule covers."""


class Against(NamedTuple):
    """One answer and the one that contradicts it most certainly, both by their keys.

    clash  seen from this answer: `first` is in it
    """

    key: str
    other: str
    clash: Clash
    at_fault: bool
    has_dissenter: bool


@dataclass(frozen=True)
class Compared:
    """What the comparison of a question's answers came to.

    clashes         {(answer, other answer): where they clash}, by the keys of the answers
    undecided       pairs that no rule found anything in
    made, left_out  comparisons
    cut             answers of which only the beginning was compared
    """

    asked: Asked
    clashes: dict[tuple[str, str], Clash]
    undecided: tuple[tuple[str, str], ...]
    made: int
    left_out: int
    cut: int

    def against(self, min_confidence: float) -> list[Against]:
        """Every answer that is contradicted with that confidence."""
        certain = {pair: clash for pair, clash in self.clashes.items() if clash.confidence >= min_confidence}
        return list(_against(self.asked, certain))


def compare(asked: Asked, labels: Collection[str], max_comparisons: int) -> Compared:
    """Answers that many records give are compared first, each with the others in that order.

    max_comparisons  with how many other answers each answer is compared at most
    """
    keys = sorted(asked.answers, key=lambda key: -len(asked.answers[key].positions))
    pairs = list(_pairs(keys, max_comparisons))
    question = Question(asked.prompt, asked.open_ended, labels)
    clashes: dict[tuple[str, str], Clash] = {}
    undecided = []
    for a, b in pairs:
        clash = find_clash(asked.answers[a].text, asked.answers[b].text, question)
        if clash is not None:
            clashes[a, b] = clash
        elif not asked.open_ended and _is_statement(asked.answers[a].text) and _is_statement(asked.answers[b].text):
            undecided.append((a, b))
    left_out = len(keys) * (len(keys) - 1) // 2 - len(pairs) + asked.unread * (len(keys) + asked.unread)
    cut = 0 if asked.open_ended else sum(is_cut(asked.answers[key].text) for key in keys)
    return Compared(asked, clashes, tuple(undecided), len(pairs), left_out, cut)


def confirm(compared: Sequence[Compared], confirmer: Confirmer) -> int:
    """Asks the confirmer about every clash and every undecided pair, and writes what comes of it into `clashes`.

    Returns the number of pairs that it gave no opinion of.
    """
    clashing = [(group, pair) for group in compared for pair in group.clashes]
    open_ = [(group, pair) for group in compared for pair in group.undecided]
    asked_about = [
        (group, pair)
        for group, pair in [*clashing, *open_]
        if pair not in group.clashes or group.clashes[pair].kind not in confirmer.beyond
    ]
    chosen = asked_about[:MOST_CONFIRMED]
    opinions = confirmer.judge([_pair(group.asked, pair) for group, pair in chosen])
    for (group, pair), opinion in zip(chosen, opinions, strict=True):
        clash = confirmed(group.clashes.get(pair), opinion, confirmer)
        if clash is not None:
            group.clashes[pair] = clash
    return len(asked_about) - sum(opinion is not None for opinion in opinions)


def _pair(asked: Asked, pair: tuple[str, str]) -> Pair:
    return Pair(asked.prompt, asked.answers[pair[0]].text, asked.answers[pair[1]].text)


def _is_statement(answer: str) -> bool:
    return not is_short(answer) and parsed(unfenced(answer)) is None


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

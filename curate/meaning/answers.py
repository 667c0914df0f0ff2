"""One prompt that has the same answer several times, in other words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from assay.records import Record
from assay.text import normalize

from .records import answers_say_the_same

if TYPE_CHECKING:
    from .encoder import Encoder

MOST_ANSWERS = 100
"""Different answers to one prompt that are compared with each other."""


class Star(NamedTuple):
    """Positions of records; similarity[i] is the cosine of members[i] and the centre."""

    centre: int
    members: tuple[int, ...]
    similarity: tuple[float, ...]


def reworded(
    records: Sequence[Record],
    questions: npt.NDArray[np.uint64],
    answers: npt.NDArray[np.uint64],
    encoder: Encoder,
    threshold: float,
) -> Iterator[Star]:
    """Stars of answers to one prompt that say the same as their centre; the earliest record is the centre.

    questions, answers  hashes, shape [records]; 0 where there is no question
    """
    for group in _groups(questions):
        _, first = np.unique(answers[group], return_index=True)
        positions = np.sort(group[first])[:MOST_ANSWERS].tolist()
        if len(positions) > 1:
            yield from _stars(positions, [records[position].answer for position in positions], encoder, threshold)


def _stars(positions: Sequence[int], answers: Sequence[str], encoder: Encoder, threshold: float) -> Iterator[Star]:
    vectors = encoder.encode(answers)
    similarity = vectors @ vectors.T
    free = list(range(len(positions)))
    while free:
        centre, *rest = free
        members = [
            other
            for other in rest
            if similarity[centre, other] >= threshold
            and normalize(answers[centre]) != normalize(answers[other])
            and answers_say_the_same(answers[centre], answers[other], encoder)
        ]
        if members:
            cosines = tuple(float(similarity[centre, other]) for other in members)
            yield Star(positions[centre], tuple(positions[other] for other in members), cosines)
        taken = {centre, *members}
        free = [other for other in rest if other not in taken]


def _groups(hashes: npt.NDArray[np.uint64]) -> Iterator[npt.NDArray[Any]]:
    """Positions of equal hashes, of two and more, but for 0."""
    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1, len(hashes))
    for start, end in pairwise([0, *ends.tolist()]):
        if end - start > 1 and ordered[start]:
            yield order[start:end]

"""Whether new records are new: measured, and the rule by which generation stops when they no longer are.

The rule: a method ends when, of its last WINDOW drafts that curate judged, less than the share `synth.min_new` was
accepted and new. A draft is new when at least NEW_GRAMS of the distinct word 4-grams of what was generated stand in
nothing that was there before it. What curate refuses counts as not new, so that a method whose drafts are all
duplicates ends as well; what other steps refuse does not count.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from assay.text import words

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Encode: TypeAlias = "Callable[[Sequence[str]], npt.NDArray[np.float32]]"
"""Texts to unit vectors, shape [texts, dimensions]."""

WINDOW = 48
NEW_GRAMS = 0.3
GRAM = 4
COMPARED = 2_000
"""Texts of a side that are compared pair by pair at most; evenly spaced ones stand for more."""

NEIGHBOURS = 5


@dataclass
class Novelty:
    """Word 4-grams that were seen, as hashes, and how the last drafts fared."""

    seen: set[int] = field(default_factory=set)
    recent: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def add(self, text: str) -> None:
        self.seen |= grams(text)

    def share_new(self, text: str) -> float:
        """The share of the text's 4-grams that were never seen; 1 for a text without words."""
        own = grams(text)
        return len(own - self.seen) / len(own) if own else 1.0

    def judge(self, text: str, *, accepted: bool) -> float:
        """Notes a draft and returns its share of new 4-grams."""
        share = self.share_new(text)
        self.recent.append(accepted and share >= NEW_GRAMS)
        if accepted:
            self.add(text)
        return share

    def is_spent(self, min_new: float) -> bool:
        """Whether the last WINDOW drafts brought too little that is new."""
        return len(self.recent) == WINDOW and sum(self.recent) < min_new * WINDOW

    def fresh(self) -> Novelty:
        """The same memory, with no draft noted: for the next method."""
        return Novelty(self.seen)


def grams(text: str, size: int = GRAM) -> set[int]:
    """Hashes of the runs of `size` words; of a shorter text all its words are one run."""
    found = words(text)
    if not found:
        return set()
    size = min(size, len(found))
    return {_hash(" ".join(found[at : at + size])) for at in range(len(found) - size + 1)}


def _hash(text: str) -> int:
    import zlib

    return zlib.crc32(text.encode("utf-8", "replace")) | (zlib.adler32(text.encode("utf-8", "replace")) << 32)


@dataclass(frozen=True)
class Diversity:
    """How varied the generated texts are, and how far from what was there.

    distinct_1, distinct_2, distinct_4  distinct word n-grams over all of them (Li et al. 2016, section 5)
    nearest         quartiles of the similarity of each new text to the nearest existing one: cosine of the encoder, or
                    Jaccard over words where there is none
    coverage        share of the existing texts that have a new one no farther off than their fifth neighbour among the
                    existing ones (Naeem et al. 2020, section 3.2); None without an encoder
    measured_by     "encoder" or "words"
    """

    distinct_1: float
    distinct_2: float
    distinct_4: float
    nearest: tuple[float, float, float] | None
    coverage: float | None
    measured_by: str


def measure(new: Sequence[str], existing: Sequence[str], encode: Encode | None = None) -> Diversity:
    nearest: tuple[float, float, float] | None = None
    coverage: float | None = None
    if new and existing:
        fresh, known = sampled(new), sampled(existing)
        if encode is not None:
            vectors, beside = encode(fresh), encode(known)
            nearest = _quartiles((vectors @ beside.T).max(axis=1))
            coverage = _coverage(vectors, beside)
        else:
            sets = [set(words(text)) for text in known]
            nearest = _quartiles([_nearest(set(words(text)), sets) for text in fresh])
    return Diversity(
        distinct(new, 1),
        distinct(new, 2),
        distinct(new, 4),
        nearest,
        coverage,
        "words" if encode is None else "encoder",
    )


def distinct(texts: Iterable[str], size: int) -> float:
    """Distinct n-grams over all n-grams; 0 without any."""
    found: set[tuple[str, ...]] = set()
    total = 0
    for text in texts:
        listed = words(text)
        runs = list(zip(*(listed[shift:] for shift in range(size)), strict=False))
        total += len(runs)
        found.update(runs)
    return len(found) / total if total else 0.0


def sampled(texts: Sequence[str]) -> list[str]:
    step = max(1, -(-len(texts) // COMPARED))
    return list(texts[::step])


def nearest_by_words(text: str, known: Sequence[str]) -> float:
    """The largest Jaccard similarity over sets of words."""
    return _nearest(set(words(text)), [set(words(other)) for other in known])


def _nearest(own: set[str], known: Iterable[set[str]]) -> float:
    best = 0.0
    for theirs in known:
        if own or theirs:
            shared = len(own & theirs)
            best = max(best, shared / (len(own) + len(theirs) - shared))
    return best


def _quartiles(values: Any) -> tuple[float, float, float]:
    import numpy as np

    low, middle, high = (round(float(value), 4) for value in np.quantile(np.asarray(values), [0.25, 0.5, 0.75]))
    return low, middle, high


def _coverage(new: npt.NDArray[np.float32], existing: npt.NDArray[np.float32]) -> float:
    import numpy as np

    if len(existing) <= NEIGHBOURS:
        return 0.0
    among = existing @ existing.T
    np.fill_diagonal(among, -1.0)
    fifth = np.partition(among, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS]
    return float(((existing @ new.T).max(axis=1) >= fifth).mean())

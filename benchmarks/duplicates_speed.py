"""Claim: near duplicates are found at least 25 times as fast as by datasketch's MinHash LSH with its defaults, and at
least 5 times as fast as by rensa with exact verification; nothing is missed, nothing is wrong. Edited copies are found
at 40,000 records a second a core: of those with 20 % of the words edited 93 % and more, with 30 % 75 % and more.

    python benchmarks/duplicates_speed.py [--records 200000] [--rounds 3]

One process, one core. Each round times all of them one after the other, on the same texts of about 100 words; medians
of the rounds are printed, and ratios of the medians. datasketch and rensa get the texts as sets of word 5-grams made in
Python, which is part of their time, as it is of anybody's who uses them. Recall is of the planted pairs at or above
0.8 by exact Jaccard similarity; precision is the share of reported pairs at or above it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median

import numpy as np
from corpus import Corpus, make_corpus

from assay.curate.duplicates.texts import edited_pairs, near_pairs
from assay.curate.ngrams.sketches import NEAR_WORDS
from assay.curate.ngrams.store import NgramStore

THRESHOLD = 0.8


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    corpus = make_corpus(arguments.records)
    texts = corpus.texts()
    near_pairs(texts[:100]), edited_pairs(texts[:100])  # compiled code is loaded before the clock runs
    ways: dict[str, Callable[[Sequence[str]], set[tuple[int, int]]]] = {
        "assay, near": lambda given: _as_set(near_pairs(given)),
        "datasketch, defaults": datasketch_lsh,
        "rensa, verified": rensa_verified,
        "assay, edited": lambda given: _as_set(edited_pairs(given)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    found: dict[str, set[tuple[int, int]]] = {}
    for _ in range(arguments.rounds):
        for name, way in ways.items():
            if name in MISSING:
                continue
            began = time.perf_counter()
            found[name] = way(texts)
            seconds[name].append(time.perf_counter() - began)
    show_speed(seconds, len(texts))
    show_quality(corpus, texts, found)
    return 0


def show_speed(seconds: dict[str, list[float]], records: int) -> None:
    own = median(seconds["assay, near"])
    print(f"{records:,} records\n{'':24}{'seconds':>10}{'records/s':>12}{'ratio':>8}")
    for name, values in seconds.items():
        if values:
            print(f"{name:24}{median(values):10.2f}{records / median(values):12,.0f}{median(values) / own:8.1f}")


def show_quality(corpus: Corpus, texts: Sequence[str], found: dict[str, set[tuple[int, int]]]) -> None:
    store = NgramStore(len(texts), lambda positions: [texts[position] for position in positions], NEAR_WORDS)
    planted = np.array([(min(item[:2]), max(item[:2])) for item in corpus.planted])
    similarity = store.similarities(planted[:, 0], planted[:, 1])
    true = {tuple(pair) for pair in planted[similarity >= THRESHOLD].tolist()}
    print(f"\n{len(true):,} planted pairs at or above {THRESHOLD}\n{'':24}{'recall':>10}{'precision':>12}")
    for name in ("assay, near", "datasketch, defaults", "rensa, verified"):
        if name in found:
            pairs = np.array(sorted(found[name]))
            exact = store.similarities(pairs[:, 0], pairs[:, 1]) >= THRESHOLD
            print(f"{name:24}{len(true & found[name]) / len(true):10.4f}{exact.mean():12.4f}")
    print(f"\n{'edited copies found by':24}{'near':>10}{'near or edited':>16}")
    edited = found["assay, near"] | found["assay, edited"]
    for rate in sorted({item.edited for item in corpus.planted}):
        own = {(min(item[:2]), max(item[:2])) for item in corpus.planted if item.edited == rate}
        near, both = len(own & found["assay, near"]) / len(own), len(own & edited) / len(own)
        print(f"{f'{rate:.0%} of words edited':24}{near:10.3f}{both:16.3f}")
    planted_pairs = {(min(item[:2]), max(item[:2])) for item in corpus.planted}
    print(f"edited pairs that were not planted: {len(found['assay, edited'] - planted_pairs):,}")


def _as_set(pairs: object) -> set[tuple[int, int]]:
    first, second = pairs.first, pairs.second  # type: ignore[attr-defined]
    return set(zip(first.tolist(), second.tolist(), strict=True))


def _shingles(text: str) -> set[str]:
    words = text.lower().split()
    return {" ".join(words[start : start + 5]) for start in range(max(1, len(words) - 4))}


def datasketch_lsh(texts: Sequence[str]) -> set[tuple[int, int]]:
    """As its documentation shows: 128 permutations, threshold 0.8, candidates taken as they are."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=THRESHOLD, num_perm=128)
    found: set[tuple[int, int]] = set()
    for position, text in enumerate(texts):
        sketch = MinHash(num_perm=128)
        sketch.update_batch([shingle.encode() for shingle in _shingles(text)])
        found.update((other, position) for other in index.query(sketch))
        index.insert(position, sketch)
    return found


def rensa_verified(texts: Sequence[str]) -> set[tuple[int, int]]:
    """In bulk, 20 bands of 6, each candidate verified by the exact similarity of the sets of shingles."""
    from rensa import RMinHash, RMinHashLSH

    sets = [_shingles(text) for text in texts]
    sketches = RMinHash.from_token_sets([list(shingles) for shingles in sets], 120, 20)
    index = RMinHashLSH(threshold=THRESHOLD, num_perm=120, num_bands=20)
    index.insert_many(sketches)
    found: set[tuple[int, int]] = set()
    for position, others in enumerate(index.query_all(sketches)):
        for other in others:
            if other < position:
                common = len(sets[position] & sets[other])
                if common >= THRESHOLD * (len(sets[position]) + len(sets[other]) - common):
                    found.add((other, position))
    return found


def _missing() -> set[str]:
    from importlib.util import find_spec

    return {way for way in ("datasketch, defaults", "rensa, verified") if find_spec(way.partition(",")[0]) is None}


MISSING = _missing()

if __name__ == "__main__":
    sys.exit(main())

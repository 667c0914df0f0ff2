"""Claim: exact duplicates are found at 500,000 records a second a core, leaks of evaluation items (the very words, and
word 8-grams) at 400,000.

    python benchmarks/exact_and_leaks_speed.py [--records 200000] [--items 5000] [--rounds 5]

One process, one core, records of about 100 words, looked at 4,096 at a time as the engine does. Beside exact stands a
Python dictionary of the texts, which is what a script would use; beside leaks a Python set of 8-grams, as published
decontamination scripts have it. Medians of the processor time of the rounds; every round times all of them. Recall is
of planted items, half of them with other text around them.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
from corpus import make_corpus

from assay.curate.duplicates.clusters import first_alike
from assay.curate.leaks.index import LeakIndex
from assay.curate.ngrams.texts import buffer
from assay.suites import EvaluationText

BATCH = 4096


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--items", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    texts = make_corpus(arguments.records).texts()
    items = make_corpus(arguments.items, words=40, edits=(), seed=99).texts()
    planted = plant(texts, items)
    index = LeakIndex.of([EvaluationText("suite", str(number), item) for number, item in enumerate(items)])
    index.flags(buffer(texts[:10]))
    ids = pa.array([hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts])
    ways: dict[str, Callable[[], Any]] = {
        "exact, assay": lambda: exact(ids),
        "exact, a dictionary": lambda: exact_by_dictionary(texts),
        "leaks, assay": lambda: leaks(index, texts),
        "leaks, a set of 8-grams": lambda: leaks_by_set(texts, items),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    results: dict[str, Any] = {}
    for _ in range(arguments.rounds):
        for name, way in ways.items():
            began = time.process_time()
            results[name] = way()
            seconds[name].append(time.process_time() - began)
    print(f"{len(texts):,} records, {len(items):,} evaluation items\n{'':26}{'records/s':>12}{'ratio':>8}")
    for name, values in seconds.items():
        own = median(seconds[f"{name.partition(',')[0]}, assay"])
        print(f"{name:26}{len(texts) / median(values):12,.0f}{median(values) / own:8.1f}")
    same = int(results["exact, assay"]) == int(results["exact, a dictionary"])
    flagged = results["leaks, assay"]
    print(f"exact: both count the same copies: {same}")
    print(f"leaks: {len(flagged & planted)} of {len(planted)} planted found; {len(flagged - planted)} others flagged")
    print(f"leaks: both flag the same records: {flagged == results['leaks, a set of 8-grams']}")
    return 0


def plant(texts: list[str], items: Sequence[str]) -> set[int]:
    """Every hundredth record holds an item: by itself, or at the end of its own text."""
    places = range(0, len(texts), 100)
    for turn, place in enumerate(places):
        item = items[turn % len(items)]
        texts[place] = item.upper() if turn % 2 else f"{texts[place]} {item}"
    return set(places)


def exact(ids: pa.Array) -> int:
    """Records that repeat an earlier one, from the content hashes that reading has made."""
    leaders = first_alike(ids.dictionary_encode().indices.to_numpy(zero_copy_only=False))
    return int((leaders != np.arange(len(leaders))).sum())


def exact_by_dictionary(texts: Sequence[str]) -> int:
    seen: dict[str, int] = {}
    return sum(seen.setdefault(text, position) != position for position, text in enumerate(texts))


def leaks(index: LeakIndex, texts: Sequence[str]) -> set[int]:
    """The records that have the words of an item or share an 8-gram with one."""
    starts = range(0, len(texts), BATCH)
    flags = np.concatenate([index.flags(buffer(texts[start : start + BATCH])) for start in starts])
    return set(np.flatnonzero(flags).tolist())


def leaks_by_set(texts: Sequence[str], items: Sequence[str]) -> set[int]:
    known = {gram for item in items for gram in _grams(item)}
    return {position for position, text in enumerate(texts) if not known.isdisjoint(_grams(text))}


def _grams(text: str) -> set[str]:
    words = text.lower().replace(".", "").split()
    return {" ".join(words[start : start + 8]) for start in range(len(words) - 7)}


if __name__ == "__main__":
    sys.exit(main())

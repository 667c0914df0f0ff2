"""Claim: nothing is gained on the generated general suites without doing what they ask.

    python benchmarks/general_baselines.py [--tier medium|large]

Prints, by suite, the share of items that answers get which need no understanding, each scored by the suite's own
scorer: the commonest reference; the question itself; its first and its last line; its longest line; and the reference
of the item of the suite whose words are most like the item's (a bag of words, cosine of counts, the item itself left
out).
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assay.evaluate.scorer import make_scorer
from assay.suites import Suite, read_suite
from assay.suites.general import TIERS, general_suites
from assay.text import words

Baseline = Callable[[Suite], Sequence[str]]


def prompts(suite: Suite) -> list[str]:
    return [item.messages[0].content or "" for item in suite.items]


def commonest(suite: Suite) -> list[str]:
    answer = Counter(item.reference for item in suite.items).most_common(1)[0][0]
    return [answer] * len(suite.items)


def longest_line(suite: Suite) -> list[str]:
    return [max(text.splitlines(), key=len) for text in prompts(suite)]


def most_alike(suite: Suite) -> list[str]:
    """References of the nearest other item, by words."""
    counts = [Counter(words(text)) for text in prompts(suite)]
    vocabulary = {word: i for i, word in enumerate(sorted(set().union(*counts)))}
    vectors = np.zeros((len(counts), len(vocabulary)))
    for row, count in enumerate(counts):
        for word, times in count.items():
            vectors[row, vocabulary[word]] = times
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -1)
    return [suite.items[int(nearest)].reference for nearest in likeness.argmax(axis=1)]


BASELINES: dict[str, Baseline] = {
    "commonest answer": commonest,
    "the question": prompts,
    "its first line": lambda suite: [text.splitlines()[0] for text in prompts(suite)],
    "its last line": lambda suite: [text.splitlines()[-1] for text in prompts(suite)],
    "its longest line": longest_line,
    "most alike": most_alike,
}


def score(suite: Suite, outputs: Sequence[str]) -> float:
    """Share of items for which the output is right."""
    scorer = make_scorer(suite.scorer, suite.scorer_settings, str(suite.path))
    found = [scorer(output, item.reference) for output, item in zip(outputs, suite.items, strict=True)]
    return sum(found) / len(found)


def main() -> int:
    parser = argparse.ArgumentParser(description="What answers without understanding score on the general suites.")
    parser.add_argument("--tier", choices=list(TIERS), action="append")
    for tier in parser.parse_args().tier or ["medium", "large"]:
        print(f"| {tier} | " + " | ".join(BASELINES) + " |\n|---|" + "---|" * len(BASELINES))
        for path in general_suites(tier).suites:
            suite = read_suite(path)
            shares = [score(suite, baseline(suite)) for baseline in BASELINES.values()]
            print(f"| `{path.stem}` | " + " | ".join(f"{100 * share:.1f}" for share in shares) + " |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

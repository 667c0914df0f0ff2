"""Average precision of the encoder on pairs that people judged, beside MiniLM and plain baselines; and what is paired.

    python benchmarks/same_meaning_quality.py --sts question-question.test.tsv --qqp glue_qqp_duplicate.jsonl \
        --mrpc glue_mrpc_equivalent.jsonl --paws paws_labeled_final_Meaning.jsonl [--encoder FOLDER-OR-NAME]

STS pairs count as the same from a score of 4. QQP, MRPC and PAWS come as prompts of T0 with their gold answers.
Thresholds were chosen on the even pairs; everything here is measured on the odd ones. `--encoder` adds a model of
sentence-transformers, for example a folder with all-MiniLM-L6-v2.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from assay.curate.meaning.agreement import difference
from assay.curate.meaning.encoder import load_encoder
from assay.curate.meaning.prompts import ASKED_ALIKE
from assay.text import words

SAME = 4.0
_SENTENCES = {
    "qqp": re.compile(r'questions "(.*)" and "(.*)"\. Are they', re.DOTALL),
    "mrpc": re.compile(r'"not equivalent"\?\n(.*)\n(.*)\n'),
    "paws": re.compile(r"Sentence 1: (.*)\nSentence 2: (.*)\nQuestion", re.DOTALL),
}


class Pair(NamedTuple):
    one: str
    other: str
    same: bool


Score = Callable[[Sequence[Pair]], np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("sts", *_SENTENCES):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--encoder", action="append", default=[])
    parser.add_argument("--half", choices=("even", "odd"), default="odd")
    arguments = parser.parse_args()
    sets = {"sts": read_sts(arguments.sts)} | {name: read_t0(getattr(arguments, name), name) for name in _SENTENCES}
    sets = {name: pairs[0 if arguments.half == "even" else 1 :: 2] for name, pairs in sets.items()}
    scores: dict[str, Score] = {
        "share of common words (Jaccard)": jaccard,
        "TF-IDF cosine": tf_idf,
        **{name: cosine_of(name) for name in ("static", *arguments.encoder)},
    }
    print(f"average precision, {arguments.half} pairs")
    print("| | " + " | ".join(f"{name} ({sum(p.same for p in s)} of {len(s)})" for name, s in sets.items()) + " |")
    print("|---|" + "---|" * len(sets))
    for name, score in scores.items():
        row = (f"{average_precision(score(s), np.array([p.same for p in s])):.3f}" for s in sets.values())
        print(f"| {name} | {' | '.join(row)} |")
    print(f"\npaired at a cosine of {ASKED_ALIKE}: precision / recall")
    print("| | " + " | ".join(sets) + " |\n|---|" + "---|" * len(sets))
    for name in ("static", *arguments.encoder):
        print(f"| {name}, by cosine alone | " + " | ".join(paired(s, name, False) for s in sets.values()) + " |")
        print(f"| {name}, and read | " + " | ".join(paired(s, name, True) for s in sets.values()) + " |")


def read_sts(path: Path) -> list[Pair]:
    """Pairs with a score; an empty one means that nobody judged."""
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    return [Pair(row[1], row[2], float(row[0]) >= SAME) for row in rows if row[0].strip()]


def read_t0(path: Path, name: str) -> list[Pair]:
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        item = json.loads(line)
        match = _SENTENCES[name].search(item["prompt"])
        assert match is not None, item["prompt"]
        found.append(Pair(match[1], match[2], item["completion"].lower().startswith(("yes", "equivalent"))))
    return found


def average_precision(scores: np.ndarray, same: np.ndarray) -> float:
    ordered = same[np.argsort(-scores, kind="stable")]
    return float((np.cumsum(ordered) / np.arange(1, len(ordered) + 1))[ordered].mean())


def jaccard(pairs: Sequence[Pair]) -> np.ndarray:
    sets = [(set(words(pair.one)), set(words(pair.other))) for pair in pairs]
    return np.array([len(a & b) / max(1, len(a | b)) for a, b in sets])


def tf_idf(pairs: Sequence[Pair]) -> np.ndarray:
    texts = [Counter(words(text)) for pair in pairs for text in pair[:2]]
    spread = Counter(word for counts in texts for word in counts)
    weighted = [{word: n * np.log((len(texts) + 1) / spread[word]) for word, n in counts.items()} for counts in texts]
    lengths = [np.sqrt(sum(value * value for value in row.values())) or 1.0 for row in weighted]
    products = (
        sum(value * weighted[row + 1].get(word, 0.0) for word, value in weighted[row].items())
        / (lengths[row] * lengths[row + 1])
        for row in range(0, len(texts), 2)
    )
    return np.array(list(products))


def cosine_of(name: str) -> Score:
    def score(pairs: Sequence[Pair]) -> np.ndarray:
        encoder = load_encoder(name)
        ones, others = (encoder.encode([pair[side] for pair in pairs]) for side in (0, 1))
        return np.einsum("pd,pd->p", ones, others)

    return score


def paired(pairs: Sequence[Pair], name: str, is_read: bool) -> str:
    chosen = cosine_of(name)(pairs) >= ASKED_ALIKE
    if is_read:
        encoder = load_encoder(name)
        chosen &= np.array([difference(pair.one, pair.other, encoder) is None for pair in pairs])
    same = np.array([pair.same for pair in pairs])
    hits = int((chosen & same).sum())
    return f"{hits / max(1, int(chosen.sum())):.2f} / {hits / int(same.sum()):.2f} ({int(chosen.sum())})"


if __name__ == "__main__":
    main()

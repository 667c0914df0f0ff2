"""How fast texts are encoded and pairs of one meaning found, and how many of the pairs of exact search.

    python benchmarks/same_meaning_speed.py 20000 200000 [--texts FILE...] [--threshold 0.88]

The corpus is that of corpus.py: words at random, so that no clusters help the search, which is the worst case. Real
texts come from FILE (any format that assay reads): every prompt and answer. Exact search is done for up to 2,000
randomly chosen records against all; recall is the share of their pairs that `similar_pairs` finds. One process; numpy's
matrix products take the cores that they find.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from corpus import make_corpus

from assay.curate.meaning.columns import answer_text, prompt_text
from assay.curate.meaning.encoder import load_encoder
from assay.curate.meaning.pairs import similar_pairs, stars
from assay.curate.meaning.vectors import Packed, pack
from assay.sources import ReadSettings, read

ASKED = 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", nargs="*", type=int, default=[20_000])
    parser.add_argument("--texts", nargs="*", type=Path, default=[])
    parser.add_argument("--threshold", type=float, default=0.88)
    arguments = parser.parse_args()
    load_encoder("static").encode(["warm"])
    print("| texts | records | encoded a second | pairs | seconds | records a second | recall | stars, seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for size in arguments.sizes:
        corpus = make_corpus(size)
        measure(f"corpus of {size:,}", [corpus.prompts, corpus.answers], arguments.threshold)
    if arguments.texts:
        records = list(read([str(path) for path in arguments.texts], ReadSettings()).records())
        texts = list(dict.fromkeys(text for r in records for text in (prompt_text(r), answer_text(r)) if text))
        for threshold in (0.8, arguments.threshold):
            measure(f"real texts, threshold {threshold}", [texts], threshold)


def measure(name: str, columns: list[list[str]], threshold: float) -> None:
    encoder = load_encoder("static")
    count = len(columns[0])
    codes = np.empty((count, len(columns), encoder.dimensions), np.int8)
    started = time.perf_counter()
    for side, texts in enumerate(columns):
        for start in range(0, count, 4096):
            codes[start : start + 4096, side] = pack(encoder.encode(texts[start : start + 4096]))
    encoded = count * len(columns) / (time.perf_counter() - started)
    packed = Packed(codes)
    started = time.perf_counter()
    pairs = similar_pairs(packed, threshold)
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    stars(pairs, count)
    grouped = time.perf_counter() - started
    found = set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    exact = exact_pairs(packed, threshold)
    recall = len(exact & found) / max(1, len(exact))
    print(
        f"| {name} | {count:,} | {encoded:,.0f} | {len(found):,} | {seconds:.1f} | {count / seconds:,.0f} "
        f"| {recall:.3f} of {len(exact):,} | {grouped:.1f} |",
        flush=True,
    )


def exact_pairs(packed: Packed, threshold: float) -> set[tuple[int, int]]:
    """All pairs of up to ASKED records; of identical vectors only the first, for the others hang on it."""
    rows = (
        np.ascontiguousarray(packed.codes.reshape(len(packed), -1)).view(f"V{packed.texts * packed.dimensions}").ravel()
    )
    _, first = np.unique(rows, return_index=True)
    is_first = np.zeros(len(packed), bool)
    is_first[first] = True
    asked = np.sort(np.random.default_rng(1).choice(first, min(ASKED, len(first)), replace=False))
    queries = [packed.text_rows(asked, text) for text in range(packed.texts)]
    found = set()
    for start in range(0, len(packed), 4096):
        part = slice(start, start + 4096)
        similarity = np.min([own @ packed.text_rows(part, text).T for text, own in enumerate(queries)], axis=0)
        for row, column in zip(*np.nonzero(similarity >= threshold), strict=True):
            one, other = int(asked[row]), start + int(column)
            if one != other and is_first[other]:
                found.add((min(one, other), max(one, other)))
    return found


if __name__ == "__main__":
    main()

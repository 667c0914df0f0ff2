"""How many flipped labels `label_noise` finds, on data that other people labelled, beside two plain baselines.

    python benchmarks/label_noise.py TRAIN.csv --text text --label category

Rows with an even number are what the thresholds were chosen on; this is measured on the odd ones. 5 % and 10 % of
the labels are flipped, to any other label or to the nearest one (by the centres of the labels' vectors). Precision is
understated: what is wrong in the file itself counts as a false hit. Baselines, given the true number of flips: the
records whose nearest neighbours (10, by TF-IDF cosine) have the label least, and the least probable labels.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import numpy as np

from assay.curate.check import CHECKS, Context
from assay.curate.meaning.encoder import load_encoder
from assay.curate.meaning.features import features
from assay.curate.meaning.label_noise import label_probabilities
from assay.records import Message, Record, Source, record_id, row_id

NEIGHBOURS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path)
    parser.add_argument("--text", default="text")
    parser.add_argument("--label", default="category")
    parser.add_argument("--half", choices=("even", "odd"), default="odd")
    arguments = parser.parse_args()
    with arguments.path.open(encoding="utf-8", newline="") as file:
        rows = [(row[arguments.text], row[arguments.label]) for row in csv.DictReader(file)]
    rows = rows[0 if arguments.half == "even" else 1 :: 2]
    texts, labels = [text for text, _ in rows], [label for _, label in rows]
    print(f"{len(texts):,} records, {len(set(labels))} labels, {arguments.half} rows of {arguments.path.name}")
    print(f"as it is: {len(found_in(texts, labels)[0])} labels doubted")
    print("| flips | found | precision | recall | nearest neighbours: precision = recall | least probable | seconds |")
    print("|---|---|---|---|---|---|---|")
    for kind in ("random", "nearest"):
        for rate in (0.05, 0.1):
            flipped, where = flip(texts, labels, rate, kind)
            found, seconds = found_in(texts, flipped)
            hits = len(found & where)
            neighbours, probable = baselines(texts, flipped, len(where))
            print(
                f"| {rate:.0%} {kind} | {len(found)} | {hits / max(1, len(found)):.2f} | {hits / len(where):.2f} "
                f"| {len(neighbours & where) / len(where):.2f} | {len(probable & where) / len(where):.2f} "
                f"| {seconds:.1f} |"
            )


def found_in(texts: list[str], labels: list[str]) -> tuple[set[int], float]:
    records = [_record(text, label, row) for row, (text, label) in enumerate(zip(texts, labels, strict=True))]
    started = time.perf_counter()
    found = {finding.source.row for finding in CHECKS.get("label_noise").function(records, Context(records))}
    return found, time.perf_counter() - started


def flip(texts: list[str], labels: list[str], rate: float, kind: str) -> tuple[list[str], set[int]]:
    random = np.random.default_rng(7)
    names = sorted(set(labels))
    number = np.array([names.index(label) for label in labels])
    where = random.permutation(len(labels))[: int(rate * len(labels))]
    if kind == "random":
        number[where] = (number[where] + random.integers(1, len(names), len(where))) % len(names)
    else:
        vectors = load_encoder("static").encode(texts)
        vectors -= vectors.mean(axis=0)
        centres = np.array([vectors[number == label].mean(axis=0) for label in range(len(names))])
        centres /= np.linalg.norm(centres, axis=1, keepdims=True)
        similarity = centres @ centres.T
        np.fill_diagonal(similarity, -2.0)
        number[where] = similarity.argmax(axis=1)[number[where]]
    return [names[label] for label in number], set(where.tolist())


def baselines(texts: list[str], labels: list[str], count: int) -> tuple[set[int], set[int]]:
    """The `count` records whose label the nearest neighbours have least, and those whose label is least probable."""
    rows = features(texts, None)
    names = sorted(set(labels))
    number = np.array([names.index(label) for label in labels])
    agreement = np.zeros(len(texts))
    for start in range(0, len(texts), 1024):
        similarity = rows[start : start + 1024] @ rows.T
        similarity[np.arange(len(similarity)), np.arange(start, start + len(similarity))] = -2.0
        nearest = np.argpartition(-similarity, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        agreement[start : start + len(similarity)] = (number[nearest] == number[start : start + 1024, None]).mean(
            axis=1
        )
    probability = label_probabilities(rows, number, len(names))[np.arange(len(texts)), number]
    return set(np.argsort(agreement, kind="stable")[:count].tolist()), set(np.argsort(probability)[:count].tolist())


def _record(text: str, label: str, row: int) -> Record:
    turns = (Message("user", text), Message("assistant", label))
    return Record(record_id(turns), row_id("benchmark", row), turns, Source("benchmark", row + 1, row))


if __name__ == "__main__":
    main()

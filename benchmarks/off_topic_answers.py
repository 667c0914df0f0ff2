"""How many shuffled answers `off_topic_answer` finds in real conversations, and whether it sees shifted rows.

    python benchmarks/off_topic_answers.py FILE...

The threshold was chosen on other shuffles of the Alpaca demo and the glaive demo of LLaMA-Factory; any other file is
a fresh measure. Of each file the odd rows are taken (`--half even` for the others). 5 % of the answers change places,
five times with another seed; then a fifth of the rows is shifted by one.
Baseline: as many records as were shuffled, those of the lowest cosine of prompt and answer.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from assay.curate.check import CHECKS, Context
from assay.curate.meaning.columns import answer_text, prompt_text
from assay.curate.meaning.encoder import load_encoder
from assay.findings import Severity
from assay.records import Record
from assay.sources import ReadSettings, read

SHUFFLED, SEEDS = 0.05, 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--half", choices=("even", "odd"), default="odd")
    arguments = parser.parse_args()
    print(
        "| file | records | found as it is | shuffled | precision | recall | lowest cosine: both | shift of a fifth |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for path in arguments.files:
        records = list(read([str(path)], ReadSettings()).records())[0 if arguments.half == "even" else 1 :: 2]
        if len(records) < 40:
            continue
        untouched = len(found_in(records)[0])
        hits = found = wrong = baseline = 0
        for seed in range(SEEDS):
            moved, where = shuffled(records, seed)
            rows, _ = found_in(moved)
            hits, found, wrong = hits + len(rows & where), found + len(rows), wrong + len(where)
            baseline += len(lowest(moved, len(where)) & where)
        print(
            f"| {path.name} | {len(records)} | {untouched} | {wrong} | {hits / max(1, found):.2f} | {hits / wrong:.2f} "
            f"| {baseline / wrong:.2f} | {shift_seen(records)} |"
        )


def found_in(records: list[Record]) -> tuple[set[int], set[int]]:
    """Positions of all findings, and of those of slipped rows."""
    place = {record.row_id: position for position, record in enumerate(records)}
    findings = list(CHECKS.get("off_topic_answer").function(records, Context(records)))
    return (
        {place[finding.row_id] for finding in findings},
        {place[finding.row_id] for finding in findings if finding.severity is Severity.ERROR},
    )


def shuffled(records: list[Record], seed: int) -> tuple[list[Record], set[int]]:
    where = np.random.default_rng(seed).permutation(len(records))[: max(4, int(SHUFFLED * len(records)))]
    return answered(records, where, np.roll(where, 1)), set(where.tolist())


def answered(records: list[Record], positions: np.ndarray, others: np.ndarray) -> list[Record]:
    """The records with the assistant turns of others where they have as many, else with the last of them."""
    out = list(records)
    for position, other in zip(positions.tolist(), others.tolist(), strict=True):
        given = [turn for turn in records[other].messages if turn.role == "assistant"]
        turns = [turn for turn in records[position].messages if turn.role != "assistant"]
        out[position] = replace(records[position], messages=(*turns, *given))
    return out


def shift_seen(records: list[Record]) -> str:
    first = len(records) // 3
    last = first + max(12, len(records) // 5)
    rows = np.arange(first, last)
    _, slipped = found_in(answered(records, rows, np.roll(rows, 1)))
    return f"{len(slipped & set(rows.tolist()))} of {last - first} rows, {len(slipped - set(rows.tolist()))} others"


def lowest(records: list[Record], count: int) -> set[int]:
    encoder = load_encoder("static")
    prompts = encoder.encode([prompt_text(record) for record in records])
    answers = encoder.encode([answer_text(record) for record in records])
    return set(np.argsort(np.einsum("rd,rd->r", prompts, answers), kind="stable")[:count].tolist())


if __name__ == "__main__":
    main()

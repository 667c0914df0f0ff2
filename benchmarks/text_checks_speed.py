"""Microseconds a record of each check that looks at one record, and their sum, on one core.

    python benchmarks/text_checks_speed.py [FILE ...]

On the made corpus of benchmarks/corpus.py (100 words a record), and on each file that is given. Checks that need a
target model, a suite or a file of rules are left out.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from corpus import make_corpus

from assay.curate.check import SAMPLED_RECORDS, Context, evenly
from assay.curate.settings import ActiveCheck, CurateSettings, active_checks
from assay.records import Record
from assay.sources import read
from assay.sources.convert import as_dataset

RECORDS = 5_000
ROUNDS = 3
BATCH = 1_000


def checks() -> list[ActiveCheck]:
    items = [item for item in active_checks(CurateSettings()) if item.check.scope == "record"]
    return [item for item in items if Context([]).missing(item.check) is None]


def made() -> list[Record]:
    corpus = make_corpus(RECORDS)
    pairs = zip(corpus.prompts, corpus.answers, strict=True)
    return list(as_dataset([{"prompt": prompt, "completion": answer} for prompt, answer in pairs]).records())


def seconds(item: ActiveCheck, records: Sequence[Record], sample: Sequence[Record]) -> tuple[float, int]:
    """Processor time of the best of several rounds, what is computed once a process left out; and the findings."""
    context = Context(records, sampled=sample)
    for record in records[:50]:
        list(item.check.function(record, context, **item.settings))
    best, found = float("inf"), 0
    for _ in range(ROUNDS):
        started, found = time.process_time(), 0
        for record in records:
            found += sum(1 for _ in item.check.function(record, context, **item.settings))
        best = min(best, time.process_time() - started)
    return best, found


def show(name: str, records: Sequence[Record]) -> None:
    words = sum(len(message.content.split()) for record in records for message in record.messages if message.content)
    print(f"\n{name}: {len(records):,} records of {words / max(1, len(records)):.0f} words\n")
    print(f"{'check':<28}{'us a record':>12}{'findings':>10}")
    total = 0.0
    sample = evenly(records, SAMPLED_RECORDS)
    for item in checks():
        spent, found = seconds(item, records, sample)
        total += spent
        print(f"{item.name:<28}{spent / len(records) * 1e6:>12.2f}{found:>10,}")
    print(f"{'together':<28}{total / len(records) * 1e6:>12.2f}   {len(records) / total:,.0f} records a second")


def main() -> None:
    show("made", made())
    for path in sys.argv[1:]:
        show(path, list(read([path]).records()))


if __name__ == "__main__":
    main()

"""How many records a second one core searches for personal data and secrets, all patterns on, beside others.

    python benchmarks/personal_data_speed.py [--records 50000]

Records are the corpus of 100 words, as it is and with numbers and values planted: a year, a price and a time in half
of the records, which no pattern should fall for, and an e-mail address, a telephone number, a card or a password in 5
of 100. The three checks (personal_data, contact_details, secret) run as the engine runs them, batch by batch, findings
included. The others look at fewer records and search the same texts: a loop of the same patterns through `re` without
prefilter and windows, and presidio-analyzer's pattern recognisers over a blank spaCy pipeline where it is installed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np
from corpus import make_corpus

from assay.records import Message, Record, Source

BATCH = 4096
PLANTED = (
    "write to maria.keller{n}@mailbox.org", "call +49 30 9018{n:04d}", "card 4539 5787 6362 1486",
    "password = 'Xk9!vbQ{n}rr'",
)  # fmt: skip
ORDINARY = "In 2019 it was $1,299.95 at 12:30, 3.5 % less than in 2018-2019."


def texts_of(records: int, planted: bool) -> list[tuple[str, str]]:
    corpus = make_corpus(records)
    pairs = list(zip(corpus.prompts, corpus.answers, strict=True))
    if not planted:
        return pairs
    random = np.random.default_rng(1)
    chances = random.random((records, 2))
    for index, (ordinary, value) in enumerate(chances):
        prompt, answer = pairs[index]
        prompt += f" {ORDINARY}" if ordinary < 0.5 else ""
        answer += f" {PLANTED[index % len(PLANTED)].format(n=index % 9000)}" if value < 0.05 else ""
        pairs[index] = (prompt, answer)
    return pairs


def as_records(pairs: Sequence[tuple[str, str]]) -> list[Record]:
    return [
        Record(str(n), str(n), (Message("user", prompt), Message("assistant", answer)), Source("a", n, n))
        for n, (prompt, answer) in enumerate(pairs)
    ]


def by_assay(records: Sequence[Record]) -> int:
    """Records in which something is found."""
    from assay.curate.check import CHECKS, Context

    checks = [CHECKS.get(name) for name in ("contact_details", "personal_data", "secret")]
    context = Context()
    found: set[str] = set()
    for start in range(0, len(records), BATCH):
        batch = records[start : start + BATCH]
        own = context.over(batch)
        for check in checks:
            for record in batch:
                found.update(finding.row_id for finding in check.function(record, own))
    return len(found)


def by_loop(records: Sequence[Record]) -> int:
    from assay.curate.personal.scan import PATTERNS

    compiled = [(pattern, pattern.compiled) for pattern in PATTERNS]
    found = 0
    for record in records:
        text = "\n".join(message.content or "" for message in record.messages)
        hits = [match for pattern, regex in compiled for match in regex.finditer(text)]
        found += bool(hits)
    return found


def by_presidio() -> Callable[[Sequence[Record]], int] | None:
    try:
        import spacy
        from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
        from presidio_analyzer.nlp_engine import SpacyNlpEngine
    except ImportError:
        return None

    class Blank(SpacyNlpEngine):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.nlp = {"en": spacy.blank("en")}

    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    engine = AnalyzerEngine(registry=registry, nlp_engine=Blank(), supported_languages=["en"])

    def run(records: Sequence[Record]) -> int:
        texts = ["\n".join(message.content or "" for message in record.messages) for record in records]
        return sum(bool(engine.analyze(text=text, language="en")) for text in texts)

    return run


def rate(run: Callable[[Sequence[Record]], int], records: Sequence[Record], times: int = 1) -> tuple[float, int]:
    """Records a second of processor time, the best of several runs, and how many had something."""
    best, found = 0.0, 0
    for _ in range(times):
        began = time.process_time()
        found = run(records)
        best = max(best, len(records) / (time.process_time() - began))
    return best, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--records", type=int, default=50_000)
    given = parser.parse_args()
    presidio = by_presidio()
    for name, planted in (("the corpus as it is", False), ("with numbers in 50 % and values in 5 %", True)):
        records = as_records(texts_of(given.records, planted))
        assay, found = rate(by_assay, records, times=3)
        loop, _ = rate(by_loop, records[: max(1, given.records // 50)])
        print(f"\n{len(records):,} records, {name}; {found:,} with something")
        print(f"{'assay, three checks':44}{assay:>12,.0f} records a second a core")
        print(f"{'the same patterns in a loop of re':44}{loop:>12,.0f}   1 / {assay / loop:,.0f}")
        if presidio is None:
            print("presidio-analyzer is not installed: pip install presidio-analyzer")
        else:
            other, _ = rate(presidio, records[: max(1, given.records // 100)])
            print(f"{'presidio-analyzer, pattern recognisers':44}{other:>12,.0f}   1 / {assay / other:,.0f}")


if __name__ == "__main__":
    main()

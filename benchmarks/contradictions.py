"""Claim: contradictions are found by kind with a precision of 0.90 and more, and hard negatives are left alone.

    python benchmarks/contradictions.py DATA [--part tune|test|fresh] [--nli MODEL] [--judge PROVIDER MODEL]

DATA is a folder of real data (see contradiction_sets/). Every pair of answers becomes two records under a system turn
of its own, all of them one data set, and the check `contradiction` runs over it as it does in an audit: what it does
not even take for candidates counts as not found. Rules were tuned on the part "tune" only; whether a pair is in "tune"
or "test" is decided by a hash of its prompt and source. "test" was run more than once while the check was built;
"fresh" is made of records and templates that neither holds, and was run once.

precision of a kind  of the pairs that the check calls by that kind, those that do contradict each other
recall of a kind     of the contradictions made or labelled as that kind, those that the check finds under any name
named right          of those found, the share that it calls by that kind
A contradiction of `free` (CAD, FEVER, TruthfulQA) may rightly be found as a number, a date or a name; by its own name
it is reported only where a confirmer agrees.
Nothing is pooled over kinds.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assay.curate.check import CHECKS, Context
from assay.curate.contradictions.confirm import make_confirmer, make_judge
from assay.curate.contradictions.confirmers import Confirmer, ConfirmSettings, JudgeSettings
from assay.protocols import Price
from assay.records import Message, Record, Source, record_id, row_id
from assay.stages import SynthSettings, make_provider
from benchmarks.contradiction_sets.halves import build
from benchmarks.contradiction_sets.hold_out import build_fresh
from benchmarks.contradiction_sets.item import POSITIVE, Item, negatives


def main() -> None:
    arguments = _arguments()
    items = _part(arguments.data, arguments.part)
    print(f"part: {arguments.part}; {len(items):,} pairs")
    for name, confirmer in _confirmers(arguments):
        if isinstance(confirmer, str):
            print(f"\n{name}: {confirmer}")
            continue
        started = time.perf_counter()
        found = detect(items, confirmer)
        print(f"\n{name}, {time.perf_counter() - started:.1f} s")
        print_contradictions(items, found)
        print_by_source(items, found)
        print_negatives(items, found)
        for kind in arguments.errors or ():
            print_errors(items, found, kind, arguments.show)


def _part(data: Path, part: str) -> list[Item]:
    return build_fresh(data) if part == "fresh" else [item for item in build(data) if item.half == part]


def _confirmers(arguments: argparse.Namespace) -> Iterator[tuple[str, Confirmer | str | None]]:
    """Each with its name; a text says why one is not there."""
    yield "rules alone", None
    if arguments.nli is None:
        yield "with an NLI model", "not available in this run (--nli MODEL)"
    else:
        yield f"with the NLI model {arguments.nli}", make_confirmer(ConfirmSettings(nli=arguments.nli))
    if arguments.judge is None:
        yield "with a judge", "not available in this run (--judge PROVIDER MODEL --price IN OUT --max-usd N)"
        return
    provider, model = arguments.judge
    settings = JudgeSettings(provider, model, arguments.max_usd)
    price = Price(*arguments.price)
    asked = make_provider(SynthSettings(provider=provider, model=model, temperature=0.0, price=price), None)
    yield f"with the judge {provider} {model}", make_judge(settings, asked, price, Path(".assay"), print)


def detect(items: Sequence[Item], confirmer: Confirmer | None = None) -> list[str | None]:
    """Of each item the kind of contradiction that the check calls it, or None."""
    records: list[Record] = []
    for number, item in enumerate(items):
        system = Message("system", f"You answer questions of customer {number}.")
        for prompt, answer in ((item.prompt, item.first), (item.second_prompt or item.prompt, item.second)):
            messages = (system, Message("user", prompt), Message("assistant", answer))
            row = len(records)
            records.append(Record(record_id(messages), row_id("pairs", row), messages, Source("pairs", row + 1, row)))
    confirm = None if confirmer is None else {"nli": confirmer.name}
    kinds: list[str | None] = [None] * len(items)
    check = CHECKS.get("contradiction")
    for finding in check.function(records, Context(records, confirmer=confirmer), confirm=confirm):
        if "kind" in finding.evidence:
            kinds[finding.source.row // 2] = str(finding.evidence["kind"])
    return kinds


def print_contradictions(items: Sequence[Item], found: Sequence[str | None]) -> None:
    print(f"\n{'kind':12}{'pairs':>7}{'recall':>8}{'named right':>13}{'called so':>11}{'precision':>11}")
    for kind in POSITIVE:
        true = [(item, name) for item, name in zip(items, found, strict=True) if item.kind == kind]
        hit = [name for _, name in true if name is not None]
        called = [item for item, name in zip(items, found, strict=True) if name == kind]
        right = sum(item.kind in POSITIVE for item in called)
        precision = f"{right / len(called):.3f}" if called else "-"
        named = f"{sum(name == kind for name in hit) / len(hit):.2f}" if hit else "-"
        print(f"{kind:12}{len(true):>7}{len(hit) / max(1, len(true)):>8.3f}{named:>13}{len(called):>11}{precision:>11}")


def print_by_source(items: Sequence[Item], found: Sequence[str | None]) -> None:
    groups: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for item, name in zip(items, found, strict=True):
        if item.kind in POSITIVE:
            groups[item.kind, item.source].append(name is not None)
    print("\nrecall by source")
    for (kind, source), hits in groups.items():
        print(f"  {kind:10}{source:34}{len(hits):>6}{sum(hits) / len(hits):>8.3f}")


def print_negatives(items: Sequence[Item], found: Sequence[str | None]) -> None:
    print(f"\n{'hard negatives':40}{'pairs':>7}{'false hits':>12}   called")
    for kind in negatives(items):
        names = [name for item, name in zip(items, found, strict=True) if item.kind == kind]
        hits = Counter(name for name in names if name is not None)
        share = sum(hits.values()) / len(names)
        print(f"{kind:40}{len(names):>7}{share:>11.1%}   {', '.join(f'{k} {n}' for k, n in hits.most_common())}")


def print_errors(items: Sequence[Item], found: Sequence[str | None], kind: str, show: int) -> None:
    """Misses of a kind of contradiction, or false hits of a kind of negative."""
    wrong = [
        (item, name)
        for item, name in zip(items, found, strict=True)
        if item.kind == kind and (name is None) is (kind in POSITIVE)
    ]
    print(f"\n==== wrong in {kind}: {len(wrong)}")
    for item, name in wrong[:: max(1, len(wrong) // show)][:show]:
        print(f"\n[{item.source}] called {name}\n  P {item.prompt[:150]!r}")
        print(f"  1 {item.first[:300]!r}\n  2 {item.second[:300]!r}")
        if item.second_prompt is not None:
            print(f"  P2 {item.second_prompt[:150]!r}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--part", choices=["tune", "test", "fresh"], default="tune")
    parser.add_argument("--nli", metavar="MODEL", help="hub id or folder of a sequence-classification model")
    parser.add_argument("--judge", nargs=2, metavar=("PROVIDER", "MODEL"))
    parser.add_argument("--price", nargs=2, type=float, default=[0.0, 0.0], help="dollars a million tokens in and out")
    parser.add_argument("--max-usd", type=float, default=1.0)
    parser.add_argument("--errors", metavar="KIND", nargs="+", help="print what is wrong in this kind; of tune only")
    parser.add_argument("--show", type=int, default=12)
    arguments = parser.parse_args()
    if arguments.errors and arguments.part != "tune":
        parser.error("errors are read on the part that is tuned on")
    return arguments


if __name__ == "__main__":
    main()

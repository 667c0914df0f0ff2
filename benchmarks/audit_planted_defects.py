"""Claim: the audit finds the planted defects of the sample data, and little else; common practice finds fewer.

    python benchmarks/audit_planted_defects.py [--model smollm2-135m-instruct] [--data FOLDER]

Prints, by kind, how many records were planted, found, missed and falsely flagged, and precision and recall, beside
the same figures of what is done without a tool of this sort: pandas' drop_duplicates, datasketch's MinHash LSH as
its documentation shows it (where installed), the format checks of OpenAI's fine-tuning guide, regular expressions,
exact matching. Then every miss and every false alarm. Nothing is pooled.

A kind counts as found on a record when the check of that name has a finding of severity error or warning about
it. Each record of a group counts for the kinds that concern groups (duplicates, contradictions): nobody can know
from the data which of two answers is wrong. A finding of a kind that the ground truth names for that record
("kind" or "also") is no false alarm. With --model the checks of its chat template run too; what they say of the
model is no planted defect, and is counted apart. The sample data was written beside the checks: for data that the
checks have never seen, see audit_injected_defects.py.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assay.curate.check import Decision
from assay.curate.stage import Audited, audit
from assay.findings import Severity
from assay.records import Record
from assay.sources import read
from assay.suites import evaluation_texts, read_suites

SAMPLE_DATA = Path(__file__).resolve().parent.parent / "sample_data"
OTHER_NAMES = {"json_syntax": ("cut_off_answer", "repetition"), "boilerplate": ("contradiction_refusal",)}
"""What else a planted defect may rightly be called: an answer of JSON that is cut off does not parse."""

GROUPS = ("exact_duplicate", "near_duplicate", "contradiction")
OF_THE_READER = {"unknown_role": ("unknown_role", "unreadable_row")}
"""Kinds for which the row may be refused when it is read, before any check."""

Truth = Mapping[int, Sequence[Mapping[str, object]]]
Flags = Mapping[int, Mapping[str, str]]
"""{line: {kind: what was said of it}}"""


@dataclass
class Score:
    planted: int = 0
    found: int = 0
    false_alarms: list[str] = field(default_factory=list)
    misses: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float | None:
        return self.found / self.planted if self.planted else None

    @property
    def precision(self) -> float | None:
        flagged = self.found + len(self.false_alarms)
        return self.found / flagged if flagged else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SAMPLE_DATA)
    parser.add_argument("--model", help="target model, for the checks of its chat template")
    arguments = parser.parse_args()
    truth = read_truth(arguments.data / "ground_truth.jsonl")
    started = time.perf_counter()
    audited = run_audit(arguments.data, arguments.model)
    seconds = time.perf_counter() - started
    scores = score(flags_of(audited), truth)
    print(f"{len(audited.data):,} records, {seconds:.1f} s\n")
    print_table(scores, score(common_practice(audited, arguments.data), truth, tells_contradictions=False))
    for kind, item in sorted(scores.items()):
        for line in item.misses:
            print(f"missed       {kind:26} {line}")
        for line in item.false_alarms:
            print(f"false alarm  {kind:26} {line}")
    weak = [kind for kind, item in scores.items() if min(item.precision or 0.0, item.recall or 0.0) < 0.9]
    print(f"\nbelow 0.90: {', '.join(sorted(weak)) or 'none'}")
    for name, count in sorted(of_the_model(audited).items()):
        print(f"of the model's template, not planted: {name} on {count} records")
    return 1 if weak else 0


def print_table(scores: Mapping[str, Score], others: Mapping[str, Score]) -> None:
    columns = ("planted", "found", "missed", "false", "precision", "recall")
    print(f"{'':26}{'assay':>42}{'common practice':>26}")
    print(
        f"{'kind':26}"
        + "".join(f"{name:>{max(8, len(name) + 1)}}" for name in columns)
        + f"{'precision':>16}{'recall':>10}"
    )
    for kind, item in sorted(scores.items()):
        other = others.get(kind, Score(item.planted))
        print(
            f"{kind:26}{item.planted:8}{item.found:8}{len(item.misses):8}{len(item.false_alarms):8}"
            f"{_share(item.precision):>10}{_share(item.recall):>8}{_share(other.precision):>16}{_share(other.recall):>10}"
        )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def run_audit(folder: Path, model: str | None = None) -> Audited:
    target = None
    if model is not None:
        from assay.chat import load_target

        target = load_target(model, say=lambda line: print(line, file=sys.stderr))
    suites = read_suites(sorted((folder / "suites").glob("*.yaml")))
    return audit(read([str(folder / "tickets.jsonl")]), None, target, suites)


def read_truth(path: Path) -> Truth:
    """{line: what is true of it}"""
    truth: dict[int, list[Mapping[str, object]]] = defaultdict(list)
    for text in path.read_text(encoding="utf-8").splitlines():
        item = json.loads(text)
        truth[item["line"]].append(item)
    return truth


def flags_of(audited: Audited) -> Flags:
    """What the audit says of each line; the model's template aside, info, and checks that keep what they find.

    The last state what a curator should know (two answers to one prompt, an answer in another style), and claim no
    defect.
    """
    template = {item.name for item in audited.checks if "target" in item.check.needs}
    facts = {item.name for item in audited.checks if item.decision is Decision.KEEP}
    found: dict[int, dict[str, str]] = defaultdict(dict)
    for finding in audited.findings:
        if finding.severity is Severity.INFO or finding.check in facts or finding.check in template:
            continue
        if finding.source.line is not None:
            detail = f"_{finding.evidence['kind']}" if finding.check == "contradiction" else ""
            found[finding.source.line][finding.check + detail] = finding.message
    return found


def of_the_model(audited: Audited) -> Mapping[str, int]:
    """{check of the chat template: records that it found something in}"""
    template = {item.name for item in audited.checks if "target" in item.check.needs}
    return {name: counts["records"] for name, counts in audited.summary.items() if name in template}


def score(found: Flags, truth: Truth, *, tells_contradictions: bool = True) -> dict[str, Score]:
    """tells_contradictions: false where the kinds of contradiction count as one, for what cannot tell them apart."""
    scores: dict[str, Score] = defaultdict(Score)
    for line, items in truth.items():
        for item in items:
            kind = str(item["kind"])
            if kind == "clean_trap" or not (item["role"] == "defect" or kind.startswith(GROUPS)):
                continue
            scores[kind].planted += 1
            if any(name in found.get(line, {}) for name in OF_THE_READER.get(kind, (kind,))):
                scores[kind].found += 1
            else:
                scores[kind].misses.append(f"line {line}: {item['note']}")
    for line, kinds in found.items():
        true = {str(name) for item in truth.get(line, ()) for name in (item["kind"], *_also(item))}
        for kind, message in kinds.items():
            right = not true.isdisjoint((kind, *OTHER_NAMES.get(kind, ())))
            right = right or (kind == "unreadable_row" and "unknown_role" in true)
            if kind.startswith("contradiction") and not tells_contradictions:
                right = any(name.startswith("contradiction") for name in true)
            if not right:
                scores[kind].false_alarms.append(f"line {line}: {message[:120]}")
    return dict(scores)


def _also(item: Mapping[str, object]) -> list[str]:
    also = item.get("also")
    return [str(name) for name in also] if isinstance(also, list) else []


def common_practice(audited: Audited, folder: Path) -> Flags:
    """What is done without a tool of this sort, kind by kind."""
    records = list(audited.data.records())
    suites = read_suites(sorted((folder / "suites").glob("*.yaml")))
    asked = {item.text for item in evaluation_texts(suites)}
    found: dict[int, dict[str, str]] = defaultdict(dict)
    for kind, test in _RULES.items():
        for record in records:
            if test(record):
                found[record.source.line or 0][kind] = "a rule"
    for kind, flagged in (
        ("exact_duplicate", drop_duplicates(records)),
        ("near_duplicate", minhash_lsh(records)),
        ("evaluation_leak", (record for record in records if _last_user(record) in asked)),
    ):
        for record in flagged:
            found[record.source.line or 0][kind] = "a rule"
    for record, kind in several_answers(records):
        found[record.source.line or 0][kind] = "the prompt has several answers"
    return found


def _last_user(record: Record) -> str:
    return next((message.content or "" for message in reversed(record.messages) if message.role == "user"), "")


def _text(record: Record) -> str:
    return "\n".join(message.content or "" for message in record.messages)


_RULES: Mapping[str, Callable[[Record], bool]] = {
    # The checks of OpenAI's fine-tuning guide: a known role, content or a call in each message, an assistant's answer.
    "unknown_role": lambda r: any(
        m.role not in ("system", "user", "assistant", "function", "tool") for m in r.messages
    ),
    "empty_turn": lambda r: any(not m.content and not m.tool_calls for m in r.messages),
    "no_answer": lambda r: not any(m.role == "assistant" for m in r.messages),
    "over_long_answer": lambda r: len(_text(r).split()) > 16_385 * 0.75,
    # What people write in a notebook.
    "unfilled_placeholder": lambda r: re.search(r"\{\{.*?\}\}|\[[A-Z_ ]+\]", _text(r)) is not None,
    "cut_off_answer": lambda r: bool(r.answer.strip()) and r.answer.strip()[-1] not in ".!?}])\"'`",
    "special_token_in_text": lambda r: "<|" in _text(r) or "</s>" in _text(r),
    "repetition": lambda r: 0 < len(set(r.answer.split())) < 0.2 * len(r.answer.split()),
}


def drop_duplicates(records: Sequence[Record]) -> Iterable[Record]:
    """pandas' duplicated, every copy of a record."""
    import pandas as pd

    frame = pd.Series([json.dumps([(m.role, m.content) for m in record.messages]) for record in records])
    return [record for record, copy in zip(records, frame.duplicated(keep=False), strict=True) if copy]


def minhash_lsh(records: Sequence[Record]) -> Iterable[Record]:
    """datasketch as its documentation shows it: 128 permutations, threshold 0.8, no verification."""
    try:
        from datasketch import MinHash, MinHashLSH
    except ImportError:
        return []
    index, sketches = MinHashLSH(threshold=0.8, num_perm=128), {}
    for record in {record.id: record for record in records}.values():
        words = re.findall(r"\w+", _text(record).lower())
        sketch = MinHash(num_perm=128)
        for start in range(max(1, len(words) - 4)):
            sketch.update(" ".join(words[start : start + 5]).encode())
        index.insert(record.row_id, sketch)
        sketches[record.row_id] = sketch
    alike = {row for row, sketch in sketches.items() if len(index.query(sketch)) > 1}
    return [record for record in records if record.row_id in alike]


def several_answers(records: Sequence[Record]) -> Iterable[tuple[Record, str]]:
    """groupby(prompt).nunique() > 1; claimed as every kind of contradiction, since it cannot tell them apart."""
    groups: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        groups[_last_user(record)].append(record)
    for rows in groups.values():
        if len({record.answer for record in rows}) > 1:
            for record in rows:
                for kind in ("number", "date", "polarity", "label", "refusal"):
                    yield record, f"contradiction_{kind}"


if __name__ == "__main__":
    sys.exit(main())

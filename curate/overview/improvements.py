"""What would most improve the data: each with the records that it concerns and the command to type.

First what keeps the data from being fit at all, then by the number of records concerned.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.findings import Fate, Finding, Severity
from assay.records import Json

from ..reviews.replay import REVIEWED
from ..settings import USABLE_RECORDS, CurateSettings
from .composition import FEWEST_A_LABEL, Composition
from .reading import Reading

if TYPE_CHECKING:
    import pyarrow as pa

LINKED = 20
"""Row ids that are given of each."""

LARGE_SHARE = 0.5
LOPSIDED = 10
"""The largest label has so many times the records of the middle one."""


@dataclass(frozen=True)
class Improvement:
    """One thing to do.

    about    words of records that it is about, or ""
    records  how many it concerns, or how many are missing
    rows     some of them, by row id
    anchor   the part of the report that shows them
    command  to type; DATA and OUT stand for the user's
    blocks   without it the data is not fit
    """

    text: str
    records: int
    command: str
    anchor: str
    rows: tuple[str, ...] = ()
    blocks: bool = False
    about: str = ""

    @property
    def sentence(self) -> str:
        return f"{self.text[:-1]} ({self.about})." if self.about else self.text

    def to_json(self) -> dict[str, Json]:
        return {
            "text": self.sentence,
            "records": self.records,
            "command": self.command,
            "row_ids": list(self.rows),
            "blocks": self.blocks,
        }


def improvements(
    ledger: pa.Table,
    findings: Sequence[Finding],
    not_judged: Mapping[str, str],
    composition: Composition,
    reading: Reading,
    settings: CurateSettings,
) -> tuple[Improvement, ...]:
    """What to do, the most important first."""
    found = [
        *_too_few(composition, settings),
        *_by_fate(ledger, settings),
        *_only_told(findings),
        *_not_judged(not_judged, ledger.num_rows),
        *_unread(reading),
        *_unbalanced(composition),
    ]
    return tuple(sorted(found, key=lambda item: (not item.blocks, -item.records, item.text)))


def _too_few(composition: Composition, settings: CurateSettings) -> Iterator[Improvement]:
    low, high = USABLE_RECORDS[settings.purpose]
    missing = low - composition.usable
    if missing > 0:
        yield Improvement(
            f"Collect or generate {missing:,} more records: '{settings.purpose}' usually takes {low:,} to {high:,}, "
            f"and {composition.usable:,} are usable.",
            missing,
            "assay synth DATA -o MORE",
            "consists-of",
            blocks=composition.usable < settings.fewest_records,
        )


def _by_fate(ledger: pa.Table, settings: CurateSettings) -> Iterator[Improvement]:
    """What waits for a person, and what is lost for another reason than being a duplicate."""
    rows: dict[str, list[tuple[str, str]]] = defaultdict(list)
    columns = ("row_id", "fate", "reasons", "kept_row_id")
    for row_id, fate, reasons, kept in zip(*(ledger.column(name).to_pylist() for name in columns), strict=True):
        if fate == Fate.HELD or (fate == Fate.DROPPED and kept is None and reasons != [REVIEWED]):
            rows[fate].append((row_id, reasons[0] if reasons else ""))
    lost = len(rows[Fate.HELD]) + len(rows[Fate.DROPPED])
    blocks = lost > settings.max_lost_share * ledger.num_rows
    for fate, verb, command in (
        (Fate.HELD, "Decide on", "assay curate DATA -o OUT --reviews OUT/held.csv    (filled in)"),
        (Fate.DROPPED, "Mend at their source, or leave out,", "assay curate DATA -o OUT"),
    ):
        own = rows[fate]
        if own:
            causes = Counter(reason for _, reason in own).most_common()
            named = ", ".join(f"{name} {count:,}" for name, count in causes[:3]) + (", ..." if len(causes) > 3 else "")
            word = "held records" if fate is Fate.HELD else "rows that curate drops"
            linked = tuple(row for row, _ in own[:LINKED])
            yield Improvement(f"{verb} {len(own):,} {word} ({named}).", len(own), command, causes[0][0], linked, blocks)


def _only_told(findings: Sequence[Finding]) -> Iterator[Improvement]:
    """Contradicting answers and the like that curate keeps: whoever knows the subject can tell."""
    rows: dict[str, dict[str, None]] = defaultdict(dict)
    for finding in findings:
        if finding.severity is Severity.WARNING and finding.check == "conflicting_answers":
            rows[finding.check][finding.row_id] = None
    for name, own in rows.items():
        yield Improvement(
            f"Look at {len(own):,} records that {name} found and curate keeps.",
            len(own),
            f"assay curate DATA -o OUT --set curate.checks.{name}.decision=hold",
            name,
            tuple(own)[:LINKED],
        )


def _not_judged(not_judged: Mapping[str, str], rows: int) -> Iterator[Improvement]:
    reasons = list(not_judged.values())
    if any("--model" in why for why in reasons):
        text = "Name the model that will be trained: what its chat template does to each record was not judged."
        yield Improvement(text, rows, "assay audit DATA --model NAME", "not-judged")
    if any("--suite" in why for why in reasons):
        text = "Name the suites that will test the model: whether their items are in the data was not judged."
        yield Improvement(text, rows, "assay audit DATA --suite FILE", "not-judged")


def _unread(reading: Reading) -> Iterator[Improvement]:
    unread = reading.unread
    if unread:
        yield Improvement(
            f"Read {len(unread):,} records drawn at random: how many of the {reading.frame:,} that no check flagged "
            f"are wrong, {'nobody knows' if not reading.read else 'is known roughly'}.",
            len(unread),
            "assay curate DATA -o OUT --reviews OUT/to_read.csv    (filled in)",
            "to-read",
            tuple(chosen.record.row_id for chosen in unread[:LINKED]),
        )


def _unbalanced(composition: Composition) -> Iterator[Improvement]:
    empty = composition.nearly_empty
    if empty:
        missing = sum(FEWEST_A_LABEL - part.records for part in empty)
        names = ", ".join(part.name for part in empty[:3]) + (", ..." if len(empty) > 3 else "")
        yield Improvement(
            f"Add {missing:,} records for {len(empty):,} {'label' if len(empty) == 1 else 'labels'} with fewer than "
            f"{FEWEST_A_LABEL} each.",
            missing,
            "assay synth DATA -o MORE",
            "parts",
            tuple(record.row_id for part in empty for record in part.examples)[:LINKED],
            about=names,
        )
    parts = composition.parts
    if len(parts) < 2:
        return
    largest, middle = parts[0], parts[len(parts) // 2]
    rows = tuple(record.row_id for record in largest.examples)
    if largest.records > LARGE_SHARE * composition.usable or (
        composition.labels and largest.records > LOPSIDED * middle.records
    ):
        yield Improvement(
            f"Balance the {composition.kind}s: {largest.records:,} of {composition.usable:,} records "
            f"({largest.records / composition.usable:.0%}) are of the largest, {middle.records:,} of the middle one.",
            largest.records,
            "assay synth DATA -o MORE",
            "parts",
            rows,
            about=largest.name,
        )

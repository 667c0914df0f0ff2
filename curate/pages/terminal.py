"""The audit as a person reads it in a terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import click

from assay.console import on_one_line, printable
from assay.findings import Finding, Severity
from assay.records import Source

from ..check import is_optional
from ..examine import FAILED
from ..fitness import Fit
from ..reviews.replay import REVIEWED
from ..stage import Audited
from ..template.truncation import losses
from .redaction import redacted

EXAMPLES = 2
IMPROVEMENTS = 3
LONGEST_PLACE = 48
_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_VERDICTS = {
    Fit.FIT: ("green", "FIT"),
    Fit.FIT_AFTER_CURATION: ("yellow", "FIT AFTER CURATION"),
    Fit.NOT_FIT: ("red", "NOT FIT"),
    Fit.NOT_JUDGED: ("yellow", "NOT JUDGED IN FULL"),
}


def render(
    audited: Audited, *, next_steps: Sequence[str] = (), tables: Sequence[str] = (), redact: bool = False
) -> str:
    """What was read, the verdict with its reasons, a table of checks with examples, what was not judged, what next.

    tables  other tables, as they are, before what next
    """
    width = min(shutil.get_terminal_size((110, 24)).columns, 130)
    findings = redacted(audited.findings, audited.checks) if redact else audited.findings
    blocks = [
        _read(audited),
        _verdict(audited, width),
        _overview(audited, width, redact=redact),
        _table(audited, findings, width),
        _losses(audited, width),
        _asked(audited, width, redact),
        _not_judged(audited, width),
        tables,
        _next(next_steps),
    ]
    return "\n\n".join("\n".join(lines) for block in blocks if (lines := list(block))) + "\n"


def _read(audited: Audited) -> Iterator[str]:
    for note in audited.data.notes:
        yield f"  {on_one_line(note)}"
    faults = len(audited.data.faults)
    unreadable = f", and {faults:,} row{'s' if faults > 1 else ''} that could not be read" if faults else ""
    yield f"  {len(audited.data):,} records{unreadable}"


def _verdict(audited: Audited, width: int) -> Iterator[str]:
    colour, words = _VERDICTS[audited.fitness.verdict]
    yield "  " + click.style(f" {words} ", fg="black", bg=colour, bold=True)
    for reason in audited.fitness.reasons:
        yield textwrap.fill(printable(reason), width, initial_indent="  - ", subsequent_indent="    ")


def _overview(audited: Audited, width: int, *, redact: bool) -> Iterator[str]:
    """For its purpose, by whom it was read, what it is about, what people decided, and what would most improve it."""
    overview = audited.overview.without_text() if redact else audited.overview
    composition, (low, high) = overview.composition, overview.usual
    lines = [
        f"for '{overview.purpose}': {composition.usable:,} of {audited.data.rows_read:,} rows can be used; usual are "
        f"{low:,} to {high:,}",
        overview.reading.sentence(),
    ]
    if composition.parts:
        largest = composition.parts[0]
        lines.append(
            f"{len(composition.parts):,} {composition.kind}s, as diverse as {composition.effective:.1f} equally large "
            f"ones; the largest: {largest.name} ({largest.records / max(1, composition.usable):.0%})"
        )
    decided = ", ".join(f"{count:,} {word.replace('_', ' ')}" for word, count in audited.reviewed.counts.items())
    lines += [f"decisions of people: {decided}"] if decided else []
    for line in lines:
        yield textwrap.fill(printable(line), width, initial_indent="  ", subsequent_indent="    ")
    if overview.improvements:
        yield click.style("  what would most improve it", dim=True)
    for item in overview.improvements[:IMPROVEMENTS]:
        yield _cut(f"  {item.records:>9,}   {printable(item.sentence)}", width)


def _table(audited: Audited, findings: Sequence[Finding], width: int) -> Iterator[str]:
    decisions = {item.name: str(item.decision) for item in audited.checks} | {
        "unreadable_row": "drop",
        "check_failed": "hold",
        REVIEWED: "drop",
    }
    by_check: dict[str, list[Finding]] = {}
    for finding in findings:
        by_check.setdefault(finding.check, []).append(finding)
    order = list(Severity)
    worst = {name: min((item.severity for item in own), key=order.index) for name, own in by_check.items()}
    rows = sorted(audited.summary.items(), key=lambda row: order.index(worst[row[0]]))
    if not rows:
        yield "  No check found anything."
        return
    yield click.style(f"  {'check':24}{'records':>9}{'groups':>8}   curate would", dim=True)
    for name, counts in rows:
        groups = f"{counts['groups']:,}" if counts["groups"] else ""
        decision = "keep" if worst[name] is Severity.INFO else decisions.get(name, "")
        head = click.style(f"{name:24}", fg=_COLOURS[worst[name]], bold=True)
        yield f"  {head}{counts['records']:>9,}{groups:>8}   {decision}"
        for finding in islice(_examples(by_check[name]), EXAMPLES):
            line = f"      {on_one_line(_place(finding.source))}  {' '.join(finding.message.split())}"
            yield click.style(_cut(printable(line), width), dim=True)


def _examples(findings: Sequence[Finding]) -> Iterator[Finding]:
    """The most severe first, and one of each group before a second of any."""
    seen: set[str] = set()
    later = []
    for finding in sorted(findings, key=lambda item: list(Severity).index(item.severity)):
        if finding.group is not None and finding.group in seen:
            later.append(finding)
            continue
        seen.add(finding.group or finding.row_id)
        yield finding
    yield from later


def _place(source: Source) -> str:
    """File and line; of a long path the name of the file, since the first lines say where it is."""
    place = str(source)
    return place if len(place) <= LONGEST_PLACE else str(replace(source, file=f".../{Path(source.file).name}"))


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else line[: width - 3].rstrip() + "..."


def _losses(audited: Audited, width: int) -> Iterator[str]:
    lost = losses(audited.findings)
    if lost is not None:
        yield textwrap.fill(lost.sentence(), width, initial_indent="  ", subsequent_indent="    ")


def _asked(audited: Audited, width: int, redact: bool) -> Iterator[str]:
    asked = audited.asked(redact=redact)
    for number, sentence in enumerate(asked.sentences() if asked is not None else ()):
        indent = "  " if number == 0 else "    "
        yield textwrap.fill(printable(sentence), width, initial_indent=indent, subsequent_indent="      ")


def _not_judged(audited: Audited, width: int) -> Iterator[str]:
    optional = {item.name for item in audited.checks if is_optional(item.check)}
    unasked = [name for name, why in audited.not_judged.items() if name in optional and not why.startswith(FAILED)]
    reasons: dict[str, list[str]] = {}
    for name, why in audited.not_judged.items():
        if name not in unasked:
            reasons.setdefault(why, []).append(name)
    lines = [f"not judged: {', '.join(names)}: {why}" for why, names in reasons.items()]
    lines += audited.languages.lines()
    if unasked:
        lines.append(f"off unless asked for (--explain NAME): {', '.join(unasked)}")
    for line in lines:
        yield textwrap.fill(printable(line), width, initial_indent="  ", subsequent_indent="    ")


def _next(steps: Sequence[str]) -> Iterator[str]:
    if steps:
        yield click.style("  next", dim=True)
    for step in steps:
        yield f"  {on_one_line(step)}"

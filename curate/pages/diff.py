"""What a new version of the data changes: one screen in the terminal, one file of HTML."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from assay.console import on_one_line, printable
from assay.records import Record
from assay.storage import write_text
from assay.text import message_text
from assay.version import __version__

from ..versions.difference import Count, Difference
from .concealment import conceal_record
from .pieces import Piece, difference
from .report import environment

SHOWN = 8
SHOWN_EXAMPLES = 20
SHOWN_OF_A_CHANGE = 3
WIDTH = 110


def render_diff(found: Difference) -> str:
    """For the terminal."""
    blocks = [
        _head(found),
        _warnings(found),
        _table("rows by fate", found.by_fate),
        _fates(found),
        _table("check", found.checks),
        _table("label", found.labels),
    ]
    return "\n\n".join("\n".join(lines) for block in blocks if (lines := list(block))) + "\n"


def _head(found: Difference) -> Iterator[str]:
    before, after = found.records
    yield f"  {on_one_line(found.old)}: {before:,} records    {on_one_line(found.new)}: {after:,} records"
    counts = {
        "unchanged": found.unchanged,
        "edited": len(found.edited),
        "added": len(found.added),
        "removed": len(found.removed),
    }
    parts = [f"{count:,} {name}{_of_fates(found, name)}" for name, count in counts.items()]
    yield f"  {', '.join(parts)}" + ("" if found.compared else " (not all were compared for edits)")


def _of_fates(found: Difference, name: str) -> str:
    fates = found.fates_of.get(name, {})
    return f" ({', '.join(f'{count:,} {fate}' for fate, count in fates.items())})" if fates else ""


def _warnings(found: Difference) -> Iterator[str]:
    for warning in found.warnings():
        yield click.style(textwrap.fill(warning, WIDTH, initial_indent="  ! ", subsequent_indent="    "), fg="red")


def _fates(found: Difference) -> Iterator[str]:
    if found.fates:
        yield click.style("  another fate, of records that are in both", dim=True)
    for change in found.fates[:SHOWN]:
        edited = ", edited" if change.edited else ""
        yield f"  {change.records:>9,}   {printable(change.before)}  ->  {printable(change.after)}{edited}"
    if len(found.fates) > SHOWN:
        yield f"  {sum(change.records for change in found.fates[SHOWN:]):>9,}   in other ways"


def _table(kind: str, counts: Sequence[Count]) -> Iterator[str]:
    if counts:
        yield click.style(f"  {kind:32}{'before':>9}{'after':>9}{'change':>9}", dim=True)
    for count in counts[:SHOWN]:
        change = f"{count.after - count.before:+,}"
        yield f"  {printable(count.name)[:31]:32}{count.before:>9,}{count.after:>9,}{change:>9}"
    if len(counts) > SHOWN:
        yield f"  and {len(counts) - SHOWN} more with --json"


@dataclass(frozen=True)
class Side:
    """A record of the new or the old version."""

    place: str
    note: str
    pieces: tuple[Piece, ...]


def write_diff(found: Difference, path: Path) -> None:
    """The same as one HTML file, with the words that edits changed. Raises StorageError."""
    edits = [
        Side(str(edit.new.source), edit.how, tuple(difference(_text(edit.old), _text(edit.new))))
        for edit in found.edited[:SHOWN_EXAMPLES]
    ]
    changes = [
        (change, [_side(found.shown[name]) for name in change.ids if name in found.shown][:SHOWN_OF_A_CHANGE])
        for change in found.fates
    ]
    groups = [
        (name, len(ids), [_side(found.shown[name]) for name in ids if name in found.shown][:SHOWN_EXAMPLES])
        for name, ids in (("added", found.added), ("removed", found.removed))
    ]
    page = (
        environment()
        .get_template("diff.html")
        .render(
            found=found,
            warnings=found.warnings(),
            edits=edits,
            changes=changes,
            groups=groups,
            tables=[("check", found.checks), ("label", found.labels)],
            date=time.strftime("%Y-%m-%d"),
            version=__version__,
        )
    )
    write_text(path, page)


def _side(record: Record) -> Side:
    text = _text(record)
    return Side(str(record.source), "", (Piece(text if len(text) < 1200 else f"{text[:1200]} ..."),))


def _text(record: Record) -> str:
    return "\n".join(f"{message.role}: {message_text(message)}" for message in conceal_record(record).messages)

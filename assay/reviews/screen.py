"""One item as a person sees it in a terminal. Text of records is shown harmlessly: see `assay.console.printable`."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator

import click

from assay.console import on_one_line, printable
from assay.records import Record
from assay.text import message_text

from .item import Beside, Item

WIDEST = 110
LINES = 24
"""Lines of one text that are shown at once; `v` shows all."""

BESIDE_LINES = 8
KEYS = "[a]pprove  [e]dit  [r]eject  [s]kip  [u]ndo  [v]iew all  [q]uit"


def width() -> int:
    return min(shutil.get_terminal_size((WIDEST, 24)).columns, WIDEST)


def item_text(item: Item, record: Record, beside: tuple[Beside, ...], number: str, *, whole: bool = False) -> str:
    """record, beside: as they may be shown. number: where one stands, such as `12 of 59`."""
    return "\n".join(_lines(item, record, beside, number, whole)) + "\n"


def _lines(item: Item, record: Record, beside: tuple[Beside, ...], number: str, whole: bool) -> Iterator[str]:
    wide = width()
    yield click.style("-" * wide, dim=True)
    head = f"{number}   {on_one_line(item.title)}"
    yield click.style(head, bold=True)
    yield click.style(f"{on_one_line(record.source)}   record {record.id}", dim=True)
    for fact in item.facts:
        yield from _wrapped(fact, wide, "  ", 4 if not whole else None)
    if record != item.record:
        yield click.style("  personal data and secrets are masked: it can be approved or rejected only", dim=True)
    for part in beside:
        yield ""
        yield click.style(on_one_line(part.heading), fg="cyan")
        yield from _wrapped(part.text, wide, "  | ", None if whole else BESIDE_LINES)
    if record.tools:
        yield ""
        yield click.style(f"{len(record.tools)} tools declared", fg="cyan")
    for message in record.messages:
        yield ""
        yield click.style(on_one_line(message.role), fg="green" if message.role == "assistant" else "yellow", bold=True)
        yield from _wrapped(message_text(message), wide, "  ", None if whole else LINES)
    yield ""


def _wrapped(text: str, wide: int, indent: str, most: int | None) -> Iterator[str]:
    lines = []
    for line in printable(text.replace("\r\n", "\n").expandtabs(4)).split("\n"):
        lines += textwrap.wrap(
            line, wide - len(indent), replace_whitespace=False, drop_whitespace=False, break_on_hyphens=False
        ) or [""]
    shown = lines if most is None or len(lines) <= most else lines[: most - 1]
    for line in shown:
        yield indent + line
    if len(shown) < len(lines):
        yield click.style(f"{indent}... {len(lines) - len(shown)} more lines: v shows all", dim=True)

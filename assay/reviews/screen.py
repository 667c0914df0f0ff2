"""One item as a person sees it in a terminal. Text of records is shown harmlessly: see `assay.console.printable`."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Sequence

import click

from assay.console import on_one_line, printable

from .item import Shown, Turn
from .pieces import signed
from .reasons import REASONS

WIDEST = 110
LINES = 24
"""Lines of one text that are shown at once; `v` shows all."""

BESIDE_LINES = 8
KEYS = (
    "[a] keep  [x] drop  [1-9] drop because  [e]dit  re[l]abel  [c]hoose other side  [g]roup  [s]kip  [u]ndo  "
    "[v]iew all  [q]uit"
)
READING_KEYS = KEYS.replace("keep", "right").replace("drop", "wrong")
REASON_KEYS = "  ".join(f"{number} {reason}" for number, reason in enumerate(REASONS, 1))


def width() -> int:
    return min(shutil.get_terminal_size((WIDEST, 24)).columns, WIDEST)


def item_text(shown: Shown, number: str, *, whole: bool = False) -> str:
    """number: where one stands, such as `12 of 59`."""
    return "\n".join(_lines(shown, number, whole)) + "\n"


def _lines(shown: Shown, number: str, whole: bool) -> Iterator[str]:
    wide, item = width(), shown.item
    yield click.style("-" * wide, dim=True)
    head = f"{number}   {on_one_line(item.title)}"
    yield click.style(head, bold=True)
    yield click.style(f"{on_one_line(shown.record.source)}   record {shown.record.id}", dim=True)
    for fact in shown.facts:
        yield from _wrapped(fact, wide, "  ", 4 if not whole else None)
    if shown.record != item.record:
        yield click.style("  personal data and secrets are masked: it can be kept or dropped only", dim=True)
    if item.suggestion is not None:
        yield from _wrapped(f"l makes its label {item.suggestion.label}", wide, "  ", 4)
    for part in shown.beside:
        yield ""
        yield click.style(on_one_line(part.heading), fg="cyan")
        text = "\n".join(f"{turn.role}: {signed(turn)}" if turn.role else signed(turn) for turn in part.turns)
        yield from _wrapped(text, wide, "  | ", None if whole else BESIDE_LINES)
    if shown.record.tools:
        yield ""
        yield click.style(f"{len(shown.record.tools)} tools declared", fg="cyan")
    yield from _turns(shown.turns, wide, None if whole else LINES)
    yield ""


def _turns(turns: Sequence[Turn], wide: int, most: int | None) -> Iterator[str]:
    for turn in turns:
        yield ""
        yield click.style(on_one_line(turn.role), fg="green" if turn.role == "assistant" else "yellow", bold=True)
        yield from _wrapped(signed(turn), wide, "  ", most)


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

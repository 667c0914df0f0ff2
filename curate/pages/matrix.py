"""The table of models and records, for a terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Sequence

import click

from assay.console import printable

from ..template.matrix import COLUMNS, Matrix, Row

LONGEST_NAME = 44
HEADS = {
    "template_renders": "fails",
    "system_dropped": "system",
    "prompt_prefix": "prompt",
    "mask_coverage": "mask",
    "stop_token_untrained": "stop",
    "bos_doubled": "begin",
    "over_long_answer": "long",
    "no_answer": "empty",
}
MEANINGS = {
    "template_renders": "the template fails on the record, or leaves out its tools",
    "system_dropped": "drops the system turn",
    "prompt_prefix": "training begins otherwise than the inference prompt",
    "mask_coverage": "the answer is not trained as it stands",
    "stop_token_untrained": "the answer ends in no stop token",
    "bos_doubled": "two beginning-of-sequence tokens",
    "over_long_answer": "more tokens than the model takes",
    "no_answer": "nothing to train on",
}


def render_matrix(found: Matrix, width: int | None = None) -> str:
    """Rows by how many records fit; models with the same counts share one. width: None for that of the terminal."""
    width = width or min(shutil.get_terminal_size((110, 24)).columns, 130)
    return "\n".join(_lines(found, width)) + "\n"


def _lines(found: Matrix, width: int) -> Iterator[str]:
    judged = [row for row in found.rows if row.judged != "not"]
    shown = [name for name in COLUMNS if any(row.problems.get(name) for row in judged)]
    facts = any(row.facts for row in judged)
    name_width = min(LONGEST_NAME, max([len("model"), *(len(row.model) for row in found.rows)]) + 2)
    head = f"  {'model':{name_width}}{'fits':>9}" + "".join(f"{HEADS[name]:>8}" for name in shown)
    yield click.style(head + (f"{'facts':>8}" if facts else ""), dim=True)
    for rows in _alike(judged):
        yield from _row(rows, shown, facts, name_width, width, found.records)
    for row in found.rows:
        if row.judged == "not":
            line = (
                f"  {printable(row.model):{name_width}} {click.style('cannot be used', fg='red')}: {printable(row.why)}"
            )
            yield line if len(line) <= width + 9 else line[: width + 6] + "..."
    yield ""
    everywhere, useful = found.fitting_everywhere()
    if useful > 1:
        yield f"  {everywhere:,} of {found.records:,} records fit each of the {useful} models that fit any"
    yield from _pairs(found, width)
    for name in shown:
        yield click.style(f"  {HEADS[name]:8}{MEANINGS[name]} ({name})", dim=True)
    if facts:
        yield click.style(
            "  facts   earlier turns left out of the loss, thinking cut from them, markers that differ", dim=True
        )
    if any(row.judged == "text alone" for row in judged):
        yield click.style("  *       a template without its tokenizer: judged as text, no token was judged", dim=True)


def _pairs(found: Matrix, width: int) -> Iterator[str]:
    if not found.pairs:
        return
    sound = [pair for pair in found.pairs if not (pair.texts_differ or pair.masks_differ or pair.only_one)]
    agree = "agree with the plain ones and with assay"
    yield f"  {len(sound)} of {len(found.pairs)} templates with generation markers {agree}"
    for pair in found.pairs:
        if pair in sound:
            continue
        counts = [
            f"{count:,} {what}"
            for count, what in (
                (pair.texts_differ, "records render otherwise"),
                (pair.masks_differ, "records are marked otherwise"),
                (pair.only_one, "records are rendered by one of them only"),
            )
            if count
        ]
        line = f"{pair.marked}: {', '.join(counts)}" + (f"; {pair.example}" if pair.example else "")
        yield textwrap.fill(
            printable(line), width, initial_indent="    ", subsequent_indent="      ", break_on_hyphens=False
        )


def _alike(rows: Sequence[Row]) -> list[list[Row]]:
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        key = (-row.fits, tuple(row.problems.items()), tuple(row.facts.items()), row.judged)
        groups.setdefault(key, []).append(row)
    return sorted(groups.values(), key=lambda group: -group[0].fits)


def _row(
    rows: Sequence[Row], shown: Sequence[str], facts: bool, name_width: int, width: int, records: int
) -> Iterator[str]:
    first = rows[0]
    star = "*" if first.judged == "text alone" else ""
    name = printable(first.model)
    room = name_width - len(star) - 1
    label = (name if len(name) <= room else "..." + name[3 - room :]) + star
    colour = "green" if first.fits == records else "yellow" if first.fits else "red"
    counts = "".join(f"{first.problems.get(name, 0) or '.':>8}" for name in shown)
    told = f"{max(first.facts.values(), default=0) or '.':>8}" if facts else ""
    yield f"  {label:{name_width}}" + click.style(f"{first.fits:>9,}", fg=colour, bold=True) + counts + told
    if len(rows) > 1:
        others = ", ".join(printable(row.model) for row in rows[1:])
        yield click.style(
            textwrap.fill(
                f"and {others}", width, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False
            ),
            dim=True,
        )

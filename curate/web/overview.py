"""The overview of a run: what its summary.json says, as plots. Nothing of it is computed here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from assay.errors import NoSuchRunError
from assay.web import plots
from assay.web.site import Site, read_json

from .shelf import DATA, FATES, FINDINGS

SHOWN_PARTS = 20
SHOWN_CHECKS = 40
SHOWN_FEATURES = ("form", "length", "bullets", "headings", "bold", "code", "person", "address", "closing", "apology")
LINKED = 5


@dataclass(frozen=True)
class CheckRow:
    """share: of the longest bar. records and review are addresses"""

    name: str
    found: int
    groups: int
    share: float
    records: str
    review: str


@dataclass(frozen=True)
class Doing:
    """One thing that would improve the data."""

    text: str
    command: str
    blocks: bool
    rows: tuple[str, ...]


@dataclass(frozen=True)
class Lengths:
    """said: quantiles, in a sentence."""

    plot: plots.Histogram
    said: str


@dataclass(frozen=True)
class Shown:
    """What the page shows; empty parts are of a run that has none, or of an older version.

    has_data   whether there are records to look at
    audited    the folder is what `assay audit -o` wrote
    """

    fitness: str
    reasons: tuple[str, ...]
    counts: Mapping[str, int]
    has_data: bool
    audited: bool
    purpose: str
    reading: str
    usual: tuple[int, ...]
    usable: int
    doing: tuple[Doing, ...]
    fates: plots.Bars | None
    checks: tuple[CheckRow, ...]
    more_checks: int
    lengths: tuple[Lengths, ...]
    unit: str
    looked_at: int
    kind: str
    parts: plots.Bars | None
    effective: float | None
    nearly_empty: int
    small: tuple[plots.Bars, ...]
    styles: tuple[plots.Bars, ...]
    not_judged: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def overview_of(site: Site, name: str, *, redact: bool = False) -> Shown:
    """redact: without words of records. Raises NoSuchRunError for what holds neither records nor findings."""
    folder = site.folder(name)
    has_data, audited = (folder / DATA).is_file(), (folder / FINDINGS).is_file()
    if not has_data and not audited:
        raise NoSuchRunError(f"'{name}' holds no curated records", where=str(folder), fix="assay curate DATA -o OUT")
    summary = read_json(folder / "summary.json")
    overview: Mapping[str, Any] = summary.get("overview", {})
    composition: Mapping[str, Any] = overview.get("composition", {})
    shape: Mapping[str, Any] = overview.get("shape", {})
    address = f"/data/{quote(name)}"
    checks = _checks(summary.get("findings", {}), address, f"/review/{quote(name)}")
    kind = "labels" if composition.get("labels") else "topics"
    reading: Mapping[str, Any] = overview.get("reading", {})
    return Shown(
        fitness=str(summary.get("fit", {}).get("verdict", "")),
        reasons=tuple(map(str, summary.get("fit", {}).get("reasons", ()))),
        counts={fate: int(summary[fate]) for fate in ("read", *FATES) if fate in summary},
        has_data=has_data,
        audited=audited and not has_data,
        purpose=str(overview.get("purpose", "")),
        reading=str(reading.get("sentence", "")),
        usual=tuple(overview.get("usually_takes", ())),
        usable=int(overview.get("usable", 0)),
        doing=tuple(_doing(item, redact) for item in overview.get("improvements", ())),
        fates=_fates(summary, address, has_data),
        checks=checks[:SHOWN_CHECKS],
        more_checks=max(0, len(checks) - SHOWN_CHECKS),
        lengths=tuple(_lengths(composition, shape)),
        unit=str(shape.get("unit", "characters")),
        looked_at=int(shape.get("looked_at", composition.get("looked_at", 0))),
        kind=kind,
        parts=_parts(kind, composition.get(kind, ()), redact),
        effective=composition.get(f"effective_number_of_{kind}"),
        nearly_empty=sum(part.get("records", 0) < 10 for part in composition.get("labels", ())),
        small=tuple(_small(composition, shape, address, has_data)),
        styles=tuple(_styles(shape.get("styles", {}))),
        not_judged=tuple((check, str(why)) for check, why in summary.get("not_judged", {}).items()),
        notes=tuple(map(str, summary.get("notes", ()))),
    )


def _checks(found: Mapping[str, Any], data: str, review: str) -> tuple[CheckRow, ...]:
    longest = max((int(counts.get("records", 0)) for counts in found.values()), default=0) or 1
    return tuple(
        CheckRow(
            check,
            int(counts.get("records", 0)),
            int(counts.get("groups", 0)),
            int(counts.get("records", 0)) / longest,
            f"{data}/records?{urlencode({'check': check})}",
            f"{review}?{urlencode({'kind': check})}",
        )
        for check, counts in found.items()
    )


_ASIDE = re.compile(r" \([^()]*\)\.$")


def _doing(item: Mapping[str, Any], redact: bool) -> Doing:
    """What stands in brackets at the end may be labels, which are words of records."""
    text = str(item.get("text", ""))
    rows = tuple(map(str, item.get("row_ids", ())))[:LINKED]
    return Doing(
        _ASIDE.sub(".", text) if redact else text, str(item.get("command", "")), bool(item.get("blocks")), rows
    )


def _fates(summary: Mapping[str, Any], address: str, linked: bool) -> plots.Bars | None:
    amounts = [(fate, int(summary[fate])) for fate in FATES if fate in summary]
    total = sum(number for _, number in amounts)
    if not total:
        return None
    longest = max(number for _, number in amounts)
    rows = [
        plots.Bar(
            fate,
            number / longest,
            f"{number:,}  ({100 * number / total:.1f} %)",
            fate,
            f"{address}/records?fate={fate}" if linked and number else "",
        )
        for fate, number in amounts
    ]
    return plots.Bars("What became of each row", tuple(rows))


def _lengths(composition: Mapping[str, Any], shape: Mapping[str, Any]) -> Iterable[Lengths]:
    """In tokens or words; of a run of an older version in characters."""
    unit = str(shape.get("unit", "characters"))
    for title, new, old in (
        ("Prompts", "prompts", "prompt_characters"),
        ("Answers", "answers", "answer_characters"),
    ):
        found = shape.get(new) or composition.get(old) or {}
        bars = found.get("bars", ())
        if bars:
            ends = [int(end) for end, _ in bars]
            edges = [(ends[0] + 1) // 2, *(end + 1 for end in ends)]
            said = f"median {found.get('p50', 0):,} {unit}; one in twenty below {found.get('p5', 0):,} or above "
            plot = plots.histogram(title, unit, edges, [int(number) for _, number in bars])
            yield Lengths(plot, f"{said}{found.get('p95', 0):,}; longest {found.get('longest', 0):,}")


def _parts(kind: str, parts: Sequence[Mapping[str, Any]], redact: bool) -> plots.Bars | None:
    if not parts:
        return None
    shown = [
        (f"{kind[:-1]} {number}" if redact else str(part["name"]), int(part["records"]))
        for number, part in enumerate(parts[:SHOWN_PARTS], 1)
    ]
    rest = sum(int(part["records"]) for part in parts[SHOWN_PARTS:])
    if rest:
        shown.append((f"{len(parts) - SHOWN_PARTS} more", rest))
    return plots.bars(kind.capitalize(), shown)


def _small(
    composition: Mapping[str, Any], shape: Mapping[str, Any], address: str, linked: bool
) -> Iterable[plots.Bars]:
    named = (
        ("Origin", "origins", "origin"),
        ("Language of the answers", "languages", ""),
        ("Source", "sources", "source"),
    )
    for title, key, field in named:
        parts = composition.get(key, ())[:8]
        if parts:
            longest = max(int(part["records"]) for part in parts) or 1
            yield plots.Bars(
                title,
                tuple(
                    plots.Bar(
                        Path(str(part["name"])).name if key == "sources" else str(part["name"]),
                        int(part["records"]) / longest,
                        f"{int(part['records']):,}",
                        "",
                        f"{address}/records?{urlencode({field: part['name']})}" if field and linked else "",
                    )
                    for part in parts
                ),
            )
    structures = shape.get("structures", {})
    if structures:
        yield plots.bars("Turns", list(structures.items())[:8])


def _styles(styles: Mapping[str, Mapping[str, int]]) -> Iterable[plots.Bars]:
    for feature in SHOWN_FEATURES:
        values = styles.get(feature, {})
        if len(values) > 1:
            yield plots.bars(feature.capitalize(), list(values.items())[:5])

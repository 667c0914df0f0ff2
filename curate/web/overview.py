"""The overview of a run: what its summary.json says, as plots. Nothing of it is computed here."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from assay.config import read_document
from assay.errors import AssayError, NoSuchRunError
from assay.web import plots
from assay.web.home import as_done
from assay.web.site import Site, read_json

from ..overview.looked import FILE as LOOKED
from ..settings import CurateSettings
from .query import USABLE
from .shelf import DATA, FATES, FINDINGS

SHOWN_PARTS = 20
SHOWN_CHECKS = 40
SHOWN_FEATURES = ("form", "length", "bullets", "headings", "bold", "code", "person", "address", "closing", "apology")
LINKED = 5
MOST_TYPED = 4
"""Files that a command names; of more it says DATA."""


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
    """One thing that would improve the data. aside: what stands beside the command, and is not typed"""

    text: str
    command: str
    aside: str
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
    listed     each bar leads to its records
    trains     what the link to a training on it is called, "" where nothing would train
    """

    fitness: str
    reasons: tuple[str, ...]
    counts: Mapping[str, int]
    has_data: bool
    audited: bool
    listed: bool
    trains: str
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


@dataclass(frozen=True)
class Links:
    """Where bars lead: to the list at `path`, of what trains.

    known    filters that every run with records can answer
    counted  and those by what the overview counted a record as
    """

    path: str
    known: bool
    counted: bool

    def by(self, **asked: str) -> str:
        return f"{self.path}?{urlencode({'fate': USABLE, **asked})}" if self.known else ""

    def as_counted(self, **asked: str) -> str:
        return f"{self.path}?{urlencode(asked)}" if self.counted else ""


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
    listed = has_data and (folder / LOOKED).is_file()
    links = Links(f"{address}/records", has_data, listed)
    checks = _checks(summary.get("findings", {}), address, f"/review/{quote(name)}")
    kind = "labels" if composition.get("labels") else "topics"
    reading: Mapping[str, Any] = overview.get("reading", {})
    typed = _typed(site, name, tuple(str(part["name"]) for part in composition.get("sources", ())))
    return Shown(
        fitness=str(summary.get("fit", {}).get("verdict", "")),
        reasons=tuple(
            as_done(str(reason)) if has_data else str(reason) for reason in summary.get("fit", {}).get("reasons", ())
        ),
        counts={fate: int(summary[fate]) for fate in ("read", *FATES) if fate in summary},
        has_data=has_data,
        audited=audited and not has_data,
        listed=listed,
        trains=_trains(summary) if has_data else "",
        purpose=str(overview.get("purpose", "")),
        reading=str(reading.get("sentence", "")),
        usual=tuple(overview.get("usually_takes", ())),
        usable=int(overview.get("usable", 0)),
        doing=tuple(_doing(item, typed, redact) for item in overview.get("improvements", ())),
        fates=_fates(summary, address, has_data),
        checks=checks[:SHOWN_CHECKS],
        more_checks=max(0, len(checks) - SHOWN_CHECKS),
        lengths=tuple(_lengths(composition, shape, links)),
        unit=str(shape.get("unit", "characters")),
        looked_at=int(shape.get("looked_at", composition.get("looked_at", 0))),
        kind=kind,
        parts=_parts(kind, composition.get(kind, ()), links, redact),
        effective=composition.get(f"effective_number_of_{kind}"),
        nearly_empty=sum(part.get("records", 0) < 10 for part in composition.get("labels", ())),
        small=tuple(_small(composition, shape, links)),
        styles=tuple(_styles(shape.get("styles", {}), links)),
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


@dataclass(frozen=True)
class Typed:
    """What stands for itself in a command.

    folder   that holds the data
    sources  files that it was made from
    model    that it was curated for, "" for none
    project  assay.yaml names these files, and the model
    reviews  the journal of decisions, where curate would not look for it
    purpose  that was set, "" for the usual one
    """

    folder: Path
    sources: tuple[str, ...]
    model: str
    project: bool
    reviews: str = ""
    purpose: str = ""

    def command(self, text: str) -> str:
        """With names in place of DATA and of the sheets of OUT, so that it can be pasted."""
        judged = text.startswith(("assay curate DATA", "assay audit DATA"))
        if judged and self.project:
            text = text.replace(" DATA", "", 1)
        elif 0 < len(self.sources) <= MOST_TYPED:
            model = ["--model", self.model] if judged and self.model and "--model" not in text else []
            text = re.sub(r"\bDATA\b", lambda _: shlex.join([*self.sources, *model]), text)
        if text.startswith("assay curate ") and self.reviews:
            text += f" --reviews {shlex.quote(self.reviews)}"
        if judged and self.purpose and not self.project:
            text += f" --set curate.purpose={self.purpose}"
        return re.sub(r"\bOUT/([a-z_]+\.csv)", self._sheet, text)

    def _sheet(self, found: re.Match[str]) -> str:
        path = self.folder / found[1]
        return shlex.quote(str(path)) if path.is_file() else found[0]


def _typed(site: Site, name: str, sources: tuple[str, ...]) -> Typed:
    manifest = site.manifest(name)
    inputs = manifest.data.get("inputs", {}) if manifest is not None else {}
    model = str(inputs.get("model") or "").rpartition("@")[0]
    reviews = site.journal_name if site.applying != "assay curate" and site.journal.is_file() else ""
    settings = manifest.data.get("settings", {}) if manifest is not None else {}
    purpose = str(settings.get("purpose") or "")
    usual = CurateSettings().purpose
    return Typed(
        folder=site.folder(name),
        sources=sources,
        model=model,
        project=set(sources) == _named_in(site.project),
        reviews=reviews,
        purpose="" if purpose == usual else purpose,
    )


def _named_in(project: Path) -> set[str]:
    """The files that assay.yaml names; none where it cannot be read, which other pages say."""
    if not (project / "assay.yaml").is_file():
        return set()
    try:
        given = read_document(project / "assay.yaml").data.get("data") or ()
    except AssayError:
        return set()
    return {str(item["path"]) for item in given if isinstance(item, Mapping) and "path" in item}


def _doing(item: Mapping[str, Any], typed: Typed, redact: bool) -> Doing:
    """What stands in brackets at the end of the text may be labels, which are words of records."""
    text = str(item.get("text", ""))
    rows = tuple(map(str, item.get("row_ids", ())))[:LINKED]
    command, _, aside = str(item.get("command", "")).partition("    ")
    said = _ASIDE.sub(".", text) if redact else text
    return Doing(said, typed.command(command), aside.strip(), bool(item.get("blocks")), rows)


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


def _trains(summary: Mapping[str, Any]) -> str:
    usable = sum(int(summary.get(fate, 0)) for fate in ("kept", "repaired"))
    verdict = summary.get("fit", {}).get("verdict")
    if not usable and "kept" in summary:
        return ""
    return {"NOT_FIT": "Train on this, though it is not fit", "NOT_JUDGED": "Train on this, which was not judged"}.get(
        str(verdict), "Train on this"
    )


def _lengths(composition: Mapping[str, Any], shape: Mapping[str, Any], links: Links) -> Iterable[Lengths]:
    """In tokens or words; of a run of an older version in characters."""
    unit = str(shape.get("unit", "characters"))
    for title, field, new, old in (
        ("Prompts", "prompt", "prompts", "prompt_characters"),
        ("Answers", "answer", "answers", "answer_characters"),
    ):
        found = shape.get(new) or composition.get(old) or {}
        bars = found.get("bars", ())
        if bars:
            ends = [int(end) for end, _ in bars]
            edges = [(ends[0] + 1) // 2, *(end + 1 for end in ends)]
            said = f"median {found.get('p50', 0):,} {unit}; one in twenty below {found.get('p5', 0):,} or above "
            spans = [f"{start}-{end}" for start, end in zip(edges, ends, strict=False)]
            hrefs = [links.as_counted(**{field: span}) if new in shape else "" for span in spans]
            plot = plots.histogram(title, unit, edges, [int(number) for _, number in bars], hrefs)
            yield Lengths(plot, f"{said}{found.get('p95', 0):,}; longest {found.get('longest', 0):,}")


class Amount(NamedTuple):
    name: str
    records: int
    href: str = ""


def _bars(title: str, amounts: Sequence[Amount]) -> plots.Bars:
    longest = max(amount.records for amount in amounts) or 1
    rows = [plots.Bar(name, number / longest, f"{number:,}", "", href) for name, number, href in amounts]
    return plots.Bars(title, tuple(rows))


def _parts(kind: str, parts: Sequence[Mapping[str, Any]], links: Links, redact: bool) -> plots.Bars | None:
    if not parts:
        return None
    field = kind[:-1]
    shown = [
        Amount(
            f"{field} {number}" if redact else str(part["name"]),
            int(part["records"]),
            links.as_counted(**{field: str(part["name"])}),
        )
        for number, part in enumerate(parts[:SHOWN_PARTS], 1)
    ]
    rest = sum(int(part["records"]) for part in parts[SHOWN_PARTS:])
    if rest:
        shown.append(Amount(f"{len(parts) - SHOWN_PARTS} more", rest))
    return _bars(kind.capitalize(), shown)


def _small(composition: Mapping[str, Any], shape: Mapping[str, Any], links: Links) -> Iterable[plots.Bars]:
    def amounts(key: str, href: Callable[[str], str]) -> list[Amount]:
        found = [(str(part["name"]), int(part["records"])) for part in composition.get(key, ())[:8]]
        return [Amount(name, number, href(name)) for name, number in found]

    sources = amounts("sources", lambda name: links.by(source=name))
    structures = list(shape.get("structures", {}).items())[:8]
    for title, shown in (
        ("Origin", amounts("origins", lambda name: links.by(origin=name))),
        ("Language", amounts("languages", lambda name: links.as_counted(language=name))),
        ("Source", [amount._replace(name=Path(amount.name).name) for amount in sources]),
        ("Turns", [Amount(name, number, links.as_counted(structure=name)) for name, number in structures]),
    ):
        if shown:
            yield _bars(title, shown)


def _styles(styles: Mapping[str, Mapping[str, int]], links: Links) -> Iterable[plots.Bars]:
    for feature in SHOWN_FEATURES:
        values = list(styles.get(feature, {}).items())[:5]
        if len(values) > 1:
            amounts = [Amount(name, number, links.as_counted(style=f"{feature}:{name}")) for name, number in values]
            yield _bars(feature.capitalize(), amounts)

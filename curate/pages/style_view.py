"""Mixed styles as the report shows them: of each mix its clusters by size, with examples side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.findings import Finding
from assay.records import Record

from ..styles.columns import first_exchange

MIXED_STYLES = "mixed_styles"
"""The check whose findings are shown so."""

EXAMPLES = 3
MAX_CHARACTERS = 600


@dataclass(frozen=True)
class Example:
    """One record: where it is, what was asked, what was answered."""

    place: str
    prompt: str
    answer: str


@dataclass(frozen=True)
class Cluster:
    """The answers of one style. share is that of the two clusters together, from 0 to 1."""

    style: str
    records: int
    share: float
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class StyleMix:
    """One group of alike prompts; the cluster of the majority first."""

    feature: str
    alike: str
    clusters: tuple[Cluster, ...]


def shown_rows(group: Sequence[Finding]) -> list[str]:
    """Row ids of the records whose text is shown: of a mix a few of either style, of another group all."""
    if group[0].check != MIXED_STYLES:
        return [finding.row_id for finding in group]
    return [*map(str, group[0].evidence.get("other", ())), *(finding.row_id for finding in group[:EXAMPLES])]


def style_mix(group: Sequence[Finding], texts: Mapping[str, Record] | None) -> StyleMix | None:
    """None for a group of another check. Without texts the clusters have their sizes and places alone."""
    first = group[0]
    if first.check != MIXED_STYLES:
        return None
    counts = {str(style): int(count) for style, count in dict(first.evidence["counts"]).items()}
    total = max(1, sum(counts.values()))
    sides = ([texts.get(row) for row in map(str, first.evidence.get("other", ()))] if texts else [], _own(group, texts))
    clusters = tuple(
        Cluster(style, count, count / total, tuple(_example(record) for record in side if record is not None))
        for (style, count), side in zip(counts.items(), sides, strict=True)
    )
    return StyleMix(str(first.evidence["kind"]), str(first.evidence.get("alike", "")), clusters)


def _own(group: Sequence[Finding], texts: Mapping[str, Record] | None) -> list[Record | None]:
    return [texts.get(finding.row_id) for finding in group[:EXAMPLES]] if texts else []


def _example(record: Record) -> Example:
    exchange = first_exchange(record)
    return Example(str(record.source), _cut(exchange.prompt), _cut(exchange.answer))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS].rstrip() + " ..."

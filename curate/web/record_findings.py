"""What was found in a record, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import NamedTuple

from assay.findings import Finding, Severity
from assay.records import Json, Record, Source

from ..pages.pieces import Piece, difference
from .places import findings_at, rows_with
from .record_turns import cut, marked, pretty

FINDINGS = "findings.parquet"
CONTEXT = 160
"""Characters before and after a span that are shown with it."""

LONGEST_QUOTED = 300
"""Characters of a span that is shown with its finding too."""

SHARES = frozenset({"similarity", "share", "confidence", "probability", "given_probability", "usual_share"})
NAMES = {"message": "turn", "kind": "what", "text": "its text"}
ASIDE = frozenset(
    {"found", "spans", "other", "others", "row_id", "row_ids", "reviewed", "reviewed_before", "dissenter"}
)
"""Keys of evidence that are shown in another way: beside the text, or as a link."""


class Fact(NamedTuple):
    name: str
    text: str


@dataclass(frozen=True)
class Found:
    """One finding. quoted: its span with some text around it; other: the row that it names.

    repair  what was taken out and put in, where the check knows how to mend it
    """

    check: str
    severity: str
    message: str
    quoted: tuple[Piece, ...]
    repair: tuple[Piece, ...]
    facts: tuple[Fact, ...]
    other: str


def findings_of(folder: Path, row_id: str) -> list[Finding]:
    """Of one row, errors first."""
    path = folder / FINDINGS
    found = findings_at(path, rows_with(path, row_id=row_id))
    return sorted(found, key=lambda finding: list(Severity).index(finding.severity))


def is_about(finding: Finding, record: Record) -> bool:
    """Whether its places are of this content, and not of what stood there before a repair."""
    return finding.record_id == record.id


def place_name(source: Source) -> str:
    """File and line without the folders before the file: the whole path is among the facts."""
    return str(replace(source, file=PurePath(source.file.replace("\\", "/")).name or source.file))


def found_of(findings: Sequence[Finding], record: Record | None) -> list[Found]:
    return [
        Found(
            finding.check,
            str(finding.severity),
            finding.message,
            tuple(_quoted(finding, record)),
            tuple(_repair(finding.evidence)),
            tuple(facts_of(finding.evidence)),
            str(finding.evidence.get("other") or "") if isinstance(finding.evidence.get("other"), str) else "",
        )
        for finding in findings
    ]


def _quoted(finding: Finding, record: Record | None) -> Iterator[Piece]:
    span = finding.span
    if span is None:
        return
    if record is None or not is_about(finding, record) or not 0 <= span.message < len(record.messages):
        if span.text:
            yield Piece(span.text, "hit")
        return
    if span.end - span.start > LONGEST_QUOTED:  # it is marked in the conversation, and long enough to be seen there
        return
    text = record.messages[span.message].content or ""
    start, end = max(0, span.start - CONTEXT), min(len(text), span.end + CONTEXT)
    if start:
        yield Piece("… ")
    yield from cut(marked(text[start:end], [(span.start - start, span.end - start)]), False).pieces
    if end < len(text):
        yield Piece(" …")


def _repair(evidence: Mapping[str, Json]) -> Iterator[Piece]:
    before, after = evidence.get("before"), evidence.get("after")
    if isinstance(before, str) and isinstance(after, str) and before != after:
        yield from difference(before, after)


def facts_of(evidence: Mapping[str, Json]) -> Iterator[Fact]:
    """The evidence of a finding, one fact a key, as words."""
    mended = isinstance(evidence.get("before"), str) and isinstance(evidence.get("after"), str)
    repairs = {"before", "after"} if mended else set()
    for key, value in evidence.items():
        if key in ASIDE or key in repairs or value in (None, "", [], {}):
            continue
        yield Fact(NAMES.get(key, key.replace("_", " ")), _words(key, value))
    for key, before in (("reviewed", "kept by a person"), ("reviewed_before", "decided before")):
        said = evidence.get(key)
        if isinstance(said, Mapping):
            parts = [str(said.get(name, "")) for name in ("decision", "who", "when", "note")]
            yield Fact(before, ", ".join(filter(None, parts)))


def share(value: float) -> str:
    return f"{100 * value:.3g} %"


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"


def _words(key: str, value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return share(value) if key in SHARES and 0 <= value <= 1 else _number(value)
    if isinstance(value, str):
        return value.replace("_", " ") if key == "kind" else value
    if isinstance(value, Mapping) and all(isinstance(item, str | int | float) for item in value.values()):
        return ", ".join(f"{str(name).replace('_', ' ')} {_words(str(name), item)}" for name, item in value.items())
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(_words(key, item) for item in value)
    return pretty(value) if len(json.dumps(value, default=str)) > 100 else json.dumps(value, ensure_ascii=False)

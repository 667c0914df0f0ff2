"""What the HTML report shows, as plain values: sentences, counts, and texts cut into marked and unmarked pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from assay.findings import Finding, Severity
from assay.records import Record
from assay.text import message_text

from ..answers.invisible import visible
from ..reviews.replay import REVIEWED
from ..settings import ActiveCheck
from ..stage import Audited
from .concealment import conceal_record
from .pieces import Piece, difference
from .redaction import redacted
from .style_view import StyleMix, shown_rows, style_mix

SHOWN_A_CHECK = 20
MAX_CHARACTERS = 1200
_CONTEXT = 160


@dataclass(frozen=True)
class Side:
    """One record of a comparison: where it is, what is said of it, and its text."""

    place: str
    note: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Exhibit:
    """One finding, or one group of them. prompt is shown once above sides that share it.

    mix  two styles in place of sides
    """

    title: str
    severity: str
    prompt: str
    sides: tuple[Side, ...]
    mix: StyleMix | None = None


@dataclass(frozen=True)
class Section:
    """One check: its documentation, its counts, what curate does about it, and exhibits.

    paragraphs  the documentation
    left_out    findings or groups that are not shown
    """

    name: str
    severity: str
    decision: str
    records: int
    groups: int
    summary: str
    paragraphs: tuple[str, ...]
    exhibits: tuple[Exhibit, ...]
    left_out: int


def sections(audited: Audited, *, redact: bool) -> list[Section]:
    """One a check that found something, errors first, then by how many records it concerns."""
    found: dict[str, list[Finding]] = {}
    for finding in redacted(audited.findings, audited.checks) if redact else audited.findings:
        found.setdefault(finding.check, []).append(finding)
    shown = {name: _grouped(findings)[:SHOWN_A_CHECK] for name, findings in found.items()}
    texts = None if redact else _records(audited, shown.values())
    checks = {item.name: item for item in audited.checks}
    order = list(Severity)
    made = [_section(audited, name, findings, shown[name], checks.get(name), texts) for name, findings in found.items()]
    return sorted(made, key=lambda section: (order.index(Severity(section.severity)), -section.records, section.name))


def _section(
    audited: Audited,
    name: str,
    findings: Sequence[Finding],
    shown: Sequence[Sequence[Finding]],
    check: ActiveCheck | None,
    texts: Mapping[str, Record] | None,
) -> Section:
    counts = audited.summary[name]
    documentation = check.check.documentation if check is not None else _OWN[name]
    paragraphs = tuple(" ".join(part.split()) for part in documentation.split("\n\n"))
    return Section(
        name=name,
        severity=min((str(finding.severity) for finding in findings), key=[str(s) for s in Severity].index),
        decision=str(check.decision) if check is not None else {"check_failed": "hold"}.get(name, "drop"),
        records=counts["records"],
        groups=counts["groups"],
        summary=paragraphs[0],
        paragraphs=paragraphs[1:],
        exhibits=tuple(_exhibit(group, texts) for group in shown),
        left_out=len(_grouped(findings)) - len(shown),
    )


_OWN = {
    "unreadable_row": "The row could not be read as a record.\n\nIt is dropped, with its place in the ledger.",
    "check_failed": "A check failed on this record, so that nobody judged it.\n\nPlease report this.",
    REVIEWED: "A person decided that this record is not to be trained on.\n\nThe decision is in reviews.jsonl.",
}


def _grouped(findings: Sequence[Finding]) -> list[list[Finding]]:
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.group or finding.row_id, []).append(finding)
    order = list(Severity)
    return sorted(groups.values(), key=lambda group: min(order.index(finding.severity) for finding in group))


def _records(audited: Audited, shown: Iterable[Sequence[Sequence[Finding]]]) -> dict[str, Record]:
    """The records that are shown, by row id, without personal data and secrets; read in one pass."""
    wanted = {row for groups in shown for group in groups for row in shown_rows(group)}
    return {record.row_id: conceal_record(record) for record in audited.data.select_rows(wanted).records()}


def _exhibit(group: Sequence[Finding], texts: Mapping[str, Record] | None) -> Exhibit:
    first = group[0]
    mix = style_mix(group, texts)
    if mix is not None:
        return Exhibit("", str(first.severity), "", (), mix)
    if texts is None:  # redacted: the place and the kind, since every message would say the same
        places = tuple(Side(str(finding.source), "", ()) for finding in group)
        return Exhibit(str(first.evidence.get("kind", "")), str(first.severity), "", places)
    records = [texts.get(finding.row_id) for finding in group]
    if len(group) > 1 and all(record is not None for record in records):
        present = [record for record in records if record is not None]
        return _comparison(group, present)
    sides = tuple(
        Side(str(finding.source), finding.message, tuple(_excerpt(finding, record)) if record is not None else ())
        for finding, record in zip(group, records, strict=True)
    )
    return Exhibit(first.message, str(first.severity), "", sides)


def _comparison(group: Sequence[Finding], records: Sequence[Record]) -> Exhibit:
    """Records of one group side by side: clashing words marked, or the differences from the first one."""
    answers = all("spans" in finding.evidence for finding in group)
    same_prompt = len({_prompt(record) for record in records}) == 1
    whole = [record.answer if same_prompt else _conversation(record) for record in records]
    if same_prompt and not answers and len(set(whole)) == 1:
        places = ", ".join(str(finding.source) for finding in group)
        sides = [Side(places, "", (Piece(_cut(whole[0])),))]
        return Exhibit(f"{len(group)} times", str(group[0].severity), _cut(_prompt(records[0])), tuple(sides))
    sides = []
    for finding, record, text in zip(group, records, whole, strict=True):
        if answers:
            pieces = tuple(_marked(text, str(finding.evidence["spans"][0]["text"])))
        else:
            pieces = tuple(difference(whole[0], text)) if record is not records[0] else (Piece(_cut(text)),)
        sides.append(Side(str(finding.source), _note(finding), pieces))
    title = f"{len(group)} records" if not answers else str(group[0].evidence["kind"])
    severity = min((finding.severity for finding in group), key=list(Severity).index)
    return Exhibit(title, str(severity), _cut(_prompt(records[0])) if same_prompt else "", tuple(sides))


def _note(finding: Finding) -> str:
    if finding.evidence.get("dissenter"):
        return "dissents from most records"
    return finding.message if "spans" not in finding.evidence else ""


def _excerpt(finding: Finding, record: Record) -> Iterator[Piece]:
    """The turn that the finding is about, with its span marked; the last turns where it names none."""
    span = finding.span
    if span is None:
        index = finding.evidence.get("message")
        if isinstance(index, int) and 0 <= index < len(record.messages):
            yield Piece(f"{record.messages[index].role}: ")
            text = _cut(message_text(record.messages[index]))
            yield Piece(text if visible(text) else "(empty)", "hit")
        else:
            yield Piece(_cut(_conversation(record)))
        return
    content = record.messages[span.message].content or ""
    yield Piece(f"{record.messages[span.message].role}: ")
    start, end = max(0, span.start - _CONTEXT), min(len(content), span.end + _CONTEXT)
    yield Piece(("..." if start else "") + content[start : span.start])
    yield Piece(_cut(content[span.start : span.end]), "hit")
    yield Piece(content[span.end : end] + ("..." if end < len(content) else ""))


def _marked(text: str, wanted: str) -> Iterator[Piece]:
    position = text.find(wanted) if wanted else -1
    if position < 0 or len(wanted) >= len(text):
        yield Piece(_cut(text), "hit" if wanted else "")
        return
    start = max(0, position - MAX_CHARACTERS // 2)
    end = position + len(wanted)
    yield Piece(("..." if start else "") + text[start:position])
    yield Piece(text[position:end], "hit")
    yield Piece(_cut(text[end:]))


def _prompt(record: Record) -> str:
    return "\n".join(f"{message.role}: {message_text(message)}" for message in record.prompt)


def _conversation(record: Record) -> str:
    return "\n".join(f"{message.role}: {message_text(message)}" for message in record.messages)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS].rstrip() + " ..."

"""One item of a review as it is shown: what was found, marked where it stands, and what the record is held against."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from assay.findings import Finding
from assay.records import Record
from assay.reviews.differing import compared
from assay.reviews.item import HIT, Beside, Item, Mark, Suggestion, Turn, turns_of
from assay.reviews.queue import ANY, CONTRADICTION, DUPLICATE, LABEL, READ, Key
from assay.reviews.review import Subject
from assay.text import normalize


class Other(NamedTuple):
    """Another row of the group. fate: kept, held or dropped. record: None where the run did not keep it."""

    row: str
    fate: str
    source: str
    record: Record | None


QUOTED = ("near", "ends_with", "unit", "placeholders", "tokens", "phrase")
"""Keys of evidence that quote the record."""


def item_of(
    key: Key,
    record: Record,
    found: Sequence[Finding],
    subjects: tuple[Subject, ...],
    others: Sequence[Other],
    spelling: Callable[[str], str | None],
    kind: str = "",
    quoting: Sequence[Finding] = (),
) -> Item:
    """
    others    the other records of its screen, in their order
    spelling  how a label is written in the data, None where it is not there
    kind      of the screen, where it is not that of the key
    quoting   findings about the records of the screen, which quote what clashes
    """
    if key.kind == READ:
        return Item(record, "drawn to be read: no check flagged it", subjects)
    facts = tuple(dict.fromkeys(f"{item.check}: {item.message}" for item in found))
    if not record.messages:
        facts = (*facts, f"the run did not keep its text: it is at {record.source}, or curate the data again")
    own, sides = _marked(kind or key.kind, record, found, others, quoting or found)
    return Item(
        record,
        _title(key),
        subjects,
        facts,
        sides,
        {"found": "\n".join(facts)} if facts else None,
        {place: turn.marks for place, turn in enumerate(own) if turn.marks},
        _suggestion(record, found, others, spelling),
    )


def _title(key: Key) -> str:
    checks = ", ".join(check.replace("_", " ") for check in key.checks)
    if key.kind == ANY:
        return f"nothing waits here; {checks} found something" if checks else "nothing waits here"
    if key.kind == LABEL:
        return f"suspected label ({checks})"
    if key.settled:
        return f"dropped as a copy ({checks})"
    return f"held for {checks}" if checks else "held"


def _marked(
    kind: str, record: Record, found: Sequence[Finding], others: Sequence[Other], quoting: Sequence[Finding]
) -> tuple[tuple[Turn, ...], tuple[Beside, ...]]:
    """The turns of the record, and what stands beside it, with marks."""
    own = turns_of(record)
    sides: list[Beside] = []
    for row, fate, source, other in others:
        if other is None:
            missing = "(the run did not keep its text: it is at its source, or curate the data again)"
            sides.append(Beside(_heading(kind, fate, source), (Turn("", missing),), row))
            continue
        turns = turns_of(other)
        if kind == DUPLICATE:
            compared_own, turns = compared(own if sides else _plain(own), turns)
            own = own if sides else compared_own
        elif kind == CONTRADICTION:
            turns = _quoted(turns, _spans(quoting, other.id))
        sides.append(Beside(_heading(kind, fate, source or str(other.source)), turns, row))
    if kind != DUPLICATE:
        own = _with_findings(own, found)
        if kind == CONTRADICTION:
            own = _quoted(own, _spans(quoting, record.id))
    return own, tuple(sides)


def _plain(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    return tuple(turn._replace(marks=()) for turn in turns)


def _heading(kind: str, fate: str, source: str) -> str:
    what = {CONTRADICTION: "says otherwise", DUPLICATE: "much like it"}.get(kind, "of the same group")
    return ", ".join(part for part in (what, fate, source) if part)


def _spans(found: Iterable[Finding], record_id: str) -> list[str]:
    """What the findings quote of a record."""
    spans = [span for item in found for span in _list(item.evidence.get("spans")) if isinstance(span, Mapping)]
    return [str(span["text"]) for span in spans if span.get("record_id") == record_id and span.get("text")]


def _quoted(turns: Sequence[Turn], texts: Sequence[str]) -> tuple[Turn, ...]:
    """Marks where the last answer says one of the texts; where it does not, where any turn does."""
    answers = [place for place, turn in enumerate(turns) if turn.role == "assistant"][-1:]
    out = list(turns)
    for text in dict.fromkeys(texts):
        for place in [*answers, *(at for at in range(len(out)) if at not in answers)]:
            marks = _occurrences(out[place].text, text)
            if marks:
                out[place] = out[place]._replace(marks=(*out[place].marks, *marks))
                break
    return tuple(out)


def _occurrences(text: str, wanted: str) -> tuple[Mark, ...]:
    """As whole words, where the text begins and ends with one."""
    before = r"(?<!\w)" if wanted[:1].isalnum() else ""
    after = r"(?!\w)" if wanted[-1:].isalnum() else ""
    found = re.finditer(f"{before}{re.escape(wanted)}{after}", text)
    return tuple(Mark(match.start(), match.end(), HIT) for match in found)


def _with_findings(turns: Sequence[Turn], found: Iterable[Finding]) -> tuple[Turn, ...]:
    """Marks where the findings point, by place or by what they quote."""
    out = list(turns)
    whole = []
    for item in found:
        span = item.span
        if span is not None and 0 <= span.message < len(out):
            turn = out[span.message]
            out[span.message] = turn._replace(marks=(*turn.marks, Mark(span.start, span.end, HIT)))
            continue
        quoted = [text for name in QUOTED for text in _texts(item.evidence.get(name))]
        label = item.evidence.get("label") if item.check == "label_noise" else None
        quoted += [str(label)] if label else []
        message = item.evidence.get("message")
        places = [message] if isinstance(message, int) and 0 <= message < len(out) else []
        if quoted:
            out = list(_quoted(out, quoted))
        else:
            whole += places
    for place in whole:
        if not out[place].marks:
            out[place] = out[place]._replace(marks=(Mark(0, len(out[place].text), HIT),))
    return tuple(out)


def _texts(value: Any) -> list[str]:
    return [str(text) for text in (value if isinstance(value, list | tuple) else [value]) if text]


def _suggestion(
    record: Record, found: Iterable[Finding], others: Sequence[Other], spelling: Callable[[str], str | None]
) -> Suggestion | None:
    """The label that a check suspects, or that the other side of a clash of two labels has."""
    for item in found:
        if item.check == "label_noise":
            label, other = str(item.evidence.get("label") or ""), str(item.evidence.get("suspected") or "")
        elif item.evidence.get("kind") == "label":
            spans = [span for span in _list(item.evidence.get("spans")) if isinstance(span, Mapping)]
            label = next((str(span.get("text")) for span in spans if span.get("record_id") == record.id), "")
            other = next((str(span.get("text")) for span in spans if span.get("record_id") != record.id), "")
        else:
            continue
        answer = relabelled(record.answer, label, other, spelling)
        if answer is not None:
            return Suggestion(other, answer)
    return None


def relabelled(answer: str, label: str, other: str, spelling: Callable[[str], str | None]) -> str | None:
    """The answer with another label: the whole of it, or the one value of its JSON that is the label. Else None."""
    if not label or not other or label == other:
        return None
    if normalize(answer) == normalize(label):
        written = spelling(normalize(other))
        if written is None and answer.strip() == label:
            written = other
        return written if written is not None and written != answer.strip() else None
    encoded = json.dumps(label, ensure_ascii=False)
    places = [match.end() - len(encoded) for match in re.finditer(r":\s*" + re.escape(encoded), answer)]
    if len(places) != 1:
        return None
    return answer[: places[0]] + json.dumps(other, ensure_ascii=False) + answer[places[0] + len(encoded) :]


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []

"""No report, table or log of assay shows personal data or a secret, whichever check quotes the text around it.

Masks are as long as what they hide, so that spans keep their places. The records themselves are in data.parquet,
held.parquet and dropped.parquet alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from assay.findings import Finding
from assay.records import ROLES, Message, Record, ToolCall

from ..personal.look import places
from ..personal.masking import concealed
from ..personal.signs import signs_of
from ..personal.strings import DEEPEST, Change, changed, leaves, one_text, prefix, replaced
from .fragments import without_pieces

MASKED_ALREADY = frozenset({"secret", "personal_data", "contact_details"})

NEVER_QUOTED = MASKED_ALREADY
"""Checks whose values are hidden in pieces as well."""

FEWEST_CHARACTERS = 6
"""A shorter way to reach somebody, such as 911, has no pieces that say anything."""

ROWS = 4096


def conceal_record(record: Record) -> Record:
    """For display: every string as long as before, with masks over personal data and secrets.

    Odd roles, the names of JSON keys, and the names and ids of calls as well.
    """
    hidden = replaced(record, concealed)
    meta, tools = keys_concealed(hidden.meta), tuple(map(keys_concealed, hidden.tools))
    if meta != hidden.meta or tools != hidden.tools:
        hidden = replace(hidden, meta=meta, tools=tools)
    if all(
        message.role in ROLES and not message.tool_calls and not message.tool_call_id for message in hidden.messages
    ):
        return hidden
    return hidden.with_messages(_names_concealed(message) for message in hidden.messages)


def _names_concealed(message: Message) -> Message:
    calls = tuple(
        ToolCall(concealed(call.name), keys_concealed(call.arguments), concealed(call.id) if call.id else call.id)
        for call in message.tool_calls
    )
    answers = concealed(message.tool_call_id) if message.tool_call_id else message.tool_call_id
    role = message.role if message.role in ROLES else concealed(message.role)
    return replace(message, role=role, tool_calls=calls, tool_call_id=answers)


def keys_concealed(value: Any, depth: int = 0) -> Any:
    """The JSON value with masks over the names of its keys. Of two names that look alike then, both stay."""
    if depth > DEEPEST:
        return value
    if isinstance(value, Mapping):
        out: dict[str, Any] = {}
        for name, item in value.items():
            shown = _key_concealed(str(name))
            while shown in out:
                shown += "*"
            out[shown] = keys_concealed(item, depth + 1)
        return out
    if isinstance(value, list | tuple):
        return type(value)(keys_concealed(item, depth + 1) for item in value)
    return value


@lru_cache(maxsize=4096)
def _key_concealed(name: str) -> str:
    return concealed(name)


def conceal_findings(findings: Sequence[Finding], sensitive: Iterable[Record] = ()) -> tuple[Finding, ...]:
    """The findings in order, with masks in message, span and evidence.

    sensitive: records in which a check of NEVER_QUOTED found something. Of what it found pieces are hidden, too, in
    all that is said of the record and of others in its groups.
    """
    known = {record.row_id: _values_of(record) for record in sensitive}
    pieces = _by_group(findings, known) if known else {}
    out: list[Finding] = []
    for start in range(0, len(findings), ROWS):
        rows = findings[start : start + ROWS]
        for finding, suspicious in zip(rows, signs_of(["\n".join(_texts(finding)) for finding in rows]), strict=True):
            own = (*known.get(finding.row_id, ()), *pieces.get(f"{finding.check} {finding.group}", ()))
            if finding.check not in MASKED_ALREADY and (suspicious or own):
                finding = _changed(finding, lambda text, key, own=own: without_pieces(concealed(text, key), own))  # type: ignore[misc]
            out.append(finding)
    return tuple(out)


def conceal_messages(said: Sequence[tuple[Record, str]]) -> list[str]:
    """What is said of each record, with masks over its personal data and secrets, and over pieces of them."""
    signs = signs_of([one_text(record) for record, _ in said]).tolist()
    suspicious = signs_of([message for _, message in said])
    out = []
    for (record, message), own, suspect in zip(said, signs, suspicious, strict=True):
        values = tuple(dict.fromkeys(place.found.value for place in places(record, own))) if own else ()
        out.append(without_pieces(concealed(message), values) if values or suspect else message)
    return out


def _values_of(record: Record) -> tuple[str, ...]:
    found = [place.found for place in places(record)]
    long = (item for item in found if item.pattern.group != "contact" or len(item.value) >= FEWEST_CHARACTERS)
    return tuple(dict.fromkeys(item.value for item in long))


def _by_group(findings: Iterable[Finding], known: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    out: dict[str, tuple[str, ...]] = {}
    for finding in findings:
        if finding.group is not None and finding.row_id in known:
            key = f"{finding.check} {finding.group}"
            out[key] = tuple(dict.fromkeys([*out.get(key, ()), *known[finding.row_id]]))
    return out


def _texts(finding: Finding) -> Iterator[str]:
    yield finding.message
    if finding.span is not None:
        yield finding.span.text
    yield from (prefix(key) + text for key, text in leaves(finding.evidence))


def _changed(finding: Finding, change: Change) -> Finding:
    span = replace(finding.span, text=change(finding.span.text, "")) if finding.span is not None else None
    evidence = {key: keys_concealed(changed(value, change, key)) for key, value in finding.evidence.items()}
    return replace(finding, message=change(finding.message, ""), span=span, evidence=evidence)

"""A finding about values that must not be shown: how many of which kind, where, and each behind a mask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from assay.findings import Finding, Severity, Span
from assay.records import Json, Record

from ..check import Check, Context
from .look import found_in
from .looked import Place
from .masking import short, stars
from .pattern import Group
from .scan import chosen

SHOWN = 3
LISTED = 50


def report(
    check: Check,
    record: Record,
    context: Context,
    group: Group,
    entities: Sequence[str] = (),
    countries: Sequence[str] = (),
) -> Sequence[Finding]:
    """At most one finding: of the check's severity, or of severity info where all values are facts by themselves.

    Of contacts facts are not told at all. Entities that are named are never that: who names them means them.
    """
    found = found_in(record, context)
    if not found:
        return ()
    patterns = chosen(group, entities, countries)
    places = [place for place in found if place.found.pattern in patterns]
    if group == "contact" and not entities:
        places = [place for place in places if not place.found.example]
    if not places:
        return ()
    facts = not entities and all(place.found.example for place in places)
    return (_finding(check, record, places, facts),)


def _finding(check: Check, record: Record, places: Sequence[Place], facts: bool) -> Finding:
    first = next((place for place in places if place.where.in_content), places[0])
    span = None
    if first.where.in_content and first.where.message is not None:
        span = Span(first.where.message, first.found.start, first.found.end, stars(first.found))
    counts = Counter(place.found.pattern.name for place in places)
    evidence: dict[str, Json] = {
        "kind": ", ".join(counts),
        "entities": dict(counts),
        "found": [_described(place) for place in places[:LISTED]],
    }
    if span is None and first.where.message is not None:
        evidence["message"] = first.where.message
    return check.about(
        record, _message(places, facts), severity=Severity.INFO if facts else None, span=span, evidence=evidence
    )


def _message(places: Sequence[Place], facts: bool) -> str:
    shown: dict[str, None] = {}
    for place in places:
        shown[f"{place.found.pattern.name.replace('_', ' ')} {short(place.found)}{_where(place)}"] = None
    listed = list(shown)[:SHOWN]
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return f"{', '.join(listed)}{more}{' (a fact by itself)' if facts else ''}"


def _where(place: Place) -> str:
    if place.where.in_content:
        return ""
    return " in a tool call" if place.where.message is not None else " in the tools or other columns"


def _described(place: Place) -> dict[str, Json]:
    """message, start and end place it in the content of a turn; where it is elsewhere they are None."""
    in_content = place.where.in_content
    return {
        "kind": place.found.pattern.name,
        "country": place.found.pattern.country,
        "message": place.where.message,
        "start": place.found.start if in_content else None,
        "end": place.found.end if in_content else None,
        "shown": short(place.found),
    }

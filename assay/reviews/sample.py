"""In which order a person reads generated records, so that whatever was read stands for the whole set.

Records are put into strata by the method that made them and by what makes them a risk. Each stratum is in the order of
a hash of its records' content, and the strata are woven into one sequence by systematic sampling with a random start in
each (Cochran 1977, chapter 8): any beginning of it holds each stratum in proportion, so that every record is as likely
to be in it. That is what allows an exact bound for the set (see `assay.reviews.acceptance`). A new version of the set
keeps what was read, since a place in its stratum depends on the content alone.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from assay.records import Record

FULL_AGREEMENT = 1.0
"""Of independent answers; below it one at least said otherwise."""

MOSTLY_NEW = 0.5
"""Share of word 4-grams that stand in no seed; below it a record is near one."""

LONGEST = 0.1
"""This share of the set, by the length of the answer, is long."""

SMALLEST_STRATUM = 2
SMALLEST_SAMPLE = 59
"""Strata of which that many reviews would hold fewer than two are read as one."""

PLAIN = "no risk seen"


class Placed(NamedTuple):
    """A record and the stratum that it stands for."""

    record: Record
    stratum: str


def lineage_of(record: Record) -> Mapping[str, Any]:
    """What generation noted of a record; {} for one that it did not make."""
    noted = record.meta.get("synth")
    return noted if isinstance(noted, Mapping) else {}


def is_synthetic(record: Record) -> bool:
    """By its origin, or, where it went through a format that has no place for that, by its lineage."""
    return record.origin == "synthetic" or bool(lineage_of(record))


def risks(records: Sequence[Record]) -> list[str]:
    """Of each record the first that applies: low agreement, near a seed, long; PLAIN for the others."""
    lengths = sorted(len(record.answer) for record in records)
    limit = lengths[min(len(lengths) - 1, int(len(lengths) * (1 - LONGEST)))] if lengths else 0
    return [_risk(record, limit) for record in records]


def _risk(record: Record, limit: int) -> str:
    facts = lineage_of(record).get("facts")
    facts = facts if isinstance(facts, Mapping) else {}
    agreement, new = facts.get("agreement"), facts.get("new_grams")
    if isinstance(agreement, int | float) and agreement < FULL_AGREEMENT:
        return "low agreement"
    if isinstance(new, int | float) and new < MOSTLY_NEW:
        return "near a seed"
    return "long" if len(record.answer) > limit else PLAIN


def strata(records: Sequence[Record]) -> list[str]:
    """Method and risk of each record; small ones are pooled."""
    names = [
        f"{lineage_of(record).get('method') or 'unknown method'}, {risk}"
        for record, risk in zip(records, risks(records), strict=True)
    ]
    sizes = Counter(names)
    return [name if sizes[name] * SMALLEST_SAMPLE >= SMALLEST_STRATUM * len(names) else "other" for name in names]


def reading_order(records: Sequence[Record], seed: int = 0) -> list[Placed]:
    """Each distinct record once, in the order in which to read."""
    distinct = list({record.id: record for record in records}.values())
    members: dict[str, list[Record]] = defaultdict(list)
    for record, stratum in zip(distinct, strata(distinct), strict=True):
        members[stratum].append(record)
    woven = []
    for stratum, own in members.items():
        own.sort(key=lambda record: _number(f"{seed} {record.id}"))
        start = _number(f"{seed} {stratum}")
        woven += [((place + start) / len(own), stratum, record) for place, record in enumerate(own)]
    woven.sort(key=lambda item: item[:2])
    return [Placed(record, stratum) for _, stratum, record in woven]


def _number(text: str) -> float:
    """From 0 to below 1, by content alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6]) / 2**48

"""Which records of a batch are worth a look: one pass of RE2 over all their texts at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from assay.records import Record

from ..check import Context
from .pattern import Found
from .scan import scan
from .shapes import PREFILTER
from .strings import Text, one_text, strings

ROWS = 4096
"""Records whose texts are in one array at a time."""

_KEY = "personal.looked"


class Place(NamedTuple):
    """A value and where it stands."""

    where: Text
    found: Found


@dataclass
class _Looked:
    """Over which records the prefilter ran, those that it cleared (row ids), and what was found in others so far."""

    records: Sequence[Record]
    cleared: frozenset[str]
    found: dict[str, Sequence[Place]] = field(default_factory=dict)


def found_in(record: Record, context: Context) -> Sequence[Place]:
    """Personal data and secrets of a record, each with its place.

    Computed once for all checks that ask; the prefilter runs over the batch when its first record is asked for.
    """
    looked: _Looked | None = context.shared.get(_KEY)
    if looked is None or looked.records is not context.records:
        looked = _Looked(context.records, frozenset(cleared(context.records)))
        context.shared[_KEY] = looked
    if record.row_id in looked.cleared:
        return ()
    if record.row_id not in looked.found:
        looked.found[record.row_id] = places(record)
    return looked.found[record.row_id]


_MADE_UP = re.compile(
    r"(?:generat|creat|mak|suggest|com(?:e|ing) up with|giv|random|set|need|want)\w{0,4}\b.{0,40}"
    r"\bpass(?:words?|phrases?|codes?)\b"
    r"|password[ _-]?generat|generate_?(?:random_?)?password",
    re.IGNORECASE,
)


def places(record: Record) -> list[Place]:
    """All that stands in the record, in the order in which it is read.

    A password that somebody asked for was made up for the asking, and is an example.
    """
    found = [Place(where, item) for where in strings(record) for item in scan(where.text)]
    if any(place.found.pattern.name == "password" for place in found) and _MADE_UP.search(one_text(record)):
        return [_as_example(place) if place.found.pattern.name == "password" else place for place in found]
    return found


def _as_example(place: Place) -> Place:
    return place._replace(found=place.found._replace(example=True))


def cleared(records: Sequence[Record]) -> list[str]:
    """Row ids of the records in which nothing of any shape stands."""
    out: list[str] = []
    for start in range(0, len(records), ROWS):
        rows = records[start : start + ROWS]
        hits = flags([one_text(record) for record in rows])
        out += [record.row_id for record, hit in zip(rows, hits, strict=True) if not hit]
    return out


def flags(texts: Sequence[str]) -> list[bool]:
    """Of each text whether something may stand in it: RE2 over one Arrow column."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        column = pa.array(texts, pa.large_string())
    except UnicodeEncodeError:  # lone surrogates, which are part of no value
        column = pa.array([text.encode("utf-8", "replace").decode() for text in texts], pa.large_string())
    hits: list[bool] = pc.match_substring_regex(column, PREFILTER).to_pylist()
    return hits

"""Which records of a batch are worth a look: one pass of RE2 over all their texts at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from assay.records import Record

from ..check import Context
from ..cues import KEY, Marked
from .pattern import Found, Shape
from .scan import PATTERNS, in_ascii, scan_under
from .shapes import ALL_SHAPES, CUES, GATES, PREFILTER
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
    """Over which records the prefilter ran, what shapes stand in each of them, and what was found in some so far."""

    records: Sequence[Record]
    shapes: Mapping[str, Sequence[Shape]]
    found: dict[str, Sequence[Place]] = field(default_factory=dict)


def found_in(record: Record, context: Context) -> Sequence[Place]:
    """Personal data and secrets of a record, each with its place.

    Computed once for all checks that ask; the prefilter runs over the batch when its first record is asked for.
    """
    looked: _Looked | None = context.shared.get(_KEY)
    if looked is None or looked.records is not context.records:
        looked = _Looked(context.records, _shapes_by_row(context.records, context.shared.get(KEY)))
        context.shared[_KEY] = looked
    shapes = looked.shapes.get(record.row_id, ALL_SHAPES)
    if not shapes:
        return ()
    if record.row_id not in looked.found:
        looked.found[record.row_id] = places(record, shapes)
    return looked.found[record.row_id]


_MADE_UP = re.compile(
    r"(?:generat|creat|mak|suggest|com(?:e|ing) up with|giv|random|set|need|want)\w{0,4}\b.{0,40}"
    r"\bpass(?:words?|phrases?|codes?)\b"
    r"|password[ _-]?generat|generate_?(?:random_?)?password",
    re.IGNORECASE,
)


def places(record: Record, shapes: Sequence[Shape] = ALL_SHAPES) -> list[Place]:
    """All that stands in the record, in the order in which it is read.

    A password that somebody asked for was made up for the asking, and is an example.
    """
    found = [
        Place(where, item) for where in strings(record) for item in scan_under(where.key, where.text, PATTERNS, shapes)
    ]
    if any(place.found.pattern.name == "password" for place in found) and _MADE_UP.search(one_text(record)):
        return [_as_example(place) if place.found.pattern.name == "password" else place for place in found]
    return found


def _as_example(place: Place) -> Place:
    return place._replace(found=place.found._replace(example=True))


def _shapes_by_row(records: Sequence[Record], marked: Marked | None) -> dict[str, Sequence[Shape]]:
    """Of those records at which a check may look: all of them, where no cues were looked for."""
    held = marked.held(CUES) if marked is not None and marked.records is records else None
    if marked is None or held is None:
        texts = [one_text(record) for record in records]
    else:
        texts = [marked.texts[place] for place in held]
        records = [records[place] for place in held]
    shapes = [shape for start in range(0, len(texts), ROWS) for shape in shapes_of(texts[start : start + ROWS])]
    return dict(zip((record.row_id for record in records), shapes, strict=True))


def shapes_of(texts: Sequence[str]) -> list[Sequence[Shape]]:
    """Of each text the shapes that stand in it; for most texts none, which one expression over all of them tells."""
    out: list[Sequence[Shape]] = [()] * len(texts)
    suspects = [index for index, suspicious in enumerate(flags(texts)) if suspicious]
    if not suspects:
        return out
    plain = [in_ascii(texts[index]) for index in suspects]
    by_shape = {shape: _matches(plain, gate.prefilter) for shape, gate in GATES.items()}
    for place, index in enumerate(suspects):
        out[index] = tuple(shape for shape, hits in by_shape.items() if hits[place])
    return out


def flags(texts: Sequence[str]) -> list[bool]:
    """Of each text whether something may stand in it."""
    return _matches(texts, PREFILTER)


def _matches(texts: Sequence[str], regex: str) -> list[bool]:
    """RE2 over one Arrow column."""
    if not texts:  # it takes milliseconds to compile
        return []
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        column = pa.array(texts, pa.large_string())
    except UnicodeEncodeError:  # lone surrogates, which are part of no value
        column = pa.array([text.encode("utf-8", "replace").decode() for text in texts], pa.large_string())
    hits: list[bool] = pc.match_substring_regex(column, regex).to_pylist()
    return hits

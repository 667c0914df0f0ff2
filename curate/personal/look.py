"""What stands in the records of a batch: most are passed over by the signs of all their texts at once."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assay.records import Record

from ..check import Context
from ..cues import KEY as MARKED
from ..cues import Marked
from .looked import KEY, Looked, Place
from .scan import PATTERNS, scan_under
from .shapes import CUES
from .signs import EVERYTHING, signs_of
from .strings import one_text, strings


def found_in(record: Record, context: Context) -> Sequence[Place]:
    """Personal data and secrets of a record, each with its place.

    Computed once for all checks that ask; signs are looked for in the whole batch when its first record is asked for.
    """
    looked: Looked | None = context.shared.get(KEY)
    if looked is None or looked.records is not context.records:
        looked = Looked(context.records, _signs_by_row(context.records, context.shared.get(MARKED)))
        context.shared[KEY] = looked
    signs = looked.signs.get(record.row_id, EVERYTHING)
    if not signs:
        return ()
    if record.row_id not in looked.found:
        looked.found[record.row_id] = places(record, signs)
    return looked.found[record.row_id]


_MADE_UP = re.compile(
    r"(?:generat|creat|mak|suggest|com(?:e|ing) up with|giv|random|set|need|want)\w{0,4}\b.{0,40}"
    r"\bpass(?:words?|phrases?|codes?)\b"
    r"|password[ _-]?generat|generate_?(?:random_?)?password",
    re.IGNORECASE,
)


def places(record: Record, signs: int = EVERYTHING) -> list[Place]:
    """All that stands in the record, in the order in which it is read.

    A password that somebody asked for was made up for the asking, and is an example; so is an address in a declared
    tool, which shows how the tool is called.
    """
    found = [
        Place(where, item) for where in strings(record) for item in scan_under(where.key, where.text, PATTERNS, signs)
    ]
    found = [_as_example(place) if _shows_a_tool(place) else place for place in found]
    if any(place.found.pattern.name == "password" for place in found) and _MADE_UP.search(one_text(record)):
        return [_as_example(place) if place.found.pattern.name == "password" else place for place in found]
    return found


def _shows_a_tool(place: Place) -> bool:
    return place.where.in_tools and place.found.pattern.group == "contact"


def _as_example(place: Place) -> Place:
    return place._replace(found=place.found._replace(example=True))


def _signs_by_row(records: Sequence[Record], marked: Marked | None) -> dict[str, int]:
    """Of those records at which a check may look: all of them, where no cues were looked for."""
    held = marked.held(CUES) if marked is not None and marked.records is records else None
    if marked is None or held is None:
        texts = [one_text(record) for record in records]
    else:
        texts = [marked.texts[place] for place in held]
        records = [records[place] for place in held]
    return dict(zip((record.row_id for record in records), signs_of(texts).tolist(), strict=True))

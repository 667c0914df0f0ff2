"""What a list of records shows, as it stands in its address: an address can be sent to a colleague."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from urllib.parse import urlencode

ORDERS = {"": "data order", "longest": "longest first", "shortest": "shortest first"}
TURNS = {
    "": "any turns",
    "one": "one answer",
    "several": "several answers",
    "system": "with a system turn",
    "tools": "with tool calls",
}
KINDS = {"": "text", "regex": "regular expression", "meaning": "same meaning"}
"""How `q` is meant."""

USABLE = "usable"
"""A fate that stands for two: kept and repaired."""

LENGTHS = ("prompt", "answer")
"""Names of the parts whose length was measured."""

LONGEST = 2_000
"""Characters of a value in an address that are looked at."""


@dataclass(frozen=True)
class Query:
    """Every field is a name in the address; "" for what is not asked.

    q, kind    what is searched, and how; `like` is the row id that others are to be like
    where      KEY=VALUE of a column that was kept beside the turns
    min, max   characters of all turns

    What the overview counted a record as: its label or topic, language, structure (roles in order), style
    (FEATURE:VALUE), and the length of its prompt and answer (LEAST-MOST, in tokens or words).
    """

    q: str = ""
    kind: str = ""
    like: str = ""
    check: str = ""
    severity: str = ""
    fate: str = ""
    source: str = ""
    origin: str = ""
    split: str = ""
    turns: str = ""
    where: str = ""
    min: str = ""
    max: str = ""
    order: str = ""
    label: str = ""
    topic: str = ""
    language: str = ""
    structure: str = ""
    style: str = ""
    prompt: str = ""
    answer: str = ""

    @property
    def by_overview(self) -> bool:
        named = any(getattr(self, name) for name in OF_OVERVIEW if name not in LENGTHS)
        return named or any(self.span(part) is not None for part in LENGTHS)

    @property
    def by_meaning(self) -> bool:
        return bool(self.like) or (self.kind == "meaning" and bool(self.q))

    @property
    def scanned(self) -> bool:
        """Whether texts have to be read to answer it."""
        return bool(self.turns or self.where or (self.q and self.kind != "meaning"))

    @property
    def by_length(self) -> bool:
        return bool(self.order or self.min or self.max)

    def address(self, **changed: str) -> str:
        """The query with some of it changed, as it stands behind the question mark."""
        made = replace(self, **changed)
        return urlencode(
            [(field.name, getattr(made, field.name)) for field in fields(made) if getattr(made, field.name)]
        )

    def range(self) -> tuple[int, int | None]:
        """Of `min` and `max`; what is no number does not bound."""
        least, most = (int(value) if value.isdecimal() else None for value in (self.min, self.max))
        return least or 0, most

    def span(self, part: str) -> tuple[int, int] | None:
        """Least and most of a length of LENGTHS; None where it is not asked for."""
        found = _SPAN.fullmatch(getattr(self, part))
        return (int(found[1]), int(found[2])) if found else None

    def problems(self) -> list[str]:
        """One line for each part that cannot be meant, and does not count."""
        lines = [
            f"{value!r:.40} is no number of characters"
            for value in (self.min, self.max)
            if value and not value.isdecimal()
        ]
        lines += [
            f"{value!r:.40} is no range of lengths, such as 16-31"
            for value in (getattr(self, part) for part in LENGTHS)
            if value and not _SPAN.fullmatch(value)
        ]
        if self.where and "=" not in self.where:
            lines.append(f"{self.where!r:.60} names no value: a column is given as KEY=VALUE")
        if self.q and self.kind == "regex":
            wrong = fault_of(self.q)
            lines += [f"this is no regular expression that can be searched: {wrong}"] if wrong else []
        return lines


OF_OVERVIEW = ("label", "topic", "language", "structure", "style", *LENGTHS)
"""Fields of what the overview counted a record as."""

_SPAN = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")


def query_of(given: Mapping[str, str]) -> Query:
    """Unknown names are passed over, and so are unknown orders, turns and kinds."""
    values = {field.name: given.get(field.name, "")[:LONGEST] for field in fields(Query)}
    known = (("order", ORDERS), ("turns", TURNS), ("kind", KINDS))
    return Query(**values | {name: "" for name, names in known if values[name] not in names})


def fault_of(pattern: str) -> str:
    """What RE2 has against it, or "". RE2 takes time in proportion to the text, whatever the expression is."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except (pa.ArrowInvalid, UnicodeEncodeError) as error:
        return str(error).removeprefix("Invalid regular expression: ")
    return ""

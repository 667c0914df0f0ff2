"""Reads what a model answers: an object with certain fields, or a piece of text without its wrapping.

Kind about the wrapping, strict about the content: a fenced block, words before or after the object, or one
"Name: value" line a field are all read; a field that is missing, empty or of another type is a refusal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from assay.records import Json

from ..generator import Refused

FENCE = re.compile(r"```[a-zA-Z]*[ \t]*\n(.*?)(?:\n[ \t]*```|\Z)", re.DOTALL)
QUOTATION_MARKS = {'"': '"', "'": "'", "“": "”", "«": "»"}
MOST_DEPTH = 200
"""Brackets within brackets: deeper ones are no answer, and Python's reader would run out of stack."""


def read_object(text: str) -> dict[str, Json] | Refused:
    """The first JSON object of an answer."""
    found = _first(text, "{", dict)
    return found if isinstance(found, dict) else Refused("parse", "the answer holds no JSON object")


def read_array(text: str) -> list[Json] | Refused:
    """The first JSON array of an answer."""
    found = _first(text, "[", list)
    return found if isinstance(found, list) else Refused("parse", "the answer holds no JSON array")


def read_fields(text: str, names: Sequence[str]) -> dict[str, str] | Refused:
    """Those fields, each a text that is not empty, from a JSON object or from "Name: value" lines."""
    found = read_object(text)
    if isinstance(found, Refused):
        found = dict(_labelled(text, names))
        if not found:
            return Refused("parse", "the answer holds neither a JSON object nor lines with the names of its fields")
    fields: dict[str, str] = {}
    for name in names:
        value = found.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = json.dumps(value)
        if not isinstance(value, str):
            return Refused("parse", f"the answer has no text '{name}'")
        if not value.strip():
            return Refused("parse", f"'{name}' is empty")
        fields[name] = value.strip()
    return fields


def read_text(text: str, *labels: str) -> str:
    """The text without a fence around all of it, a label before it, or quotation marks around it."""
    text = text.strip()
    fenced = FENCE.fullmatch(text)
    if fenced:
        text = fenced.group(1).strip()
    for label in labels:
        text = re.sub(rf"^\s*\**{re.escape(label)}\s*:\**\s*", "", text, flags=re.IGNORECASE)
    if len(text) > 1 and QUOTATION_MARKS.get(text[0]) == text[-1] and text[0] not in text[1:-1]:
        text = text[1:-1].strip()
    return text


def schema_of(names: Sequence[str]) -> dict[str, Json]:
    """The JSON schema of an object with those text fields and no others."""
    return {
        "type": "object",
        "properties": {name: {"type": "string"} for name in names},
        "required": list(names),
        "additionalProperties": False,
    }


def _first(text: str, opening: str, kind: type) -> Json:
    """The first value that begins with `opening`; of several the first that is whole."""
    decoder = json.JSONDecoder(strict=False)
    fenced = [match.group(1) for match in FENCE.finditer(text)]
    for part in (*fenced, text):
        for match in re.finditer(re.escape(opening), part):
            if part.count(opening, 0, match.start()) > MOST_DEPTH:
                break
            try:
                value, _ = decoder.raw_decode(part, match.start())
            except (ValueError, RecursionError):
                continue
            if isinstance(value, kind):
                return value
    return None


def _labelled(text: str, names: Sequence[str]) -> Mapping[str, str]:
    """{name: what stands after "Name:", up to the next name}."""
    titles = "|".join(re.escape(name) for name in names)
    pattern = re.compile(rf"^[ \t>*#-]*({titles})\**[ \t]*:\**[ \t]*", re.IGNORECASE | re.MULTILINE)
    found: dict[str, str] = {}
    matches = list(pattern.finditer(text))
    ends = [match.start() for match in matches[1:]] + [len(text)] * bool(matches)
    for match, end in zip(matches, ends, strict=True):
        found.setdefault(match.group(1).lower(), read_text(text[match.end() : end]))
    return found

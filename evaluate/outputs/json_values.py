"""JSON in what a model wrote, and when two values agree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from assay.records import Json

MOST_ATTEMPTS = 200
"""Brackets at which a value is looked for: a text of nothing but brackets must not take long."""


def json_values(text: str, opening: str = "{[") -> Iterator[tuple[Json, int, int]]:
    """(value, start, end) of each complete JSON object or array in a text, whatever stands around it, none inside
    another."""
    decoder = json.JSONDecoder()
    position, attempts = 0, 0
    while attempts < MOST_ATTEMPTS:
        start = min((at for bracket in opening if (at := text.find(bracket, position)) != -1), default=-1)
        if start == -1:
            return
        attempts += 1
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            position = start + 1
            continue
        yield value, start, end
        position = end


def first_object(text: str) -> dict[str, Any] | None:
    """The first complete JSON object in the text: in a code fence, in a sentence, or alone."""
    return next((value for value, _, _ in json_values(text, "{")), None)


def agree(given: Json, expected: Json) -> bool:
    """Text without outer white space, numbers by value (`1` is `1.0`, but `true` is not `1`), the rest by its parts."""
    if isinstance(given, bool) or isinstance(expected, bool):
        return given is expected
    if isinstance(given, str) and isinstance(expected, str):
        return given.strip() == expected.strip()
    if isinstance(given, dict) and isinstance(expected, dict):
        return given.keys() == expected.keys() and all(agree(given[key], expected[key]) for key in expected)
    if isinstance(given, list) and isinstance(expected, list):
        return len(given) == len(expected) and all(map(agree, given, expected))
    return bool(given == expected)

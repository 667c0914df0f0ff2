from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..scorer import scorer


@scorer
def json_fields(output: str, reference: str, *, fields: Sequence[str] = (), partial_credit: bool = True) -> float:
    """The share of fields on which the JSON object in the output agrees with the reference.

    `fields` names those that count; without it, all of the reference's. A dotted name reaches into an object:
    `customer.country`. Text is compared without outer white space, numbers by value (`1` is `1.0`). Without
    `partial_credit` only a complete agreement counts. An output without a JSON object scores 0.
    """
    expected = json.loads(reference)
    if not isinstance(expected, dict):
        raise ValueError("the reference is not a JSON object")
    names = list(fields) or list(expected)
    if not names:
        raise ValueError("the reference has no fields")
    given = _first_object(output)
    if given is None:
        return 0.0
    agreeing = sum(_equal(_get(given, name), _get(expected, name)) for name in names)
    return agreeing / len(names) if partial_credit else float(agreeing == len(names))


_ABSENT = object()


def _first_object(text: str) -> dict[str, Any] | None:
    """The first complete JSON object in the text, whatever stands around it (a code fence, a sentence)."""
    decoder = json.JSONDecoder()
    start = text.find("{")
    while start != -1:
        try:
            value, _ = decoder.raw_decode(text, start)
        except (json.JSONDecodeError, RecursionError):
            start = text.find("{", start + 1)
            continue
        return value if isinstance(value, dict) else None
    return None


def _get(value: dict[str, Any], name: str) -> Any:
    if name in value:
        return value[name]
    node: Any = value
    for part in name.split("."):
        if not isinstance(node, dict) or part not in node:
            return _ABSENT
        node = node[part]
    return node


def _equal(given: Any, expected: Any) -> bool:
    """Absent in both agrees: a reference that leaves out an optional field wants it left out."""
    if isinstance(given, bool) or isinstance(expected, bool):
        return given is expected
    if isinstance(given, str) and isinstance(expected, str):
        return given.strip() == expected.strip()
    return bool(given == expected)

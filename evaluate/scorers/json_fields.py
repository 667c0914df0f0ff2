from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..outputs.json_values import agree, first_object
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
    given = first_object(output)
    if given is None:
        return 0.0
    agreeing = sum(_agree(_get(given, name), _get(expected, name)) for name in names)
    return agreeing / len(names) if partial_credit else float(agreeing == len(names))


_ABSENT = object()


def _get(value: dict[str, Any], name: str) -> Any:
    if name in value:
        return value[name]
    node: Any = value
    for part in name.split("."):
        if not isinstance(node, dict) or part not in node:
            return _ABSENT
        node = node[part]
    return node


def _agree(given: Any, expected: Any) -> bool:
    """Absent in both agrees: a reference that leaves out an optional field wants it left out."""
    if given is _ABSENT or expected is _ABSENT:
        return given is expected
    return agree(given, expected)

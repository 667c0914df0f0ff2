"""JSON values from bytes, with everything that is wrong with them said in words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson

from assay.records import Json

MAX_DEPTH = 100
LARGEST_EXACT = float(1 << 63)
BOM = b"\xef\xbb\xbf"
_SURROGATE = re.compile("[\ud800-\udfff]")


class Fault(Exception):  # noqa: N818
    """Why bytes are no JSON value that can be used."""


class _Repeated(dict[str, Any]):
    """An object in which a key stands twice with different values."""

    key = ""


class _Large(Exception):  # noqa: N818
    """A whole number that orjson rounded."""


def parse(data: bytes) -> Json:
    """The value. Raises Fault for anything that is not JSON, or would be changed or be ambiguous when read."""
    try:
        value = orjson.loads(data)
        if _keys(value, 0) == data.count(b'":'):
            return value
    except (orjson.JSONDecodeError, _Large):
        pass
    return check(parse_exactly(data))


def parse_document(data: bytes) -> Json:
    """The value of a whole file, without `check`, which is for each of its rows. Raises Fault."""
    try:
        value = orjson.loads(data)
        if sum(_keys(row, 0) for row in (value if isinstance(value, list) else [value])) == data.count(b'":'):
            return value
    except (orjson.JSONDecodeError, _Large, Fault):
        pass
    return parse_exactly(data)


def parse_exactly(data: bytes) -> Json:
    """The value by the standard library, which takes NaN, any whole number, and shows repeated keys. Raises Fault."""
    try:
        return json.loads(decode(data), object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise Fault(syntax_fault(error)) from error
    except RecursionError as error:
        raise Fault(f"nested more than {MAX_DEPTH} levels deep") from error
    except ValueError as error:
        raise Fault(f"not JSON ({error})") from error


def check(value: Json) -> Json:
    """The value of a row. Raises Fault for a repeated key, a lone surrogate, or nesting too deep to handle."""
    try:
        _keys(value, 0, exact=True)
        _check_text(value)
    except RecursionError as error:
        raise Fault(f"nested more than {MAX_DEPTH} levels deep") from error
    return value


def decode(data: bytes) -> str:
    """UTF-8, a byte-order mark aside. Raises Fault with the place."""
    data = data.removeprefix(BOM)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Fault(
            f"invalid UTF-8: byte 0x{data[error.start]:02x} at position {error.start + 1}; "
            "save the file as UTF-8 (iconv converts it)"
        ) from error


def syntax_fault(error: json.JSONDecodeError) -> str:
    """What is wrong with the JSON, with the column; says so when it merely ends too early."""
    if error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string"):
        return f"the JSON breaks off after {len(error.doc.rstrip())} characters"
    return f"not JSON ({error.msg} at column {error.colno})"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    for key, item in pairs:
        if value[key] is not item and value[key] != item:
            repeated = _Repeated(value)
            repeated.key = key
            return repeated
    return value


def _keys(value: Json, depth: int, exact: bool = False) -> int:
    """The number of keys in a value, at every level; raises _Large unless `exact`, and Fault."""
    if isinstance(value, str):
        return 0
    if isinstance(value, dict | list):
        if depth >= MAX_DEPTH:
            raise Fault(f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(value, _Repeated):
            raise Fault(f"the key '{value.key:.60}' stands twice with different values; remove one of them")
        if isinstance(value, dict):
            return len(value) + sum(
                _keys(item, depth + 1, exact) for item in value.values() if not isinstance(item, str)
            )
        return sum(_keys(item, depth + 1, exact) for item in value if not isinstance(item, str))
    if not exact and isinstance(value, float) and abs(value) >= LARGEST_EXACT:
        raise _Large
    return 0


def _check_text(value: Json) -> None:
    if isinstance(value, str):
        found = None if value.isascii() else _SURROGATE.search(value)
        if found:
            raise Fault(f"a lone surrogate (\\u{ord(found.group()):04x}), which is half a character and no text")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _check_text(key)
            _check_text(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _check_text(item)

"""Is a text JSON (RFC 8259), and if not, what is wrong with it?"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

MAX_CHARACTERS = 1_000_000

_NEXT_CLOSES = re.compile(r",\s*[}\]]")
_COMMENT = re.compile(r"\s*(?://|/\*|#)")
_WORD = re.compile(r"(?:True|False|None|undefined|NaN|-?Infinity)\b")
_BARE_KEY = re.compile(r"[A-Za-z_$][\w$-]*\s*:")
_ELLIPSIS = re.compile(r"\.\.\.|…")


class JsonFault(NamedTuple):
    """kind: trailing_comma, single_quotes, comment, python_literal, not_a_number, bare_key, line_break,
    duplicate_key, truncated, text_after or syntax; at is an offset in the text."""

    kind: str
    at: int
    problem: str


class _Duplicate(Exception):  # noqa: N818 - carries a key out of the decoder
    pass


class _NotANumber(Exception):  # noqa: N818
    pass


def json_fault(text: str) -> JsonFault | None:
    """None for JSON, and for what is too long, too deep or abbreviated with "..." to be judged."""
    if len(text) > MAX_CHARACTERS:
        return None
    try:
        _STRICT.decode(text.strip())
    except json.JSONDecodeError as error:
        body = text.strip()
        if _ELLIPSIS.search(_outside_strings(body)):
            return None
        return _diagnosed(body, error)._replace(at=text.index(body) + error.pos)
    except _Duplicate as error:
        key = str(error)
        return JsonFault("duplicate_key", max(0, text.rfind(json.dumps(key))), f"the key {key[:60]!r} comes twice")
    except _NotANumber as error:
        return JsonFault("not_a_number", max(0, text.find(str(error))), f"{error} is no JSON")
    except (RecursionError, ValueError):
        return None
    return None


def is_json_container(text: str) -> bool:
    """Whether the whole text is a JSON object or array; quick."""
    stripped = text.strip()
    if not stripped or stripped[0] not in "{[" or stripped[-1] not in "}]":
        return False
    import orjson

    try:
        orjson.loads(stripped)
    except (ValueError, RecursionError):
        return False
    return True


def are_json_lines(text: str) -> bool:
    """Whether each line is JSON, as in JSON Lines."""
    lines = [line for line in text.splitlines() if line.strip()]
    return len(lines) > 1 and all(map(is_json_container, lines))


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in pairs:
        if key in out:
            raise _Duplicate(key)
        out[key] = value
    return out


def _constant(name: str) -> Any:
    raise _NotANumber(name)


_STRICT = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant)


def _diagnosed(body: str, error: json.JSONDecodeError) -> JsonFault:
    at = error.pos
    rest = body[at : at + 200]
    before = body[:at].rstrip()
    where = f"line {error.lineno}, column {error.colno}"
    if at >= len(body) or (error.msg.startswith("Unterminated string") and "\n" not in body[at:]):
        return JsonFault("truncated", at, "it ends before it is complete")
    if error.msg.startswith("Extra data"):
        return JsonFault("text_after", at, f"something follows the JSON ({where})")
    if (rest[:1] in "}]" and before.endswith(",")) or _NEXT_CLOSES.match(rest):
        return JsonFault("trailing_comma", at, f"a comma before a closing bracket ({where})")
    if rest[:1] == "'" or before.endswith("'"):
        return JsonFault("single_quotes", at, f"single quotes in place of double ones ({where})")
    if _COMMENT.match(rest):
        return JsonFault("comment", at, f"a comment ({where})")
    if word := _WORD.match(rest):
        return JsonFault("python_literal", at, f"{word.group()} is no JSON ({where})")
    if _BARE_KEY.match(rest):
        return JsonFault("bare_key", at, f"a key without quotes ({where})")
    if error.msg.startswith("Invalid control character"):
        return JsonFault("line_break", at, f"a line break or control character within a string ({where})")
    return JsonFault("syntax", at, f"{error.msg} ({where})")


def _outside_strings(body: str) -> str:
    return re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', body)

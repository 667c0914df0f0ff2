"""Rows found by their text, by an expression, by their turns or by a column kept beside them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assay.dataset import messages_from_text
from assay.text import conversation_text

from .columns import Columns
from .query import Query
from .walking import Walk

Positions: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]

Look: TypeAlias = Callable[[pa.Table], Mask]
"""Which rows of a table with the columns messages and meta are meant."""


class Scan:
    """hits: positions found so far, in order."""

    def __init__(self, columns: Columns, positions: Positions | None, query: Query) -> None:
        self.hits: list[int] = []
        names = ("messages", "meta") if query.where else ("messages",)
        self.walk = Walk(columns, positions, names, looking(query), self._gather)

    def _gather(self, positions: Positions, found: Mask) -> None:
        """The rows of a unit come file by file; what is behind the last hit is put in order with it."""
        new = positions[found].tolist()
        if new and self.hits and new[0] < self.hits[-1]:
            self.hits = sorted([*self.hits, *new])
        else:
            self.hits += new

    def extend(self, wanted: int, seconds: float) -> None:
        """Raises SourceError."""
        if seconds >= 0:
            self.walk.go_on(lambda: len(self.hits) >= wanted, seconds)


def looking(query: Query) -> Look:
    """What a query asks of the text of a row. Its problems do not count."""
    parts: list[Look] = []
    if query.turns:
        parts.append(_with_turns(query.turns))
    if "=" in query.where:
        parts.append(_with_column(query.where))
    if query.q and query.kind == "regex" and not query.problems():
        parts.append(_with_expression(query.q))
    elif query.q and query.kind == "":
        parts.append(_with_text(query.q))

    def look(table: pa.Table) -> Mask:
        left = np.arange(table.num_rows)
        for part in parts:
            if len(left):
                left = left[part(table if len(left) == table.num_rows else table.take(left))]
        return _at(table.num_rows, left)

    return look


def plain(messages: Any) -> pa.Array:
    """The text of all turns of each row, without roles. Half surrogate pairs stand as question marks."""
    return pa.array([_readable(text) for text in messages.to_pylist()], pa.string())


def _readable(text: str) -> str:
    said = conversation_text(messages_from_text(text))
    return said if said.isascii() else said.encode("utf-8", "replace").decode()


def _with_text(wanted: str) -> Look:
    """Whatever the case. Rows are sieved as they are stored, in JSON, and of what is left the text is read."""
    # These signs are stored otherwise, and the arguments of a call without the spaces that are shown between them.
    sieve = max(re.split(r'["\\\x00-\x1f]|[:,] |^ ', wanted), key=len)
    half_pairs = r"\ud"  # of a record with half a surrogate pair everything beyond ASCII is

    def look(table: pa.Table) -> Mask:
        messages = table.column("messages")
        sieved = _mask(pc.match_substring(messages, sieve, ignore_case=True))
        if not wanted.isascii():
            sieved |= _mask(pc.match_substring(messages, half_pairs))
        left = np.flatnonzero(sieved)
        if not len(left):
            return sieved
        return _at(len(sieved), left[_mask(pc.match_substring(plain(messages.take(left)), wanted, ignore_case=True))])

    return look


def _with_expression(pattern: str) -> Look:
    return lambda table: _mask(pc.match_substring_regex(plain(table.column("messages")), pattern))


def _with_turns(turns: str) -> Look:
    """By how often a turn of a role begins: within a text the quotes around a name are escaped."""

    def look(table: pa.Table) -> Mask:
        messages = table.column("messages")
        if turns in ("one", "several"):
            answers = pc.count_substring(messages, '{"role":"assistant"')
            return _mask(pc.equal(answers, 1) if turns == "one" else pc.greater(answers, 1))
        signs = (
            ('{"role":"system"', '{"role":"developer"') if turns == "system" else ('"tool_calls":', '{"role":"tool"')
        )
        return _mask(pc.or_(*(pc.match_substring(messages, sign) for sign in signs)))

    return look


def _with_column(where: str) -> Look:
    key, _, value = where.partition("=")

    def has(meta: str) -> bool:
        try:
            found = json.loads(meta).get(key)
        except (ValueError, AttributeError):
            return False
        return found is not None and (found if isinstance(found, str) else json.dumps(found)) == value

    def look(table: pa.Table) -> Mask:
        return np.array([has(meta) for meta in table.column("meta").to_pylist()], np.bool_)

    return look


def _mask(found: Any) -> Mask:
    return np.array(pc.fill_null(found, False), np.bool_)


def _at(size: int, rows: Positions) -> Mask:
    mask = np.zeros(size, np.bool_)
    mask[rows] = True
    return mask


def marks_of(texts: Sequence[str], query: Query) -> list[tuple[int, int] | None]:
    """Where the first hit begins and ends in each text, in characters; None where there is none to mark.
    By the engine of the search: Python's would never be done with some expressions.
    """

    nothing: list[tuple[int, int] | None] = [None] * len(texts)
    if not query.q or query.kind == "meaning" or query.problems() or not hasattr(pc, "extract_regex_span"):
        return nothing
    pattern = f"(?P<hit>{_unnamed(query.q)})" if query.kind == "regex" else f"(?i)(?P<hit>{_escaped(query.q)})"
    stored = [text.encode("utf-8", "replace") for text in texts]
    try:
        spans = pc.extract_regex_span(pa.array(stored, pa.binary()).cast(pa.string()), pattern).to_pylist()
    except pa.ArrowInvalid:
        return nothing
    out: list[tuple[int, int] | None] = []
    for text, span in zip(stored, spans, strict=True):
        if span is None:
            out.append(None)
            continue
        start, length = span["hit"]
        before, hit = text[:start], text[start : start + length]
        first = len(before.decode("utf-8", "replace"))
        out.append((first, first + len(hit.decode("utf-8", "replace"))))
    return out


def _escaped(text: str) -> str:
    """As an expression that means the text; RE2 takes a backslash before ASCII signs alone."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)


def _unnamed(pattern: str) -> str:
    r"""Groups without a name as groups that capture nothing: what captures has to have a name.
    >>> print(_unnamed(r"(a|b)\(c[(]"))
    (?:a|b)\(c[(]
    """
    out, inside, at = [], False, 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == "\\":
            out.append(pattern[at : at + 2])
            at += 2
            continue
        opens = sign == "(" and not inside and pattern[at + 1 : at + 2] != "?"
        inside = (inside or sign == "[") and sign != "]"
        out.append("(?:" if opens else sign)
        at += 1
    return "".join(out)

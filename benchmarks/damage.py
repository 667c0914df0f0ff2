"""Records with damage of every kind planted among them, as JSONL, CSV and Parquet, and what must become of each row.

Good rows come from corpus.py; every SPACING-th row is damaged, kind after kind, so that a file of any size has each.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from corpus import make_corpus

WORDS = 40
SPACING = 4
PART = 100_000
LARGE_BYTES = 5_000_000
ROWS_A_LARGE_ONE = 50_000
"""Such a row costs as much time as ten thousand others."""

BLANK_EVERY = 1_000

Row = Callable[[int, str, str], bytes]
"""f(number of the row, prompt, answer) -> the line, without its end"""


class Kind(NamedTuple):
    """fault  a part of the message of the fault; "" for a row that is read as a record
    check  one that must find something in the record
    """

    name: str
    line: Row
    fault: str = ""
    check: str = ""


class Place(NamedTuple):
    """Where a row stands, as findings tell it, and its kind; None for a good one."""

    line: int | None
    row: int
    kind: Kind | None


def dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def chat(prompt: Any, answer: Any, role: Any = "assistant", **more: Any) -> bytes:
    return dumped({"messages": [{"role": "user", "content": prompt}, {"role": role, "content": answer}], **more})


def good_line(number: int, prompt: str, answer: str) -> bytes:
    return chat(prompt, answer, id=number)


def _raw(mark: bytes, at: str) -> Row:
    """A good line with some bytes put after the first `at`."""
    return lambda number, prompt, answer: good_line(number, prompt, answer).replace(at.encode(), at.encode() + mark, 1)


LINES = (
    Kind("cut in the middle", lambda n, p, a: good_line(n, p, a)[:-30], "breaks off"),
    Kind("a comma too many", lambda n, p, a: good_line(n, p, a)[:-1] + b",}", "not JSON"),
    Kind("single quotes", lambda n, p, a: str({"prompt": p, "completion": a}).encode(), "not JSON"),
    Kind("prose", lambda n, p, a: p.encode(), "not JSON"),
    Kind("a line of CSV", lambda n, p, a: f'{n},"{p}","{a}"'.encode(), "not JSON"),
    Kind("Alpaca", lambda n, p, a: dumped({"instruction": p, "input": "", "output": a})),
    Kind("ShareGPT", lambda n, p, a: dumped({"conversations": [_said("human", p), _said("gpt", a)]})),
    Kind("prompt and completion", lambda n, p, a: dumped({"prompt": p, "completion": a})),
    Kind("bytes that are no UTF-8", _raw(b"caf\xe9 \xff", '"content": "'), "invalid UTF-8"),
    Kind("half a UTF-8 character at the end", lambda n, p, a: good_line(n, p, a) + b"\xe2\x82", "UTF-8"),
    Kind("raw NUL bytes", _raw(b"\x00\x00", '"content": "'), "not JSON"),
    Kind("NUL bytes alone", lambda n, p, a: b"\x00" * 64, "not JSON"),
    Kind("escaped NUL", _raw(rb"\u0000", '"content": "')),
    Kind("a lone surrogate", _raw(rb"\ud83d", '"content": "'), "lone surrogate"),
    Kind("an empty object", lambda n, p, a: b"{}", "no known format"),
    Kind("no messages", lambda n, p, a: b'{"messages": []}', "messages"),
    Kind("an empty answer", lambda n, p, a: chat(p, ""), "", "empty_turn"),
    Kind("a null answer", lambda n, p, a: chat(p, None), "content"),
    Kind("a missing column", lambda n, p, a: dumped({"instruction": p, "id": n}), "no known format"),
    Kind("other columns", lambda n, p, a: dumped({"foo": p, "bar": a}), "no known format"),
    Kind("an id that others have", lambda n, p, a: chat(p, a, id="same")),
    Kind("a copy of one record", lambda n, p, a: chat("How are you today, my friend?", "Fine."), "", "exact_duplicate"),
    Kind("an unknown role", lambda n, p, a: _with_role("narrator", p, a), "", "unknown_role"),
    Kind("a role that is no text", lambda n, p, a: chat(p, a, role=7), "role"),
    Kind("nested too deeply", lambda n, p, a: b'{"messages": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", "levels deep"),
    Kind("deep columns", lambda n, p, a: chat(p, a, other=_nested(40))),
    Kind("content that is a number", lambda n, p, a: chat(p, n), "content"),
    Kind("turns that are no turns", lambda n, p, a: dumped({"messages": [p, [a], {"x": {"y": [None]}}]}), "messages"),
    Kind("tool calls that are none", lambda n, p, a: _with_calls(p, a), "tool"),
    Kind("a key twice", lambda n, p, a: b'{"prompt": "x", ' + dumped({"prompt": p, "completion": a})[1:], "twice"),
    Kind("null", lambda n, p, a: b"null", "should be an object"),
    Kind("a number", lambda n, p, a: b"-17.5e3", "should be an object"),
    Kind("text", lambda n, p, a: dumped(p), "should be an object"),
    Kind("a list", lambda n, p, a: dumped([p, a]), "should be an object"),
    Kind("NaN and huge numbers in columns", lambda n, p, a: chat(p, a, score=float("nan"), big=10**40)),
    Kind("a carriage return at the end", lambda n, p, a: good_line(n, p, a) + b"\r"),
    Kind("5 MB", lambda n, p, a: chat(p, _long(a, n))),
)  # fmt: skip
LAST = Kind("the last line cut off", lambda n, p, a: good_line(n, p, a)[:-20], "breaks off")


def _said(who: str, text: str) -> dict[str, str]:
    return {"from": who, "value": text}


def _nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = {"a": [value]}
    return value


def _with_role(role: str, prompt: str, answer: str) -> bytes:
    turns = [{"role": role, "content": "Once."}, {"role": "user", "content": prompt}]
    return dumped({"messages": [*turns, {"role": "assistant", "content": answer}]})


def _with_calls(prompt: str, answer: str) -> bytes:
    turn = {"role": "assistant", "content": answer, "tool_calls": [1, "x", {"function": []}]}
    return dumped({"messages": [{"role": "user", "content": prompt}, turn]})


def _long(text: str, number: int) -> str:
    """LARGE_BYTES of text in which no line is like another."""
    lines = (f"{line}, {number}: {text}" for line in range(LARGE_BYTES // (len(text) + 12)))
    return "\n".join(lines)


def rows(records: int, kinds: tuple[Kind, ...]) -> Iterator[tuple[int, str, str, Kind | None]]:
    """(number, prompt, answer, kind) of each row."""
    number, turn, large = 0, 0, 0
    for seed, start in enumerate(range(0, records, PART), 1):
        corpus = make_corpus(min(PART, records - start), words=WORDS, share=0.0, seed=seed)
        for prompt, answer in zip(corpus.prompts, corpus.answers, strict=True):
            kind = None
            if number % SPACING == SPACING - 1:
                kind = kinds[turn % len(kinds)]
                turn += 1
                large += kind.name == "5 MB"
                if kind.name == "5 MB" and large > max(1, records // ROWS_A_LARGE_ONE):
                    kind = None
            yield number, prompt, answer, kind
            number += 1


def write_jsonl(records: int, path: Path) -> list[Place]:
    """A byte-order mark, a blank line now and then, and a last line that breaks off."""
    places: list[Place] = []
    line = 0
    with path.open("wb") as file:
        file.write(b"\xef\xbb\xbf")
        for number, prompt, answer, kind in rows(records, LINES):
            if number % BLANK_EVERY == BLANK_EVERY - 1:
                file.write(b" \t\n" if number % 2 else b"\n")
                line += 1
            line += 1
            last = number == records - 1
            kind = LAST if last else kind
            file.write((kind.line if kind else good_line)(number, prompt, answer) + (b"" if last else b"\n"))
            places.append(Place(line, number, kind))
    return places


def _cells(*cells: str) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()[:-1].encode()


CELLS = (
    Kind("too few cells", lambda n, p, a: _cells(p, a), "2 cells under a header of 3"),
    Kind("too many cells", lambda n, p, a: _cells(p, a, str(n), "x"), "4 cells under a header of 3"),
    Kind("text after a quote", lambda n, p, a: f'"{p}"x,"{a}",{n}'.encode(), "not CSV"),
    Kind("an empty answer", lambda n, p, a: _cells(p, "", str(n)), "", "empty_turn"),
    Kind("empty cells", lambda n, p, a: b",,", "", "empty_turn"),
    Kind("bytes that are no UTF-8", lambda n, p, a: b"caf\xe9 " + _cells(p, a, str(n)), "invalid UTF-8"),
    Kind("NUL bytes", lambda n, p, a: b"\x00" + _cells(p, a, str(n))),
    Kind("a cell of several lines", lambda n, p, a: _cells(p.replace(" ", "\n", 3), a, str(n))),
    Kind("an id that others have", lambda n, p, a: _cells(p, a, "same")),
    Kind("a copy of one record", lambda n, p, a: _cells("How are you today?", "Fine.", str(n)), "", "exact_duplicate"),
    Kind("a formula", lambda n, p, a: _cells(f"=cmd|'/c'!A1 {p}", a, str(n))),
    Kind("a carriage return at the end", lambda n, p, a: _cells(p, a, str(n)) + b"\r"),
    Kind("5 MB", lambda n, p, a: _cells(p, _long(a, n), str(n))),
)
NEVER_CLOSED = Kind("a quote that is never closed", lambda n, p, a: b'"' + p.encode(), "never closed")


def write_csv(records: int, path: Path) -> list[Place]:
    places: list[Place] = []
    line = 1
    with path.open("wb") as file:
        file.write(b"prompt,completion,id\n")
        for number, prompt, answer, kind in rows(records, CELLS):
            last = number == records - 1
            kind = NEVER_CLOSED if last else kind
            data = kind.line(number, prompt, answer) if kind else _cells(prompt, answer, str(number))
            file.write(data + (b"" if last else b"\n"))
            places.append(Place(line + 1, number, kind))
            line += 1 + data.count(b"\n")
    return places


VALUES = (
    Kind("null messages", lambda n, p, a: b"null", "messages"),
    Kind("no messages", lambda n, p, a: b"[]", "messages"),
    Kind("null turns", lambda n, p, a: b"[null, null]", "messages"),
    Kind("a null answer", lambda n, p, a: _turns(p, None), "content"),
    Kind("a null role", lambda n, p, a: _turns(p, a, None), "role"),
    Kind("an unknown role", lambda n, p, a: _turns(p, a, "narrator"), "", "unknown_role"),
    Kind("an empty answer", lambda n, p, a: _turns(p, ""), "", "empty_turn"),
    Kind("NUL bytes", lambda n, p, a: _turns(f"\0{p}", a)),
    Kind("a copy of one record", lambda n, p, a: _turns("How are you today?", "Fine."), "", "exact_duplicate"),
    Kind("bytes that are no UTF-8", lambda n, p, a: _turns(f"{INVALID}{p}", a), "invalid UTF-8"),
    Kind("5 MB", lambda n, p, a: _turns(p, _long(a, n))),
)
INVALID = "?invalid?"
"""Becomes two bytes that are no UTF-8 in the file; Arrow itself would refuse them."""


def _turns(prompt: str, answer: str | None, role: str | None = "assistant") -> bytes:
    return dumped([{"role": "user", "content": prompt}, {"role": role, "content": answer}])


def write_parquet(records: int, path: Path, group: int = 10_000) -> list[Place]:
    """A column of messages (a list of objects) and an id."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    turn = pa.struct([("role", pa.string()), ("content", pa.string())])
    schema = pa.schema([("messages", pa.list_(turn)), ("id", pa.int64())])
    raw = pa.schema(
        [("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.binary())]))), ("id", pa.int64())]
    )
    places: list[Place] = []
    held: list[dict[str, Any]] = []
    with pq.ParquetWriter(path, schema) as writer:
        for number, prompt, answer, kind in rows(records, VALUES):
            messages = json.loads((kind.line if kind else lambda n, p, a: _turns(p, a))(number, prompt, answer))
            held.append({"messages": _binary(messages), "id": number})
            places.append(Place(None, number, kind))
            if len(held) == group or number == records - 1:
                table = pa.Table.from_pylist(held, raw)
                writer.write_table(_unchecked(table, schema))
                held = []
    return places


def _binary(messages: Any) -> Any:
    if messages is None:
        return None
    return [turn and {**turn, "content": _bytes(turn["content"])} for turn in messages]


def _bytes(content: str | None) -> bytes | None:
    return None if content is None else content.encode().replace(INVALID.encode(), b"caf\xe9 \xff")


def _unchecked(table: Any, schema: Any) -> Any:
    """Bytes called text without a look at them, as a careless writer does."""
    import pyarrow as pa

    batches = []
    for batch in table.to_batches():
        messages = batch.column(0)
        turns = messages.values
        content = turns.field("content")
        text = pa.Array.from_buffers(pa.string(), len(content), content.buffers(), content.null_count)
        struct = pa.Array.from_buffers(
            schema.field(0).type.value_type, len(turns), turns.buffers()[:1], children=[turns.field("role"), text]
        )
        lists = pa.Array.from_buffers(schema.field(0).type, len(messages), messages.buffers()[:2], children=[struct])
        batches.append(pa.RecordBatch.from_arrays([lists, batch.column(1)], schema=schema))
    return pa.Table.from_batches(batches, schema)


def planted(places: list[Place]) -> Counter[str]:
    """{kind: rows of it}"""
    return Counter(place.kind.name for place in places if place.kind is not None)

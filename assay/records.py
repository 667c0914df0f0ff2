"""Message and Record, their content hash, and the Arrow schema in which data moves.

Data moves as Arrow tables in batches; `Record` is for the edges and for checks that read one record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    import pyarrow as pa

Json: TypeAlias = Any
"""Anything that `json.loads` returns."""

Origin: TypeAlias = Literal["human", "synthetic"]

ROLES = ("system", "developer", "user", "assistant", "tool")
"""The roles of OpenAI's chat format; every reader maps its own names to these."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that an assistant turn makes.

    arguments is the parsed JSON object; where a data set holds text that does not parse, that text stays
    here as it is, for the tool-call check to report.
    """

    name: str
    arguments: Json
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `train=False` keeps an assistant turn out of the loss; None means the default for its role."""

    role: str
    content: str | None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None
    train: bool | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a record came from.

    line counts from 1 and is None where the format has no lines (JSON arrays, Parquet); row counts from 0
    over the rows of the file, faulty ones included.
    """

    file: str
    line: int | None
    row: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line is not None else f"{self.file} row {self.row}"


@dataclass(frozen=True, slots=True)
class Record:
    """One conversation to train on.

    id       content hash of messages and tools: same content, same id, on any machine
    row_id   hash of source file and row number: exact duplicates share an id and differ in row_id
    tools    declared tools in OpenAI's schema, each {"type": "function", "function": {...}}
    meta     every column that was not understood, kept and written back
    family   records that must stay on one side of a split; "" until `split` assigns it
    """

    id: str
    row_id: str
    messages: tuple[Message, ...]
    source: Source
    tools: tuple[Json, ...] = ()
    origin: Origin = "human"
    parents: tuple[str, ...] = ()
    meta: Mapping[str, Json] = field(default_factory=dict)
    family: str = ""
    split: str = ""

    @property
    def prompt(self) -> tuple[Message, ...]:
        """The messages before the last assistant turn."""
        last = self.last_assistant_index
        return self.messages if last is None else self.messages[:last]

    @property
    def answer(self) -> str:
        """The text of the last assistant turn, or "" when there is none."""
        last = self.last_assistant_index
        return "" if last is None else (self.messages[last].content or "")

    @property
    def last_assistant_index(self) -> int | None:
        for index in range(len(self.messages) - 1, -1, -1):
            if self.messages[index].role == "assistant":
                return index
        return None

    def with_messages(self, messages: Iterable[Message]) -> Record:
        """The same row with other content, and so with another id."""
        changed = tuple(messages)
        return replace(self, messages=changed, id=record_id(changed, self.tools))


def message_to_json(message: Message) -> dict[str, Json]:
    """OpenAI's shape, with only the keys that are set; tool-call arguments as an object."""
    out: dict[str, Json] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        out["tool_calls"] = [
            {
                **({"id": call.id} if call.id is not None else {}),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    for key in ("tool_call_id", "name", "train"):
        value = getattr(message, key)
        if value is not None:
            out[key] = value
    return out


def message_from_json(data: Mapping[str, Json]) -> Message:
    """The inverse of `message_to_json`; for data that assay wrote, not for users' files."""
    if len(data) == 2 and "content" in data:  # nearly all turns have a role and a content, and nothing else
        return Message(data["role"], data["content"])
    calls = tuple(
        ToolCall(call["function"]["name"], call["function"]["arguments"], call.get("id"))
        for call in data.get("tool_calls") or ()
    )
    return Message(
        role=data["role"],
        content=data.get("content"),
        tool_calls=calls,
        tool_call_id=data.get("tool_call_id"),
        name=data.get("name"),
        train=data.get("train"),
    )


def record_id(messages: Sequence[Message], tools: Sequence[Json] = ()) -> str:
    """First 16 hex digits of sha256 over RFC 8785 JSON of messages (with `train`) and tools.

    No Unicode normalisation: text that differs in its code points trains differently. RFC 8785 cannot
    carry lone surrogates, NaN, or integers from 2**53 on; `_canonical` writes those as escaped text.
    """
    body = {"messages": [message_to_json(m) for m in messages], "tools": list(tools)}
    plain = not tools and not any(message.tool_calls for message in messages)
    return hashlib.sha256(_canonical_text(body) if plain else _canonical(body)).hexdigest()[:16]


def row_id(file_digest: str, row: int) -> str:
    """First 16 hex digits of sha256 over the digest of the source file and the row number."""
    return hashlib.sha256(f"{file_digest}:{row}".encode()).hexdigest()[:16]


def _canonical_text(body: Json) -> bytes:
    """RFC 8785 by orjson, thirty times as fast: the same bytes where there are neither numbers nor keys beyond
    ASCII."""
    import orjson

    try:
        return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    except (TypeError, RecursionError):  # a lone surrogate; content that is no text
        return _canonical(body)


def _canonical(body: Json) -> bytes:
    import rfc8785

    try:
        return rfc8785.dumps(body)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError):
        return rfc8785.dumps(_representable(body))


def _representable(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {_representable(str(key)): _representable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_representable(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else f"int:{value}"
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else f"float:{value}"
    return str(value)


def arrow_schema() -> pa.Schema:
    """One row a record; messages, tools and meta are JSON strings."""
    import pyarrow as pa

    return pa.schema(
        [
            ("row_id", pa.string()),
            ("record_id", pa.string()),
            ("family", pa.string()),
            ("split", pa.string()),
            ("origin", pa.string()),
            ("parents", pa.list_(pa.string())),
            ("messages", pa.string()),
            ("tools", pa.string()),
            ("meta", pa.string()),
            ("source_file", pa.string()),
            ("source_line", pa.int64()),
            ("source_row", pa.int64()),
        ]
    )

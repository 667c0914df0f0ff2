"""Answers as rows of a journal."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from assay.protocols import Generation
from assay.records import ToolCall

_ANSWERS = """
SELECT key, text, model, input_tokens, output_tokens, stop_reason, tool_calls, cached_tokens, written_tokens
FROM attempts WHERE state = 'answered' AND key IN (SELECT value FROM json_each(?))
"""


def answers_in(database: sqlite3.Connection, keys: Sequence[str]) -> dict[str, Generation]:
    """By key, those of them that were received."""
    rows = database.execute(_ANSWERS, (json.dumps(keys),)).fetchall()
    return {
        key: Generation(text, model, read, written, reason, _calls_from(calls), cached or 0, kept or 0)
        for key, text, model, read, written, reason, calls, cached, kept in rows
    }


def write_answer(database: sqlite3.Connection, attempt: int, generation: Generation, usd: float) -> None:
    """Within a transaction. A second answer to one request is charged and not kept."""
    values = (
        usd,
        generation.text,
        generation.model,
        generation.input_tokens,
        generation.output_tokens,
        generation.stop_reason,
        _calls_to(generation.tool_calls),
        generation.cached_tokens,
        generation.written_tokens,
        attempt,
    )
    columns = "usd = ?, text = ?, model = ?, input_tokens = ?, output_tokens = ?, stop_reason = ?, tool_calls = ?, "
    columns += "cached_tokens = ?, written_tokens = ?"
    try:
        database.execute(f"UPDATE attempts SET state = 'answered', {columns} WHERE attempt = ?", values)
    except sqlite3.IntegrityError:  # another batch job brought one: this too was paid for
        database.execute(f"UPDATE attempts SET state = 'failed', {columns} WHERE attempt = ?", values)


def _calls_to(calls: Sequence[ToolCall]) -> str | None:
    if not calls:
        return None
    return json.dumps([{"name": call.name, "arguments": call.arguments, "id": call.id} for call in calls])


def _calls_from(text: str | None) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(**call) for call in json.loads(text)) if text else ()

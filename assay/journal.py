"""The journal: every request and its answer, on disk before anything else happens with it.

A request is keyed by its content and sample number, so an answer that was received is never asked for again.
Its worst cost is reserved before it is sent; a call in flight at a crash stays charged at that cost.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from assay.errors import BudgetError, RunError, storage_error
from assay.protocols import Generation, GenerationRequest
from assay.records import Json, message_to_json

_SCHEMA = """
CREATE TABLE IF NOT EXISTS attempts (
    attempt INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('sent', 'answered', 'failed')),
    usd REAL NOT NULL,
    text TEXT, model TEXT, input_tokens INTEGER, output_tokens INTEGER, stop_reason TEXT,
    at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE UNIQUE INDEX IF NOT EXISTS one_answer ON attempts (key) WHERE state = 'answered';
"""


@dataclass(frozen=True)
class Spent:
    """Totals of a journal. usd counts calls in flight, and those cut by a crash, at their worst cost."""

    requests: int
    answered: int
    unknown: int
    usd: float
    input_tokens: int
    output_tokens: int


def request_key(provider: str, model: str, request: GenerationRequest) -> str:
    """sha256 over all that decides the answer.

    What is not set is left out, so that an answer keeps its key when requests learn something new.
    """
    body: dict[str, Json] = {
        "provider": provider,
        "model": model,
        "messages": [message_to_json(message) for message in request.messages],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "seed": request.seed,
        "sample": request.sample,
    }
    if request.schema is not None:
        body["schema"] = request.schema
    if request.tools:
        body["tools"] = list(request.tools)
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


class Journal:
    """One SQLite file, safe from several threads. Close it, or use it as a context manager.

    max_requests and max_usd hold over the life of the file, not of the process.
    """

    def __init__(self, path: Path, *, max_requests: int, max_usd: float) -> None:
        self._max_requests, self._max_usd = max_requests, max_usd
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.executescript(_SCHEMA)
        except OSError as error:
            raise storage_error(error, "opening the journal") from error
        except sqlite3.DatabaseError as error:
            raise RunError("is not a journal of assay", where=str(path), fix="move it away to start anew") from error

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    def answer(self, key: str) -> Generation | None:
        """The answer that was received for this request, if it was."""
        with self._lock:
            row = self._database.execute(
                "SELECT text, model, input_tokens, output_tokens, stop_reason FROM attempts "
                "WHERE key = ? AND state = 'answered'",
                (key,),
            ).fetchone()
        return Generation(*row) if row else None

    def reserve(self, key: str, worst_usd: float) -> int:
        """Charges the worst cost and returns the attempt's number. Raises BudgetError when a cap would be passed."""
        with self._lock, self._transaction():
            count, usd = self._database.execute("SELECT count(*), total(usd) FROM attempts").fetchone()
            if count + 1 > self._max_requests:
                raise BudgetError(f"the cap of {self._max_requests} requests is reached", fix="raise max_requests")
            if usd + worst_usd > self._max_usd:
                raise BudgetError(
                    f"the next request could cost ${worst_usd:.4f}, and ${usd:.4f} of ${self._max_usd:.2f} is charged",
                    fix="raise max_usd",
                )
            cursor = self._database.execute(
                "INSERT INTO attempts (key, state, usd) VALUES (?, 'sent', ?)", (key, worst_usd)
            )
            return int(cursor.lastrowid or 0)

    def record_answer(self, attempt: int, generation: Generation, usd: float) -> None:
        """Writes the answer and replaces the reserved cost by the actual one."""
        with self._lock, self._transaction():
            self._database.execute(
                "UPDATE attempts SET state = 'answered', usd = ?, text = ?, model = ?, input_tokens = ?, "
                "output_tokens = ?, stop_reason = ? WHERE attempt = ?",
                (
                    usd,
                    generation.text,
                    generation.model,
                    generation.input_tokens,
                    generation.output_tokens,
                    generation.stop_reason,
                    attempt,
                ),
            )

    def record_failure(self, attempt: int, *, charged: bool) -> None:
        """A call that brought no answer. It stays charged unless the server said that it did not run."""
        with self._lock, self._transaction():
            self._database.execute(
                "UPDATE attempts SET state = 'failed', usd = CASE WHEN ? THEN usd ELSE 0 END WHERE attempt = ?",
                (charged, attempt),
            )

    def spent(self) -> Spent:
        with self._lock:
            row = self._database.execute(
                "SELECT count(*), count(*) FILTER (WHERE state = 'answered'), "
                "count(*) FILTER (WHERE state = 'sent' OR (state = 'failed' AND usd > 0)), total(usd), "
                "total(input_tokens), total(output_tokens) FROM attempts"
            ).fetchone()
        return Spent(row[0], row[1], row[2], row[3], int(row[4]), int(row[5]))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise RunError(
                f"the journal cannot be written ({error})", fix="make room; nothing answered is lost"
            ) from error

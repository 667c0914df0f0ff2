"""The journal: every request and its answer, on disk before anything else happens with it.

A request is keyed by its content and sample number, so an answer that was received is never asked for again.
Its worst cost is reserved before it is sent; a call in flight at a crash stays charged at that cost. A batch job is
written down before it is submitted, and its id as soon as there is one, so that it is found again.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from assay.errors import BudgetError, RunError, storage_error
from assay.protocols import Generation, GenerationRequest
from assay.records import Json, ToolCall, message_to_json

_ATTEMPTS = """
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

_LATER_COLUMNS = {"tool_calls": "TEXT", "cached_tokens": "INTEGER", "written_tokens": "INTEGER", "batch": "INTEGER"}
"""Of attempts, in journals written since; older files gain them when they are opened."""

_REST = """
CREATE INDEX IF NOT EXISTS of_batch ON attempts (batch) WHERE batch IS NOT NULL;
CREATE TABLE IF NOT EXISTS batches (
    batch INTEGER PRIMARY KEY,
    tag TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    job TEXT,
    done INTEGER NOT NULL DEFAULT 0,
    at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE TABLE IF NOT EXISTS totals (
    one INTEGER PRIMARY KEY CHECK (one = 1), requests INTEGER NOT NULL, usd REAL NOT NULL
);
CREATE TRIGGER IF NOT EXISTS count_sent AFTER INSERT ON attempts BEGIN
    UPDATE totals SET requests = requests + 1, usd = usd + NEW.usd;
END;
CREATE TRIGGER IF NOT EXISTS count_charged AFTER UPDATE OF usd ON attempts BEGIN
    UPDATE totals SET usd = usd + NEW.usd - OLD.usd;
END;
"""
"""totals: what the caps are held against, kept as attempts change; summing them anew takes the longer the more there
are."""


_ANSWERS = """
SELECT key, text, model, input_tokens, output_tokens, stop_reason, tool_calls, cached_tokens, written_tokens
FROM attempts WHERE state = 'answered' AND key IN (SELECT value FROM json_each(?))
"""

KEYS_AT_ONCE = 10_000


@dataclass(frozen=True)
class Spent:
    """Totals of a journal. usd counts calls in flight, and those cut by a crash, at their worst cost.

    cached_tokens  of input_tokens, those that were read from a provider's cache
    """

    requests: int
    answered: int
    unknown: int
    usd: float
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Reserve:
    """A request is about to be sent: gives the attempt's number, or BudgetError when a cap would be passed."""

    key: str
    worst_usd: float
    batch: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer came: replaces the reserved cost by the actual one. A second one for a key is charged and not kept."""

    attempt: int
    generation: Generation
    usd: float


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that brought no answer. It stays charged unless the server said that it did not run."""

    attempt: int
    charged: bool


Operation: TypeAlias = Reserve | Answer | Failure


@dataclass(frozen=True, slots=True)
class BatchJob:
    """A batch job that is not done. job is None where it is not known whether it was submitted.

    attempts  {request key: attempt} that it is to answer
    at        when it was about to be submitted, UTC
    """

    batch: int
    tag: str
    job: str | None
    attempts: Mapping[str, int]
    at: str


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
            self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._prepare()
        except OSError as error:
            raise storage_error(error, "opening the journal") from error
        except sqlite3.OperationalError as error:  # it may well be one, and must not be moved away
            fix = "make room, or end what else uses it, and run the same command again"
            raise RunError(f"the journal cannot be opened ({error})", where=str(path), fix=fix) from error
        except sqlite3.DatabaseError as error:
            raise RunError("is not a journal of assay", where=str(path), fix="move it away to start anew") from error

    def _prepare(self) -> None:
        """Tables of a new file, and what an older one lacks; two processes may do so at once."""
        self._database.executescript(_ATTEMPTS)
        known = {row[1] for row in self._database.execute("PRAGMA table_info(attempts)")}
        for name, kind in _LATER_COLUMNS.items():
            if name not in known:
                self._database.execute(f"ALTER TABLE attempts ADD COLUMN {name} {kind}")
        self._database.executescript(_REST)
        self._database.execute(
            "INSERT OR REPLACE INTO totals (one, requests, usd) SELECT 1, count(*), total(usd) FROM attempts"
        )

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    def answer(self, key: str) -> Generation | None:
        """The answer that was received for this request, if it was."""
        return self.answers([key]).get(key)

    def answers(self, keys: Sequence[str]) -> dict[str, Generation]:
        """By key, those that were received."""
        found = {}
        for start in range(0, len(keys), KEYS_AT_ONCE):
            with self._lock:
                rows = self._database.execute(_ANSWERS, (json.dumps(keys[start : start + KEYS_AT_ONCE]),)).fetchall()
            for key, text, model, read, written, reason, calls, cached, kept in rows:
                found[key] = Generation(text, model, read, written, reason, _calls_from(calls), cached or 0, kept or 0)
        return found

    def write(self, operations: Sequence[Operation]) -> list[int | BudgetError]:
        """All of them in one transaction, on disk when this returns; each one's attempt, in order.

        A reservation beyond a cap is a BudgetError in its place, and undoes none of the others.
        """
        with self._lock, self._transaction():
            return [self._write(operation) for operation in operations]

    def reserve(self, key: str, worst_usd: float) -> int:
        """Charges the worst cost and returns the attempt's number. Raises BudgetError when a cap would be passed."""
        [result] = self.write([Reserve(key, worst_usd)])
        if isinstance(result, BudgetError):
            raise result
        return result

    def record_answer(self, attempt: int, generation: Generation, usd: float) -> None:
        self.write([Answer(attempt, generation, usd)])

    def record_failure(self, attempt: int, *, charged: bool) -> None:
        self.write([Failure(attempt, charged)])

    def spent(self) -> Spent:
        with self._lock:
            row = self._database.execute(
                "SELECT count(*), count(*) FILTER (WHERE state = 'answered'), "
                "count(*) FILTER (WHERE state = 'sent' OR (state = 'failed' AND usd > 0)), total(usd), "
                "total(input_tokens), total(output_tokens), total(cached_tokens) FROM attempts"
            ).fetchone()
        return Spent(row[0], row[1], row[2], row[3], int(row[4]), int(row[5]), int(row[6]))

    def begin_batch(self, tag: str, source: str, worst_usd: Mapping[str, float]) -> BatchJob | BudgetError:
        """Reserves a batch job, before it is submitted, with as many of the requests as the caps allow.

        source     the provider and model that it goes to
        worst_usd  {request key: worst cost}, in the order in which they are wanted
        Returns BudgetError, and writes nothing, when there is no room for one.
        """
        with self._lock, self._transaction():
            cursor = self._database.execute("INSERT INTO batches (tag, source) VALUES (?, ?)", (tag, source))
            batch, attempts, over = int(cursor.lastrowid or 0), dict[str, int](), None
            for key, usd in worst_usd.items():
                result = self._reserve(Reserve(key, usd, batch))
                if isinstance(result, BudgetError):
                    over = result
                    break
                attempts[key] = result
            if not attempts and over is not None:
                self._database.execute("DELETE FROM batches WHERE batch = ?", (batch,))
                return over
            [at] = self._database.execute("SELECT at FROM batches WHERE batch = ?", (batch,)).fetchone()
        return BatchJob(batch, tag, None, attempts, at)

    def batch_submitted(self, batch: int, job: str) -> None:
        with self._lock, self._transaction():
            self._database.execute("UPDATE batches SET job = ? WHERE batch = ?", (job, batch))

    def end_batch(self, batch: int, operations: Sequence[Operation]) -> None:
        """Writes what became of its requests, and that nothing more is to be had from it."""
        with self._lock, self._transaction():
            for operation in operations:
                self._write(operation)
            self._database.execute("UPDATE batches SET done = 1 WHERE batch = ?", (batch,))

    def open_batches(self, source: str) -> list[BatchJob]:
        """Jobs that were begun, by this process or one before it, and are not done; oldest first."""
        with self._lock:
            rows = self._database.execute(
                "SELECT batch, tag, job, at FROM batches WHERE source = ? AND NOT done ORDER BY batch", (source,)
            ).fetchall()
            return [
                BatchJob(
                    batch,
                    tag,
                    job,
                    dict(
                        self._database.execute(
                            "SELECT key, attempt FROM attempts WHERE batch = ? AND state = 'sent'", (batch,)
                        ).fetchall()
                    ),
                    at,
                )
                for batch, tag, job, at in rows
            ]

    def known_jobs(self) -> set[str]:
        """Ids of all batch jobs that this journal knows, done or not."""
        with self._lock:
            return {job for (job,) in self._database.execute("SELECT job FROM batches WHERE job IS NOT NULL")}

    def _write(self, operation: Operation) -> int | BudgetError:
        match operation:
            case Reserve():
                return self._reserve(operation)
            case Answer():
                self._answer(operation)
            case Failure():
                self._database.execute(
                    "UPDATE attempts SET state = 'failed', usd = CASE WHEN ? THEN usd ELSE 0 END WHERE attempt = ?",
                    (operation.charged, operation.attempt),
                )
        return operation.attempt

    def _reserve(self, wanted: Reserve) -> int | BudgetError:
        count, usd = self._database.execute("SELECT requests, usd FROM totals").fetchone()
        if count + 1 > self._max_requests:
            return BudgetError(f"the cap of {self._max_requests} requests is reached", fix="raise max_requests")
        if wanted.worst_usd == float("inf"):
            return BudgetError("a prompt is longer than its price holds for", fix="give synth.price for longer ones")
        if usd + wanted.worst_usd > self._max_usd:
            said = f"the next request could cost ${wanted.worst_usd:.4f}"
            return BudgetError(f"{said}, and ${usd:.4f} of ${self._max_usd:.2f} is charged", fix="raise max_usd")
        cursor = self._database.execute(
            "INSERT INTO attempts (key, state, usd, batch) VALUES (?, 'sent', ?, ?)",
            (wanted.key, wanted.worst_usd, wanted.batch),
        )
        return int(cursor.lastrowid or 0)

    def _answer(self, came: Answer) -> None:
        generation = came.generation
        values = (
            came.usd,
            generation.text,
            generation.model,
            generation.input_tokens,
            generation.output_tokens,
            generation.stop_reason,
            _calls_to(generation.tool_calls),
            generation.cached_tokens,
            generation.written_tokens,
            came.attempt,
        )
        columns = "usd = ?, text = ?, model = ?, input_tokens = ?, output_tokens = ?, stop_reason = ?, tool_calls = ?, "
        columns += "cached_tokens = ?, written_tokens = ?"
        try:
            self._database.execute(f"UPDATE attempts SET state = 'answered', {columns} WHERE attempt = ?", values)
        except sqlite3.IntegrityError:  # another process or batch job brought one: this too was paid for
            self._database.execute(f"UPDATE attempts SET state = 'failed', {columns} WHERE attempt = ?", values)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:  # a full disk may have ended it
                    self._database.execute("ROLLBACK")
                raise
        except sqlite3.DatabaseError as error:
            fix = "make room, and run the same command again: no answer that it holds is asked for again"
            raise RunError(f"the journal cannot be written ({error})", fix=fix) from error


def _calls_to(calls: Sequence[ToolCall]) -> str | None:
    if not calls:
        return None
    return json.dumps([{"name": call.name, "arguments": call.arguments, "id": call.id} for call in calls])


def _calls_from(text: str | None) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(**call) for call in json.loads(text)) if text else ()

"""The journal: every request and its answer, on disk before anything else happens with it.

A request is keyed by its content and sample number, so an answer that was received is never asked for again.
Its worst cost is reserved before it is sent; a call in flight at a crash stays charged at that cost. What another
process asks for now, or had answered, is not reserved. A batch job is written down before it is submitted, and its id
as soon as there is one, so that it is found again.
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

from assay.calls.journal_answers import answers_in, write_answer
from assay.calls.journal_askers import Askers, UnderWay
from assay.calls.journal_schema import prepare
from assay.errors import BudgetError, RunError, storage_error
from assay.protocols import Generation, GenerationRequest
from assay.records import Json, message_to_json

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
    """A request is about to be sent: gives the attempt's number; or BudgetError when a cap would be passed; or the
    answer that it has meanwhile, or who asks for it."""

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


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A reservation that nothing was sent for: it counts against no cap."""

    attempt: int


Operation: TypeAlias = Reserve | Answer | Failure | Withdrawal
Result: TypeAlias = int | BudgetError | Generation | UnderWay
"""Of an operation: its attempt; what it is instead of one, of a Reserve."""


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


@dataclass(frozen=True, slots=True)
class Begun:
    """A batch job to submit, None where there is none.

    over       set where the caps left no room for more
    elsewhere  keys that were answered meanwhile, or that another process asks for
    """

    job: BatchJob | None
    over: BudgetError | None
    elsewhere: frozenset[str]


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
        self._asker: int | None = None
        self._others_asked = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            prepare(self._database)
            self._askers, self._version = Askers(self._database, path), self._data_version()
        except OSError as error:
            raise storage_error(error, "opening the journal") from error
        except sqlite3.OperationalError as error:  # it may well be one, and must not be moved away
            fix = "make room, or end what else uses it, and run the same command again"
            raise RunError(f"the journal cannot be opened ({error})", where=str(path), fix=fix) from error
        except sqlite3.DatabaseError as error:
            raise RunError("is not a journal of assay", where=str(path), fix="move it away to start anew") from error

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._askers.leave()
        self._database.close()

    def answer(self, key: str) -> Generation | None:
        """The answer that was received for this request, if it was."""
        return self.answers([key]).get(key)

    def answers(self, keys: Sequence[str]) -> dict[str, Generation]:
        """By key, those that were received."""
        found: dict[str, Generation] = {}
        for start in range(0, len(keys), KEYS_AT_ONCE):
            with self._lock:
                found |= answers_in(self._database, keys[start : start + KEYS_AT_ONCE])
        return found

    def under_way(self, keys: Sequence[str]) -> list[UnderWay]:
        """Those of them that another process asks for now, or a batch job will answer."""
        with self._lock:
            return self._askers.under_way(keys)

    def write(self, operations: Sequence[Operation]) -> list[Result]:
        """All of them in one transaction, on disk when this returns; each one's attempt, in order.

        A reservation that cannot be made is the reason for it in its place, and undoes none of the others.
        """
        with self._lock, self._asking(any(isinstance(one, Reserve) for one in operations)):
            return [self._write(operation) for operation in operations]

    def reserve(self, key: str, worst_usd: float) -> int:
        """Charges the worst cost and returns the attempt's number. Raises BudgetError when a cap would be passed, and
        RunError where it needs no asking."""
        [result] = self.write([Reserve(key, worst_usd)])
        if isinstance(result, BudgetError):
            raise result
        if not isinstance(result, int):
            raise RunError("this request was answered, or another process asks for it", fix="read the journal again")
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

    def begin_batch(self, tag: str, source: str, worst_usd: Mapping[str, float]) -> Begun:
        """Reserves a batch job, before it is submitted, with as many of the requests as the caps allow.

        source     the provider and model that it goes to
        worst_usd  {request key: worst cost}, in the order in which they are wanted
        Writes nothing where none of them is to be asked.
        """
        with self._lock, self._asking(True):
            cursor = self._database.execute("INSERT INTO batches (tag, source) VALUES (?, ?)", (tag, source))
            batch, attempts, over, elsewhere = int(cursor.lastrowid or 0), dict[str, int](), None, set[str]()
            for key, usd in worst_usd.items():
                result = self._reserve(Reserve(key, usd, batch))
                if isinstance(result, BudgetError):
                    over = result
                    break
                if isinstance(result, int):
                    attempts[key] = result
                else:
                    elsewhere.add(key)
            if not attempts:
                self._database.execute("DELETE FROM batches WHERE batch = ?", (batch,))
                return Begun(None, over, frozenset(elsewhere))
            [at] = self._database.execute("SELECT at FROM batches WHERE batch = ?", (batch,)).fetchone()
        return Begun(BatchJob(batch, tag, None, attempts, at), over, frozenset(elsewhere))

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

    def submitting(self, batch: int) -> bool:
        """Whether another process is about to submit this batch job."""
        with self._lock:
            return self._askers.submitting(batch)

    def job_of(self, batch: int) -> str | None:
        """The provider's id of a batch job, once it is known."""
        with self._lock:
            row = self._database.execute("SELECT job FROM batches WHERE batch = ?", (batch,)).fetchone()
        return None if row is None or row[0] is None else str(row[0])

    def known_jobs(self) -> set[str]:
        """Ids of all batch jobs that this journal knows, done or not."""
        with self._lock:
            return {job for (job,) in self._database.execute("SELECT job FROM batches WHERE job IS NOT NULL")}

    def _write(self, operation: Operation) -> Result:
        match operation:
            case Reserve():
                return self._reserve(operation)
            case Answer():
                write_answer(self._database, operation.attempt, operation.generation, operation.usd)
            case Failure():
                self._database.execute(
                    "UPDATE attempts SET state = 'failed', usd = CASE WHEN ? THEN usd ELSE 0 END WHERE attempt = ?",
                    (operation.charged, operation.attempt),
                )
            case Withdrawal():
                self._database.execute("DELETE FROM attempts WHERE attempt = ?", (operation.attempt,))
        return operation.attempt

    def _reserve(self, wanted: Reserve) -> Result:
        elsewhere = self._elsewhere(wanted.key) if self._others_asked else None
        if elsewhere is not None:
            return elsewhere
        count, usd = self._database.execute("SELECT requests, usd FROM totals").fetchone()
        if count + 1 > self._max_requests:
            return BudgetError(f"the cap of {self._max_requests} requests is reached", fix="raise max_requests")
        if wanted.worst_usd == float("inf"):
            return BudgetError("a prompt is longer than its price holds for", fix="give synth.price for longer ones")
        if usd + wanted.worst_usd > self._max_usd:
            said = f"the next request could cost ${wanted.worst_usd:.4f}"
            return BudgetError(f"{said}, and ${usd:.4f} of ${self._max_usd:.2f} is charged", fix="raise max_usd")
        cursor = self._database.execute(
            "INSERT INTO attempts (key, state, usd, batch, asker) VALUES (?, 'sent', ?, ?, ?)",
            (wanted.key, wanted.worst_usd, wanted.batch, self._asker),
        )
        return int(cursor.lastrowid or 0)

    def _elsewhere(self, key: str) -> Generation | UnderWay | None:
        """What makes asking needless: an answer that came since they were read, or somebody who asks."""
        answer = answers_in(self._database, [key]).get(key)
        return answer or next(iter(self._askers.under_way([key])), None)

    @contextmanager
    def _asking(self, reserves: bool) -> Iterator[None]:
        """A transaction in which requests may be reserved. Only once another process wrote, or asks, each is looked up:
        for one alone that would cost more than the reservation."""
        if reserves and self._asker is None:
            try:
                with self._transaction():
                    self._asker, self._others_asked = self._askers.enter(), self._askers.others()
            except OSError as error:
                raise storage_error(error, "asking through the journal") from error
        with self._transaction():
            self._others_asked |= self._data_version() != self._version
            yield

    def _data_version(self) -> int:
        """Another number once another connection has written."""
        [version] = self._database.execute("PRAGMA data_version").fetchone()
        return int(version)

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

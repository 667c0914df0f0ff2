"""Who asks through a journal, so that two processes do not pay for the same answer.

Each holds a lock of the operating system on a file of its own beside the journal: a killed process asks for nothing
more, whatever it left written (docs/decisions/0113).
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from assay.locks import is_locked

_UNDER_WAY = """
SELECT key, asker, process, since, batch IS NOT NULL
FROM attempts LEFT JOIN askers USING (asker) LEFT JOIN batches USING (batch)
WHERE state = 'sent' AND key IN (SELECT value FROM json_each(?)) AND coalesce(done, 0) = 0
"""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A request that will be answered without being asked again.

    process, since  who asks, as it is told to people
    in_job          in a batch job, which goes on whoever began it
    """

    key: str
    process: int
    since: str
    in_job: bool


class Askers:
    """Of one open journal. What writes is called within a transaction of the journal's."""

    def __init__(self, database: sqlite3.Connection, journal: Path) -> None:
        self._database, self._journal = database, journal
        self._mine: int | None = None
        self._lock: IO[bytes] | None = None

    def enter(self) -> int:
        """This one's number, which no other had or will have. Those who were killed are forgotten. Raises OSError."""
        import fcntl

        for (number,) in self._database.execute("SELECT asker FROM askers").fetchall():
            if not is_locked(self._file(number)):
                self._database.execute("DELETE FROM askers WHERE asker = ?", (number,))
                self._file(number).unlink(missing_ok=True)
        cursor = self._database.execute("INSERT INTO askers (process) VALUES (?)", (os.getpid(),))
        mine = int(cursor.lastrowid or 0)
        self._lock = self._file(mine).open("ab")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._mine = mine
        return mine

    def leave(self) -> None:
        if self._lock is None or self._mine is None:
            return
        with contextlib.suppress(OSError):
            self._file(self._mine).unlink(missing_ok=True)
        self._lock.close()
        self._lock = self._mine = None

    def others(self) -> bool:
        """Whether any other process asks now."""
        numbers = [number for (number,) in self._database.execute("SELECT asker FROM askers")]
        return any(number != self._mine and is_locked(self._file(number)) for number in numbers)

    def under_way(self, keys: Sequence[str]) -> list[UnderWay]:
        """Those of them that another process asks for, or a batch job will answer."""
        rows = self._database.execute(_UNDER_WAY, (json.dumps(keys),)).fetchall()
        living = {asker: self._is_another(asker) for asker in {row[1] for row in rows}}
        return [
            UnderWay(key, process or 0, since or "", bool(in_job))
            for key, asker, process, since, in_job in rows
            if in_job or living[asker]
        ]

    def submitting(self, batch: int) -> bool:
        """Whether another process is about to submit this batch job."""
        rows = self._database.execute(
            "SELECT DISTINCT asker FROM attempts JOIN batches USING (batch) "
            "WHERE batch = ? AND job IS NULL AND NOT done",
            (batch,),
        ).fetchall()
        return any(self._is_another(asker) for (asker,) in rows)

    def _is_another(self, asker: int | None) -> bool:
        return asker is not None and asker != self._mine and is_locked(self._file(asker))

    def _file(self, asker: int) -> Path:
        return self._journal.with_name(f"{self._journal.name}-asking-{asker}")

"""How long one check may look at one record. A check that fails or takes too long on a record is itself a finding.

A timer ticks while a batch is looked at, and its handler raises in the check that has not moved on to another
record for the whole limit. So a record costs the writing of a number, whatever the limit is. CPython's regular
expressions look for signals while they match, so a pattern that backtracks for hours is stopped too; what runs in
an extension that does not look for signals is reported when it returns.

Signals reach the main thread only, and Windows has no such timer: there the time is measured, and a record that took
too long is reported when the check has come back.
"""

from __future__ import annotations

import signal
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from assay.errors import AssayError
from assay.findings import Finding, Severity
from assay.records import Record

from .batch import Batch
from .boundary import FAILURES, sound
from .check import CHECK_FAILED, Check, Context
from .column import Column

if TYPE_CHECKING:
    from .column import Array

RECORD_SECONDS = 10.0
"""A check of a record of a megabyte takes a second or two; more than this is a pattern or a loop gone wild."""

MOST_TIMEOUTS = 20
"""A check that took too long on so many records is not called again: a million records would take months."""

_TICKS = 4


class TooSlow(BaseException):
    """Raised inside a check that has reached its time limit; an `except Exception` in it must not swallow this."""


class Watch:
    """Runs record checks under a time limit.

    with Watch() as watch:
        for record in batch.records:
            for item in checks:
                findings += watch.run(item.check, item.settings, record, context)

    One watch at a time in a process: it uses the interval timer of the process and puts back what was there.
    A watch may be entered again for the next batch, and remembers which checks were too slow too often.
    """

    def __init__(self, seconds: float = RECORD_SECONDS) -> None:
        self.seconds = seconds
        self.timeouts: Counter[str] = Counter()
        self._runs = 0  # counts calls of checks; odd while one is running
        self._seen = 0
        self._unchanged = 0
        self._by_signal = False
        self._previous: Any = None

    def __enter__(self) -> Watch:
        self._by_signal = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
        if self._by_signal:
            self._previous = signal.signal(signal.SIGALRM, self._tick)
            signal.setitimer(signal.ITIMER_REAL, self.seconds / _TICKS, self.seconds / _TICKS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._by_signal:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._previous if self._previous is not None else signal.SIG_DFL)
        self._runs += self._runs & 1

    def run(self, check: Check, settings: Mapping[str, Any], record: Record, context: Context) -> list[Finding]:
        """What the check finds in the record; its failure, or that it took too long, where it does not come back."""
        if self.timeouts and self.timeouts[check.name] >= MOST_TIMEOUTS:
            return [_failed(check, record, "was not asked: it took too long on the records before")]
        started = 0.0 if self._by_signal else time.perf_counter()
        try:
            try:
                self._runs += 1
                found = [sound(item, check, record) for item in check.function(record, context, **settings)]
                self._runs += 1
            except FAILURES as error:  # the boundary: a check that fails on a record is a finding
                self._runs += 1
                return [_failed(check, record, f"failed on this record: {describe(error)}")]
        except TooSlow:
            self._runs += self._runs & 1
            return [self._too_slow(check, record)]
        if started and time.perf_counter() - started > self.seconds:
            return [*found, self._too_slow(check, record)]
        return found

    def over(
        self, check: Check, settings: Mapping[str, Any], records: Iterable[tuple[int, Record]], context: Context
    ) -> list[tuple[int, Finding]]:
        """What `run` finds in each of the numbered records, with its number; far cheaper for many."""
        numbered, found = iter(records), list[tuple[int, Finding]]()
        number, record = -1, None
        while self._by_signal and not self.timeouts[check.name]:
            failure = None
            self._runs += 1
            try:
                try:
                    for number, record in numbered:
                        self._runs += 2
                        for finding in check.function(record, context, **settings):
                            found.append((number, sound(finding, check, record)))
                except FAILURES as error:  # the boundary, as in `run`
                    failure = f"failed on this record: {describe(error)}"
            except TooSlow:
                failure = ""
            self._runs += self._runs & 1
            if failure is None or record is None:
                return found
            while found and found[-1][0] == number:
                found.pop()
            found.append((number, _failed(check, record, failure) if failure else self._too_slow(check, record)))
        for number, record in numbered:
            found += [(number, item) for item in self.run(check, settings, record, context)]
        return found

    def column(self, column: Column, batch: Batch, context: Context) -> Array:
        """Its values; where it takes the records one by one, each has the time limit, and TooSlow is raised."""
        if column.each is None:
            return column.compute(batch, context)
        with self:
            self._runs += 1
            return column.each(self._passing(batch.records), len(batch.records))

    def _passing(self, records: Sequence[Record]) -> Iterator[Record]:
        for record in records:
            self._runs += 2
            yield record

    def _tick(self, number: int, frame: FrameType | None) -> None:
        if self._runs != self._seen or not self._runs & 1:
            self._seen, self._unchanged = self._runs, 0
            return
        self._unchanged += 1
        if self._unchanged >= _TICKS:
            self._unchanged = 0
            raise TooSlow

    def _too_slow(self, check: Check, record: Record) -> Finding:
        self.timeouts[check.name] += 1
        return _failed(check, record, f"took longer than {self.seconds:g} s on this record", timeout=True)


def describe(error: BaseException) -> str:
    """An exception in one line of at most 200 characters."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def describe_without_text(error: BaseException) -> str:
    """The same without its words, which may quote a record: where it was raised. Errors of assay's own quote none."""
    if isinstance(error, AssayError):
        return describe(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {frames[-1].name} ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}{place}"


def _failed(check: Check, record: Record, what: str, *, timeout: bool = False) -> Finding:
    evidence = {"failed": check.name, "timeout": True} if timeout else {"failed": check.name}
    return Finding.about(record, CHECK_FAILED, Severity.WARNING, f"the check {check.name} {what}", evidence=evidence)

"""The one pass over the data: record checks and columns, batch by batch, as a pure function of a batch."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assay.records import Record

from ..batch import Batch
from ..boundary import FAILURES
from ..check import TURN_RECORDS, Context
from ..column import Column
from ..cues import KEY, Automaton, Marked
from ..limits import TooSlow, Watch, describe_without_text
from ..located import Located
from ..settings import ActiveCheck, CurateSettings, active_checks

if TYPE_CHECKING:
    from assay.chat import ChatTarget
    from assay.suites import EvaluationText, Suite

    from ..column import Array

ENCODING = "(templates and tokenisation)"
"""Its name among the seconds: it serves several checks, and is reported by itself."""

CUES = "(cues)"
"""What looking for the cues of all checks took, among the seconds."""

PASS_ROWS = 4096
"""Rows that are looked at together: enough that a batch pays for its way to another process."""


@dataclass(frozen=True)
class Job:
    """Everything that `look` needs besides a batch; it travels to other processes once.

    left_out  names of checks that cannot be judged here
    sample    what is usual in the data: the same records in every process
    """

    settings: CurateSettings
    left_out: frozenset[str] = frozenset()
    target: ChatTarget | None = None
    suites: Sequence[Suite] = ()
    evaluation_texts: Sequence[EvaluationText] = ()
    sample: Sequence[Record] = ()


@dataclass(frozen=True)
class Looked:
    """What one batch came to.

    start, rows  where the batch stands in the data
    columns      {name: array of shape [rows, ...]}
    failed       {column or check: why it could not be computed}
    seconds      {check or column: processor time spent on it}
    """

    start: int
    rows: int
    findings: list[Located]
    columns: dict[str, Array]
    failed: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


class Looker:
    """A job made ready: the checks found by name, the context built once for all batches of this process."""

    def __init__(self, job: Job) -> None:
        judging = [item for item in active_checks(job.settings) if item.name not in job.left_out]
        self._checks = [item for item in judging if item.check.scope == "record"]
        self._columns = columns_of(judging)
        self._context = Context(
            (), job.target, job.suites, job.evaluation_texts, encoder=job.settings.encoder, sampled=job.sample
        )
        self._watch = Watch()
        self._automaton = Automaton([item.check.cues for item in self._checks if item.check.cues is not None])

    def look(self, batch: Batch) -> Looked:
        """Record checks in name order for each record, then the columns."""
        context = self._context.over(batch.records)
        findings: list[Located] = []
        seconds: dict[str, float] = {}
        marked = self._mark(batch, context, seconds)
        with self._watch:
            for first in range(0, len(batch.records), TURN_RECORDS):
                self._take_turns(batch, first, context, marked, findings, seconds)
        if context.encoding_seconds:
            seconds[ENCODING] = context.encoding_seconds
        columns, failed = self._compute(batch, context, seconds)
        return Looked(batch.start, len(batch.records), findings, columns, failed, seconds)

    def _mark(self, batch: Batch, context: Context, seconds: dict[str, float]) -> Marked | None:
        """None where a record is so odd that its text cannot be had: then every check looks at every record."""
        began = time.thread_time()
        try:
            marked = self._automaton.mark(batch.records)
        except Exception:  # noqa: BLE001 - the checks say what is wrong with the record
            context.shared.pop(KEY, None)
            return None
        context.shared[KEY] = marked
        seconds[CUES] = time.thread_time() - began
        return marked

    def _take_turns(
        self,
        batch: Batch,
        first: int,
        context: Context,
        marked: Marked | None,
        findings: list[Located],
        seconds: dict[str, float],
    ) -> None:
        numbered = list(enumerate(batch.records[first : first + TURN_RECORDS], batch.start + first))
        for item in self._checks:
            began, encoding = time.thread_time(), context.encoding_seconds
            cues = item.check.cues
            held = marked.held(cues, first, first + TURN_RECORDS) if marked is not None and cues is not None else None
            turn = numbered if held is None else [numbered[place] for place in held]
            if turn:
                found = self._watch.over(item.check, item.settings, turn, context)
                findings.extend(Located(position, finding) for position, finding in found)
            spent = time.thread_time() - began - (context.encoding_seconds - encoding)
            seconds[item.name] = seconds.get(item.name, 0.0) + spent

    def _compute(
        self, batch: Batch, context: Context, seconds: dict[str, float]
    ) -> tuple[dict[str, Array], dict[str, str]]:
        """The columns, and why those that are missing could not be computed."""
        computed: dict[str, Array] = {}
        failed: dict[str, str] = {}
        for column in self._columns:
            began = time.thread_time()
            try:
                computed[column.name] = self._watch.column(column, batch, context)
            except FAILURES as error:  # the boundary: checks that need the column are said to be not judged
                failed[column.name] = describe_without_text(error)
            except TooSlow:
                failed[column.name] = f"it took longer than {self._watch.seconds:g} s on a record"
            seconds[column.name] = time.thread_time() - began
        return computed, failed


def columns_of(checks: Sequence[ActiveCheck]) -> list[Column]:
    """The columns that dataset checks declare, each once."""
    return list({column.name: column for item in checks for column in item.check.columns}.values())


@dataclass(frozen=True)
class Pass:
    """The batches put together.

    columns  {name: array of shape [records, ...]}
    failed   {column: why}; a column that failed on one batch is there for none
    """

    findings: list[Located]
    columns: Mapping[str, Array]
    failed: Mapping[str, str]
    seconds: Mapping[str, float]


class Gathering:
    """Puts the batches together as they come, in any order."""

    def __init__(self, records: int) -> None:
        self._records = records
        self._findings: list[Located] = []
        self._columns: dict[str, Array] = {}
        self._failed: dict[str, tuple[int, str]] = {}
        self._seconds: dict[str, float] = {}

    def add(self, looked: Looked) -> None:
        import numpy as np

        self._findings += looked.findings
        for name, why in looked.failed.items():  # of the first batch, whichever came first
            self._failed[name] = min((looked.start, why), self._failed.get(name, (looked.start, why)))
        for name, values in looked.columns.items():
            if name not in self._columns:
                self._columns[name] = np.zeros((self._records, *values.shape[1:]), values.dtype)
            self._columns[name][looked.start : looked.start + looked.rows] = values
        for name, seconds in looked.seconds.items():
            self._seconds[name] = self._seconds.get(name, 0.0) + seconds

    def finish(self) -> Pass:
        self._findings.sort(key=lambda located: (located.finding.check, located.position))
        whole = {name: values for name, values in self._columns.items() if name not in self._failed}
        failed = {name: why for name, (_, why) in self._failed.items()}
        return Pass(self._findings, whole, failed, self._seconds)

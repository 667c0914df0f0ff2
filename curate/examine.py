"""Every check that is on, over all of the data: the pass with record checks and columns, then the dataset checks."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from assay.dataset import Dataset

from .boundary import FAILURES, sound
from .check import Context
from .engine.engines import Engine, choose
from .engine.look import Gathering, Job, Pass
from .limits import describe_without_text
from .located import Located
from .settings import ActiveCheck, CurateSettings

FAILED = "it failed"
"""How the reason begins for which a check that raised is not judged."""


@dataclass(frozen=True)
class Examined:
    """found       by check, in the order of the records
    not_judged  {check: why}
    seconds     {check or column: processor time}; templates and tokenisation by themselves
    """

    found: list[Located]
    not_judged: Mapping[str, str]
    seconds: Mapping[str, float]

    @property
    def broken(self) -> tuple[str, ...]:
        """Checks that raised."""
        return tuple(name for name, why in self.not_judged.items() if why.startswith(FAILED))


def examine(
    dataset: Dataset,
    checks: Sequence[ActiveCheck],
    settings: CurateSettings,
    context: Context,
    engine: Engine | None = None,
) -> Examined:
    """Runs the checks; `context.records` are those of the data set. Raises WorkerLostError."""
    not_judged = {item.name: why for item in checks if (why := context.missing(item.check)) is not None}
    job = Job(
        settings,
        frozenset(not_judged),
        context.target,
        context.suites,
        context.evaluation_texts,
        context.sample,
    )
    looked = _pass(engine or choose(len(dataset)), dataset, job)
    context.columns.update(looked.columns)
    found, seconds = list(looked.findings), dict(looked.seconds)
    for item in checks:
        if item.check.scope == "dataset" and item.name not in not_judged:
            began = time.thread_time()
            found += _run_dataset_check(item, dataset, context, looked.failed, not_judged)
            seconds[item.name] = time.thread_time() - began
    found = list(_not_said_better(found, checks))
    found.sort(key=lambda located: (located.finding.check, located.position))
    return Examined(found, not_judged, seconds)


def _pass(engine: Engine, dataset: Dataset, job: Job) -> Pass:
    gathering = Gathering(len(dataset))
    for looked in engine.looks(dataset.table, job):
        gathering.add(looked)
    return gathering.finish()


def _not_said_better(found: Sequence[Located], checks: Sequence[ActiveCheck]) -> Iterator[Located]:
    """Without what a check says of records about which one of its `unless` has said more."""
    told = {name: _told_of(found, name) for item in checks for name in item.check.unless}
    unless = {item.name: item.check.unless for item in checks}
    for located in found:
        row = located.finding.row_id
        if not any(row in told[name] for name in unless.get(located.finding.check, ())):
            yield located


def _told_of(found: Sequence[Located], check: str) -> set[str]:
    """The rows that a check found something in, and those that it names as the other one."""
    own = [located.finding for located in found if located.finding.check == check]
    others = (finding.evidence.get("other") for finding in own)
    return {finding.row_id for finding in own} | {other for other in others if isinstance(other, str)}


def _run_dataset_check(
    item: ActiveCheck,
    dataset: Dataset,
    context: Context,
    failed_columns: Mapping[str, str],
    not_judged: dict[str, str],
) -> list[Located]:
    """Its findings; where it fails, or one of its columns did, it is said to have judged nothing."""
    why = next((failed_columns[column.name] for column in item.check.columns if column.name in failed_columns), None)
    if why is None:
        try:
            found = [sound(it, item.check) for it in item.check.function(context.records, context, **item.settings)]
            positions = dataset.positions([finding.row_id for finding in found])
            if -1 not in positions:
                return [Located(position, finding) for position, finding in zip(positions, found, strict=True)]
            why = "it found something in a row that is not in the data"
        except FAILURES as error:  # the boundary: a check that fails is said to have judged nothing
            why = describe_without_text(error)
    not_judged[item.name] = f"{FAILED}: {why}"
    return []

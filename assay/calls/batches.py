"""Asks in batch jobs: half the price, hours later. A job is journalled before it is submitted and found again after a
crash, and what expires or fails in it is asked for again, without the rest."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TypeVar

from assay.calls import backoff
from assay.calls.asking import Asking
from assay.calls.elsewhere import FIRST_LOOK, settled
from assay.calls.journal import Answer, BatchJob, Failure, Operation
from assay.calls.pricing import actual_usd, worst_usd
from assay.errors import ProviderError, ProviderRefusedError
from assay.protocols import BatchLine, BatchProvider, Generation, GenerationRequest

FIRST_POLL = 1.0
SETTLE_SECONDS = 5.0
"""A job that was submitted a moment before a crash may not be listed yet."""

T = TypeVar("T")


async def ask_in_batches(
    caller: Asking,
    provider: BatchProvider,
    missing: Mapping[str, GenerationRequest],
    tell: Callable[[str, Generation], None],
) -> ProviderRefusedError | None:
    """Picks up the jobs that an earlier process left or another one has, then submits what is still missing, again
    where a job brought nothing for it, `max_retries` times at most. Whoever asked is told each answer.

    Returns the refusal that ended it. Raises ProviderError when the server cannot be reached any more: the jobs go on,
    and the same command picks them up.
    """
    open_keys = dict(missing)
    source = f"{caller.provider.name} {caller.provider.model}"
    try:
        await _pick_up(caller, provider, source, open_keys, tell)
        for _ in range(caller.max_retries + 1):
            if not open_keys or not await _once(caller, provider, source, open_keys, tell):
                break
    except ProviderRefusedError as error:
        return error
    return None


async def _once(
    caller: Asking,
    provider: BatchProvider,
    source: str,
    open_keys: dict[str, GenerationRequest],
    tell: Callable[[str, Generation], None],
) -> bool:
    """Submits all that is open, in as many jobs as it takes, and waits for them. Whether there was room for any."""
    begun: list[BatchJob] = []
    elsewhere: set[str] = set()
    waiting = iter(list(open_keys))
    while part := list(islice(waiting, provider.most_requests)):
        worst = {key: worst_usd(open_keys[key], caller.price) for key in part}
        found = caller.journal.begin_batch(uuid.uuid4().hex, source, worst)
        elsewhere |= found.elsewhere
        if found.job is not None:
            requests = {key: open_keys[key] for key in found.job.attempts}
            begun.append(await _submit(caller, provider, found.job, requests))
        if found.over is not None:
            caller.unanswered.why = found.over
            break
    for job in begun:
        _take(await _finish(caller, provider, job), open_keys, tell)
    if elsewhere:
        await _pick_up(caller, provider, source, open_keys, tell)
        await settled(caller, [key for key in open_keys if key in elsewhere], _taking(open_keys, tell))
    return bool(begun or elsewhere)


async def _pick_up(
    caller: Asking,
    provider: BatchProvider,
    source: str,
    open_keys: dict[str, GenerationRequest],
    tell: Callable[[str, Generation], None],
) -> None:
    """All jobs that are under way, whoever began them."""
    for job in caller.journal.open_batches(source):
        _take(await _finish(caller, provider, job), open_keys, tell)


def _taking(
    open_keys: dict[str, GenerationRequest], tell: Callable[[str, Generation], None]
) -> Callable[[str, Generation], None]:
    def take(key: str, generation: Generation) -> None:
        if open_keys.pop(key, None) is not None:
            tell(key, generation)

    return take


@dataclass(frozen=True)
class _Ended:
    """What a job brought. refused: requests that are not worth asking again, and what was said of them."""

    came: Mapping[str, Generation]
    refused: Mapping[str, ProviderRefusedError]


def _take(ended: _Ended, open_keys: dict[str, GenerationRequest], tell: Callable[[str, Generation], None]) -> None:
    """Raises the refusal where it is all that a job brought."""
    take = _taking(open_keys, tell)
    for key, generation in ended.came.items():
        take(key, generation)
    for key in ended.refused:
        open_keys.pop(key, None)
    if ended.refused and not ended.came:
        raise next(iter(ended.refused.values()))


async def _submit(
    caller: Asking, provider: BatchProvider, job: BatchJob, requests: Mapping[str, GenerationRequest]
) -> BatchJob:
    """The job with its id. A submission that broke off may have arrived: it is looked for before it is sent again."""
    for retry in range(caller.max_retries + 1):
        try:
            found = await provider.submit(job.tag, requests)
            break
        except ProviderRefusedError:
            caller.journal.end_batch(job.batch, [Failure(attempt, False) for attempt in job.attempts.values()])
            raise
        except ProviderError as error:
            await _wait(caller, retry, error)
            if error.may_have_run:
                there = await _patiently(caller, lambda: _look_for(caller, provider, job))
                if there is not None:
                    found = there
                    break
    else:
        caller.journal.end_batch(job.batch, [Failure(attempt, False) for attempt in job.attempts.values()])
        raise ProviderError("a batch job could not be submitted", fix="run the same command again later")
    caller.journal.batch_submitted(job.batch, found)
    return BatchJob(job.batch, job.tag, found, job.attempts, job.at)


async def _finish(caller: Asking, provider: BatchProvider, job: BatchJob) -> _Ended:
    """Waits until the job has ended and journals what became of each of its requests."""
    identifier = job.job or await _submitted_elsewhere(caller, job)
    if identifier is None:
        identifier = await _patiently(caller, lambda: _look_for(caller, provider, job))
        if identifier is None:
            caller.journal.end_batch(job.batch, [Failure(attempt, False) for attempt in job.attempts.values()])
            return _Ended({}, {})
        caller.journal.batch_submitted(job.batch, identifier)
    wait, name = FIRST_POLL, identifier
    while not await _patiently(caller, lambda: provider.ended(name)):
        await caller.sleep(min(wait, provider.poll_seconds))
        wait *= 1.5
    result = await _patiently(caller, lambda: provider.result(name))
    if result.error is not None:
        caller.journal.end_batch(job.batch, [Failure(attempt, False) for attempt in job.attempts.values()])
        if isinstance(result.error, ProviderRefusedError):
            raise result.error
        await caller.sleep(result.error.retry_after)
        return _Ended({}, {})
    operations, ended = _read_lines(caller, job, result.lines)
    caller.journal.end_batch(job.batch, operations)
    return ended


async def _submitted_elsewhere(caller: Asking, job: BatchJob) -> str | None:
    """The id that another process writes down, which is about to submit the job: looked for now, it may not be there
    yet, and would be submitted twice. None where no process is, or where it gave the job up."""
    while caller.journal.submitting(job.batch):
        await caller.sleep(FIRST_LOOK)
    return caller.journal.job_of(job.batch)


def _read_lines(caller: Asking, job: BatchJob, lines: Sequence[BatchLine]) -> tuple[list[Operation], _Ended]:
    """A request that no line is about stays charged: nobody said that it did not run."""
    operations: dict[str, Operation] = {}
    came: dict[str, Generation] = {}
    refused: dict[str, ProviderRefusedError] = {}
    for line in lines:
        attempt = job.attempts.get(line.key)
        if attempt is None or line.key in came:
            continue  # of no request of this job, or a second line for one
        if line.generation is not None:
            operations[line.key] = Answer(attempt, line.generation, actual_usd(line.generation, caller.price))
            came[line.key] = line.generation
        else:
            operations[line.key] = Failure(attempt, line.error is not None and line.error.may_have_run)
            caller.unanswered.why = line.error
            if isinstance(line.error, ProviderRefusedError):
                refused[line.key] = line.error
    unmentioned = [Failure(attempt, True) for key, attempt in job.attempts.items() if key not in operations]
    return [*operations.values(), *unmentioned], _Ended(came, refused)


async def _look_for(caller: Asking, provider: BatchProvider, job: BatchJob) -> str | None:
    """Asks for the job by its tag; once more after a while where it was submitted only just now."""
    known = caller.journal.known_jobs()
    found = await provider.find(job.tag, job.attempts.keys(), job.at, known)
    age = (datetime.now(UTC) - datetime.fromisoformat(job.at)).total_seconds()
    if found is None and age < SETTLE_SECONDS:
        await caller.sleep(SETTLE_SECONDS - max(0.0, age))
        found = await provider.find(job.tag, job.attempts.keys(), job.at, known)
    return found


async def _patiently(caller: Asking, ask: Callable[[], Awaitable[T]]) -> T:
    """Asks again after what passes. These calls cost nothing, so the journal does not count them."""
    for retry in range(caller.max_retries + 1):
        try:
            return await ask()
        except ProviderRefusedError:
            raise
        except ProviderError as error:
            if retry == caller.max_retries:
                raise
            await _wait(caller, retry, error)
    raise AssertionError("unreachable")


async def _wait(caller: Asking, retry: int, error: ProviderError) -> None:
    await caller.sleep(backoff.seconds(retry, error.retry_after))

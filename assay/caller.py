"""Sends requests through the journal: what is answered is read, what is not is asked within the caps."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias, TypeVar

from assay import backoff
from assay.batches import Unanswered, ask_in_batches
from assay.collecting import seldom_collected
from assay.errors import BudgetError, ProviderError, ProviderRefusedError, RunError
from assay.journal import Answer, Failure, Journal, Reserve, request_key
from assay.journal_writer import JournalWriter
from assay.pacing import Limits, Pace
from assay.pricing import actual_usd, most_input_tokens, worst_usd
from assay.protocols import (
    AsyncProvider,
    BatchProvider,
    Generation,
    GenerationRequest,
    Price,
    Provider,
    RestoringProvider,
)

__all__ = ["Caller", "run_async", "worst_usd"]

BYTES_A_TOKEN = 3
"""Roughly, for what a server is told to expect; caps go by the bound in `pricing`."""

AHEAD = 0.25
"""Calls that are reserved before their turn comes, or whose answer is on its way to the disk, as a share of those under
way. With none each answer waits for the disk before the next request goes out, and one write lets many go at once: the
server's answers then come in waves, and neither side works while the other does. A crash leaves so many more calls
charged as unknown; below four at once there are none."""

LONGEST_WAIT = 900.0
"""Seconds that are waited since a server asks for it. One that asks for more has given all that it gives that day, and
nobody would know why nothing happens."""

Ask: TypeAlias = Callable[[list[GenerationRequest]], Awaitable[list[Generation]]]
T = TypeVar("T")


@dataclass(frozen=True)
class Caller:
    """A provider behind its journal. `sleep` stands apart so that a test can watch the waiting.

    journal_name  of the provider in the journal's keys, where its own does not tell two servers apart
    unanswered    tells, after `ask`, why an answer is missing
    """

    provider: Provider
    journal: Journal
    price: Price
    max_retries: int
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    journal_name: str | None = None
    unanswered: Unanswered = field(default_factory=Unanswered)

    def ask(
        self, requests: Sequence[GenerationRequest], answered: Callable[[int], None] = lambda _: None
    ) -> list[Generation | None]:
        """One answer a request, in order; None where the budget ended or the retries did.

        Equal requests, which records that stand twice in the data make, are asked once and share their answer.

        answered  told again and again how many of the requests have their answer now

        Raises ProviderRefusedError, after the answers under way are written, when asking again cannot help; RunError
        where a batch job that is under way will answer them.
        """
        name = self.journal_name or self.provider.name
        keys = [request_key(name, self.provider.model, request) for request in requests]
        work = _Work(answered)
        work.known.update(self.journal.answers(list(dict.fromkeys(keys))))
        for key, request in zip(keys, requests, strict=True):
            if key not in work.known:
                work.missing[key] = request
            work.times[key] = work.times.get(key, 0) + 1
        work.count = sum(work.times[key] for key in work.known)
        if work.missing:
            if not isinstance(self.provider, BatchProvider):
                self._check_not_in_jobs(work)
            with seldom_collected():
                run_async(lambda: self._ask_missing(work))
        if work.refusal is not None:
            raise work.refusal
        answers = [work.known.get(key) for key in keys]
        if not isinstance(self.provider, RestoringProvider):
            return answers
        restore = self.provider.restore
        return [answer and restore(request, answer) for request, answer in zip(requests, answers, strict=True)]

    def _check_not_in_jobs(self, work: _Work) -> None:
        """What a batch job will answer would be paid for twice. Raises RunError."""
        jobs = self.journal.open_batches(f"{self.provider.name} {self.provider.model}")
        there = sum(key in work.missing for job in jobs for key in job.attempts)
        if there:
            raise RunError(
                f"{there} of these requests are in a batch job that is under way, and would be paid for twice",
                fix="set synth.batch=true to pick it up, or write to another folder to ask anew",
            )

    async def _ask_missing(self, work: _Work) -> None:
        if isinstance(self.provider, BatchProvider):
            work.refusal = await ask_in_batches(self, self.provider, work.missing, work.tell)
            return
        size, waiting = self.provider.batch_size, list(work.missing)
        batches = [waiting[start : start + size] for start in range(0, len(waiting), size)]
        concurrency = self.provider.concurrency
        pace = Pace(concurrency, self.sleep)
        slots = asyncio.Semaphore(concurrency + int(concurrency * AHEAD))
        async with (
            _session(self.provider, pace.told) as ask,
            JournalWriter(self.journal) as writer,
            asyncio.TaskGroup() as group,
        ):
            sender = _Sender(self, ask, writer, pace, work, group, slots)
            group.create_task(sender.reserve_all(batches))
            group.create_task(sender.send_all())


@dataclass
class _Work:
    """missing: what is to be asked, by key; times: how often each key is wanted; count: requests with an answer."""

    answered: Callable[[int], None]
    known: dict[str, Generation] = field(default_factory=dict)
    missing: dict[str, GenerationRequest] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)
    count: int = 0
    refusal: ProviderRefusedError | None = None

    def tell(self, key: str, generation: Generation) -> None:
        self.known[key] = generation
        self.count += self.times[key]
        self.answered(self.count)


@dataclass(frozen=True)
class _Reserved:
    """One call that may go: what it asks, and its attempts in the journal."""

    keys: list[str]
    requests: list[GenerationRequest]
    attempts: list[int]


class _Written(NamedTuple):
    """An answer and when it is on disk."""

    key: str
    generation: Generation
    done: asyncio.Future[int]


@dataclass
class _Sender:
    """What the tasks of one `ask` share.

    slots  how many more calls may be begun: from its reservation until its answer is handed to the disk it has a slot
    ready  calls whose reservation is on disk; None after the last
    held   calls that hold a reservation, which may be more than they will cost
    freed  set when one of them has said what it did cost
    """

    caller: Caller
    ask: Ask
    writer: JournalWriter
    pace: Pace
    work: _Work
    group: asyncio.TaskGroup
    slots: asyncio.Semaphore
    ready: asyncio.Queue[_Reserved | None] = field(default_factory=asyncio.Queue)
    held: int = 0
    freed: asyncio.Event = field(default_factory=asyncio.Event)
    waiting_for_room: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def reserve_all(self, batches: Sequence[list[str]]) -> None:
        async with asyncio.TaskGroup() as group:
            for keys in batches:
                await self.slots.acquire()
                if self.work.refusal is not None:
                    break
                group.create_task(self._reserve_ahead(keys))
        self.ready.put_nowait(None)

    async def _reserve_ahead(self, keys: list[str]) -> None:
        requests = [self.work.missing[key] for key in keys]
        attempts = await self._reserve(keys, requests)
        if attempts is None:
            self.slots.release()
        else:
            self.ready.put_nowait(_Reserved(keys, requests, attempts))

    async def send_all(self) -> None:
        while (reserved := await self.ready.get()) is not None:
            if await self._turn(reserved):
                self.group.create_task(self._send(reserved))
            else:
                self.slots.release()

    async def _turn(self, reserved: _Reserved) -> bool:
        """Whether it may be sent now; where another was refused for good meanwhile, its reservation is given back."""
        if self.work.refusal is None:
            await self.pace.turn(_most_tokens(reserved.requests))
            if self.work.refusal is None:
                return True
            self.pace.done()
        await self._fail(reserved.attempts, charged=False)
        self._free()
        return False

    async def _send(self, reserved: _Reserved) -> None:
        """Until it is answered, or has failed too often. Its first turn has come.

        The next call's reservation may be written together with the answer, and is not sent before: no more answers
        than `slots` are lost where the process is killed, however slow the disk is.
        """
        try:
            written = await self._until_answered(reserved)
        finally:
            self.slots.release()
        for key, generation, future in written:
            await future
            self.work.tell(key, generation)

    async def _until_answered(self, reserved: _Reserved) -> list[_Written]:
        """Empty where no answer came, which `unanswered` says why."""
        came = await self._attempt(reserved)
        for retry in range(self.caller.max_retries):
            if isinstance(came, list) or came is None or self.work.refusal is not None:
                break
            await self.caller.sleep(backoff.seconds(retry, came.retry_after))
            came = await self._again(reserved)
        if isinstance(came, ProviderError):
            self.caller.unanswered.why = came
        return came if isinstance(came, list) else []

    async def _again(self, failed: _Reserved) -> list[_Written] | ProviderError | None:
        """Reserved before its turn: had it a turn and waited for room, what holds the room could not go."""
        attempts = await self._reserve(failed.keys, failed.requests)
        if attempts is None:
            return None
        reserved = _Reserved(failed.keys, failed.requests, attempts)
        return await self._attempt(reserved) if await self._turn(reserved) else None

    async def _attempt(self, reserved: _Reserved) -> list[_Written] | ProviderError | None:
        """The answers, on their way to the disk; or a fault after which it may be asked again; or None where that
        cannot help."""
        try:
            generations = await self._ask(reserved.attempts, reserved.requests)
            return self._record(reserved, generations) if isinstance(generations, list) else generations
        finally:
            self._free()
            self.pace.done()

    async def _ask(
        self, attempts: list[int], requests: list[GenerationRequest]
    ) -> list[Generation] | ProviderError | None:
        """The answers; or the fault, once it is written; or None where asking again cannot help."""
        try:
            return await self.ask(requests)
        except ProviderRefusedError as error:
            self.work.refusal = self.work.refusal or error
            await self._fail(attempts, charged=False)
            return None
        except ProviderError as error:
            await self._fail(attempts, charged=error.may_have_run)
            if error.retry_after > LONGEST_WAIT:
                said = f"{error.what} and asks to wait {error.retry_after / 60:,.0f} minutes"
                self.work.refusal = self.work.refusal or ProviderRefusedError(
                    said, fix="run the same command again then"
                )
                return None
            if error.busy:
                self.pace.refused(error.retry_after)
            return error

    def _record(self, reserved: _Reserved, generations: list[Generation]) -> list[_Written]:
        price = self.caller.price
        self.pace.answered()
        return [
            _Written(key, generation, self.writer.put(Answer(attempt, generation, actual_usd(generation, price))))
            for key, attempt, generation in zip(reserved.keys, reserved.attempts, generations, strict=True)
        ]

    async def _reserve(self, keys: list[str], requests: list[GenerationRequest]) -> list[int] | None:
        """The attempts, or None when the caps leave no room, even once all that is under way has said its real cost."""
        attempts = await self._try_to_reserve(keys, requests)
        if isinstance(attempts, list):
            return attempts
        async with self.waiting_for_room:  # one at a time: what is freed is offered to the first that could not
            while self.work.refusal is None:
                self.freed.clear()
                attempts = await self._try_to_reserve(keys, requests)
                if isinstance(attempts, list):
                    return attempts
                if self.held == 0 and not self.freed.is_set():  # set: the last one ended while this was refused
                    self.caller.unanswered.why = attempts
                    return None
                await self.freed.wait()
        return None

    async def _try_to_reserve(self, keys: list[str], requests: list[GenerationRequest]) -> list[int] | BudgetError:
        price = self.caller.price
        wanted = [
            self.writer.put(Reserve(key, worst_usd(request, price)))
            for key, request in zip(keys, requests, strict=True)
        ]
        results = await asyncio.gather(*wanted, return_exceptions=True)
        attempts = [result for result in results if isinstance(result, int)]
        if len(attempts) == len(keys):
            self.held += 1
            return attempts
        await self._fail(attempts, charged=False)
        errors = [result for result in results if isinstance(result, BaseException)]
        for error in errors:
            if not isinstance(error, BudgetError):
                raise error
        over = errors[0]
        assert isinstance(over, BudgetError)
        return over

    async def _fail(self, attempts: list[int], *, charged: bool) -> None:
        await asyncio.gather(*(self.writer.put(Failure(attempt, charged)) for attempt in attempts))

    def _free(self) -> None:
        self.held -= 1
        self.freed.set()


def _most_tokens(requests: Sequence[GenerationRequest]) -> int:
    return sum(most_input_tokens(request) // BYTES_A_TOKEN + request.max_tokens for request in requests)


@asynccontextmanager
async def _session(provider: Provider, told: Callable[[Limits], None]) -> AsyncIterator[Ask]:
    """Ways to ask a provider from the event loop: its own, or a thread a call."""
    if isinstance(provider, AsyncProvider):
        async with provider.session(told) as one:

            async def ask_each(requests: list[GenerationRequest]) -> list[Generation]:
                if len(requests) == 1:
                    return [await one(requests[0])]
                return list(await asyncio.gather(*(one(request) for request in requests)))

            yield ask_each
        return
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(max_workers=provider.concurrency) as pool:

        async def ask_thread(requests: list[GenerationRequest]) -> list[Generation]:
            return await loop.run_in_executor(pool, provider.generate, requests)

        yield ask_thread


def run_async(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Runs it to its end, in a thread of its own where an event loop runs already, as in a notebook.

    An error in one of several tasks is raised as it is, and not as a group.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run(work)
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(_run(work))
        except BaseException as error:  # noqa: BLE001 it is raised again where it was asked for
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    try:
        return asyncio.run(work())
    except BaseExceptionGroup as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None

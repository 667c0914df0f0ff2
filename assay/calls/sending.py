"""Many calls under way at once: each reserved before its turn, asked again after a fault, and written when it came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from assay.calls import backoff
from assay.calls.asking import Asking, Work
from assay.calls.journal import Answer, Result
from assay.calls.journal_writer import JournalWriter
from assay.calls.pacing import Limits, Pace
from assay.calls.pricing import actual_usd, most_input_tokens
from assay.calls.reserving import Reserved, Reserving
from assay.errors import ProviderError, ProviderRefusedError
from assay.protocols import AsyncProvider, Generation, GenerationRequest, Provider

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


async def send(caller: Asking, work: Work, keys: Sequence[str]) -> list[str]:
    """Asks for them, as far as the caps go. Returns those that another process asks for."""
    size, concurrency = caller.provider.batch_size, caller.provider.concurrency
    calls = [keys[start : start + size] for start in range(0, len(keys), size)]
    pace = Pace(concurrency, caller.sleep)
    slots = asyncio.Semaphore(concurrency + int(concurrency * AHEAD))
    async with (
        _session(caller.provider, pace.told) as ask,
        JournalWriter(caller.journal) as writer,
        asyncio.TaskGroup() as group,
    ):
        reserving = Reserving(caller, writer, work)
        sender = _Sender(caller, ask, writer, pace, work, group, slots, reserving)
        group.create_task(sender.reserve_all(calls))
        group.create_task(sender.send_all())
    return reserving.elsewhere


class _Written(NamedTuple):
    """An answer and when it is on disk."""

    key: str
    generation: Generation
    done: asyncio.Future[Result]


@dataclass
class _Sender:
    """What the tasks of one `send` share.

    slots  how many more calls may be begun: from its reservation until its answer is handed to the disk it has a slot
    ready  calls whose reservation is on disk; None after the last
    """

    caller: Asking
    ask: Ask
    writer: JournalWriter
    pace: Pace
    work: Work
    group: asyncio.TaskGroup
    slots: asyncio.Semaphore
    reserving: Reserving
    ready: asyncio.Queue[Reserved | None] = field(default_factory=asyncio.Queue)

    async def reserve_all(self, calls: Sequence[Sequence[str]]) -> None:
        async with asyncio.TaskGroup() as group:
            for keys in calls:
                await self.slots.acquire()
                if self.work.refusal is not None:
                    break
                group.create_task(self._reserve_ahead(keys))
        self.ready.put_nowait(None)

    async def _reserve_ahead(self, keys: Sequence[str]) -> None:
        """It has a slot, which goes on to the call. Where only a part fits under the caps, the rest is a call of its
        own."""
        while True:
            room = await self.reserving.reserve(keys)
            if room.call is None:
                self.slots.release()
            else:
                self.ready.put_nowait(room.call)
            if not room.later:
                return
            keys = room.later
            await self.slots.acquire()

    async def send_all(self) -> None:
        while (reserved := await self.ready.get()) is not None:
            if await self._turn(reserved):
                self.group.create_task(self._send(reserved))
            else:
                self.slots.release()

    async def _turn(self, reserved: Reserved) -> bool:
        """Whether it may be sent now; where another was refused for good meanwhile, its reservation is withdrawn."""
        if self.work.refusal is None:
            await self.pace.turn(_most_tokens(reserved.requests))
            if self.work.refusal is None:
                return True
            self.pace.done()
        await self.reserving.withdraw(reserved)
        return False

    async def _send(self, reserved: Reserved) -> None:
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

    async def _until_answered(self, reserved: Reserved) -> list[_Written]:
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

    async def _again(self, failed: Reserved) -> list[_Written] | ProviderError | None:
        """Reserved before its turn: had it a turn and waited for room, what holds the room could not go. A part that
        does not fit is given up."""
        reserved = (await self.reserving.reserve(failed.keys)).call
        if reserved is None:
            return None
        return await self._attempt(reserved) if await self._turn(reserved) else None

    async def _attempt(self, reserved: Reserved) -> list[_Written] | ProviderError | None:
        """The answers, on their way to the disk; or a fault after which it may be asked again; or None where that
        cannot help."""
        try:
            generations = await self._ask(reserved)
            return self._record(reserved, generations) if isinstance(generations, list) else generations
        finally:
            self.reserving.free()
            self.pace.done()

    async def _ask(self, reserved: Reserved) -> list[Generation] | ProviderError | None:
        """The answers; or the fault, once it is written; or None where asking again cannot help."""
        try:
            return await self.ask(reserved.requests)
        except ProviderRefusedError as error:
            self.work.refusal = self.work.refusal or error
            await self.reserving.fail(reserved, charged=False)
            return None
        except ProviderError as error:
            await self.reserving.fail(reserved, charged=error.may_have_run)
            if error.retry_after > LONGEST_WAIT:
                said = f"{error.what} and asks to wait {error.retry_after / 60:,.0f} minutes"
                self.work.refusal = self.work.refusal or ProviderRefusedError(
                    said, fix="run the same command again then"
                )
                return None
            if error.busy:
                self.pace.refused(error.retry_after)
            return error

    def _record(self, reserved: Reserved, generations: list[Generation]) -> list[_Written]:
        price = self.caller.price
        self.pace.answered()
        return [
            _Written(key, generation, self.writer.put(Answer(attempt, generation, actual_usd(generation, price))))
            for key, attempt, generation in zip(reserved.keys, reserved.attempts, generations, strict=True)
        ]


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

"""Room under the caps: what a request costs at most is written before it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from assay.calls.asking import Asking, Work
from assay.calls.journal import Failure, Reserve, Result, Withdrawal
from assay.calls.journal_askers import UnderWay
from assay.calls.journal_writer import JournalWriter
from assay.calls.pricing import worst_usd
from assay.errors import BudgetError, RunError
from assay.protocols import Generation, GenerationRequest


@dataclass(frozen=True)
class Reserved:
    """One call that may go: what it asks, and its attempts in the journal."""

    keys: list[str]
    requests: list[GenerationRequest]
    attempts: list[int]


class Room(NamedTuple):
    """call: what there is room for now, or None; later: what there may be room for once a call has ended."""

    call: Reserved | None
    later: list[str]


@dataclass
class Reserving:
    """For the calls of one `ask`.

    elsewhere  keys that another process asks for
    held       calls that hold a reservation, which may be more than they will cost
    freed      set when one of them has said what it did cost
    """

    caller: Asking
    writer: JournalWriter
    work: Work
    elsewhere: list[str] = field(default_factory=list)
    held: int = 0
    freed: asyncio.Event = field(default_factory=asyncio.Event)
    waiting_for_room: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def reserve(self, keys: Sequence[str]) -> Room:
        """For one call. No room for any, and nothing for later, when the caps leave none even once all that is under
        way has said its real cost, or when nothing is left to ask."""
        room, over = await self._try(keys)
        if over is None or room.call is not None:
            return room
        async with self.waiting_for_room:  # one at a time: what is freed is offered to the first that could not
            while self.work.refusal is None:
                self.freed.clear()
                room, over = await self._try(room.later)
                if over is None or room.call is not None:
                    return room
                if self.held == 0 and not self.freed.is_set():  # set: the last one ended while this was refused
                    self.caller.unanswered.why = over
                    break
                await self.freed.wait()
        return Room(None, [])

    async def withdraw(self, reserved: Reserved) -> None:
        """It is not sent after all."""
        await asyncio.gather(*(self.writer.put(Withdrawal(attempt)) for attempt in reserved.attempts))
        self.free()

    async def fail(self, reserved: Reserved, *, charged: bool) -> None:
        await asyncio.gather(*(self.writer.put(Failure(attempt, charged)) for attempt in reserved.attempts))

    def free(self) -> None:
        """A call that held a reservation has ended."""
        self.held -= 1
        self.freed.set()

    async def _try(self, keys: Sequence[str]) -> tuple[Room, BudgetError | None]:
        """What fits of it, and why the rest does not."""
        requests = [self.work.missing[key] for key in keys]
        wanted = [
            self.writer.put(Reserve(key, worst_usd(request, self.caller.price)))
            for key, request in zip(keys, requests, strict=True)
        ]
        results = dict(zip(keys, await asyncio.gather(*wanted), strict=True))
        attempts = {key: result for key, result in results.items() if isinstance(result, int)}
        over = {key: result for key, result in results.items() if isinstance(result, BudgetError)}
        self._note_elsewhere(results)
        call = None
        if attempts:
            self.held += 1
            call = Reserved(list(attempts), [self.work.missing[key] for key in attempts], list(attempts.values()))
        return Room(call, list(over)), next(iter(over.values()), None)

    def _note_elsewhere(self, results: dict[str, Result]) -> None:
        for key, result in results.items():
            if isinstance(result, Generation):
                self.work.tell(key, result)
            elif isinstance(result, UnderWay) and result.in_job:
                self.work.refusal = self.work.refusal or in_a_job(1)
            elif isinstance(result, UnderWay):
                self.elsewhere.append(key)


def in_a_job(requests: int) -> RunError:
    return RunError(
        f"{requests} of these requests are in a batch job that is under way, and would be paid for twice",
        fix="set synth.batch=true to pick it up, or write to another folder to ask anew",
    )

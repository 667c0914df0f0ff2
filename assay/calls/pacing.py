"""How fast a server is asked: never faster than its own headers allow, and more slowly after it said no.

Servers say how many requests and tokens are left and when the allowance is full again; both OpenAI and Anthropic
refill it steadily. Where they say nothing, the number of calls under way shrinks by three tenths when a call is turned
away, once for all that were under way then, and grows by one with every four answers: a server that turns one call in
fifty away for no reason of load is still asked at nearly full speed, and one that is full is asked at about its size.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

CUT = 0.7
GROWTH = 0.25

LONGEST_HOLD = 120.0
"""Seconds that one header may hold all calls: a clock that is wrong should not stop a run for a day."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of requests or of tokens, the most there can be, and in how many seconds it is full again."""

    left: int
    most: int | None
    full_in: float

    def seconds_until(self, needed: int) -> float:
        """Until so many are there, at the rate at which it refills; until it is full where the rate is not known."""
        if self.left >= needed:
            return 0.0
        missing = needed - self.left
        if self.most is None or self.most <= self.left:
            return self.full_in
        return self.full_in * min(1.0, missing / (self.most - self.left))


@dataclass(frozen=True, slots=True)
class Limits:
    """A server's headers, as far as it sent them."""

    requests: Allowance | None = None
    tokens: Allowance | None = None


class Pace:
    """Lets calls go, one after another; of one event loop. `turn` before a call, `done` after it."""

    def __init__(
        self,
        concurrency: int,
        sleep: Callable[[float], Awaitable[None]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most, self._sleep, self._clock = concurrency, sleep, clock
        self.allowed = float(concurrency)
        self.under_way = 0
        self._until = 0.0
        self._excused = 0
        self._limits = Limits()
        self._changed = asyncio.Event()
        self._order = asyncio.Lock()

    async def turn(self, tokens: int) -> None:
        """Returns when a call may be sent that could use so many tokens."""
        async with self._order:
            while self.under_way >= self._may_be_under_way():
                self._changed.clear()
                await self._changed.wait()
            wait = max(self._until - self._clock(), self._limit(tokens))
            if wait > 0:
                await self._sleep(min(wait, LONGEST_HOLD))
                self._limits = Limits(Allowance(1, None, 0.0))  # one call, whose answer says how many more
            self.under_way += 1

    def done(self) -> None:
        self.under_way -= 1
        self._changed.set()

    def told(self, limits: Limits) -> None:
        """The headers of an answer."""
        self._limits = limits

    def answered(self) -> None:
        self._excused = max(0, self._excused - 1)
        self.allowed = min(float(self._most), self.allowed + GROWTH)

    def refused(self, retry_after: float) -> None:
        """The server said too many, or that it is overloaded; all calls wait, since all would be told the same."""
        if self._excused:  # it was sent before the last cut could be heard of
            self._excused -= 1
        else:
            self.allowed = max(1.0, self.allowed * CUT)
            self._excused = max(0, self.under_way - 1)
        self._until = max(self._until, self._clock() + retry_after)

    def _may_be_under_way(self) -> int:
        """What is under way may not be counted yet in what the server says is left: it is taken as if it were not."""
        requests = self._limits.requests
        allowed = max(1, int(self.allowed))
        return allowed if requests is None else max(1, min(allowed, requests.left))

    def _limit(self, tokens: int) -> float:
        requests, left = self._limits.requests, self._limits.tokens
        return max(
            requests.seconds_until(1) if requests is not None else 0.0,
            left.seconds_until(min(tokens, left.most or tokens)) if left is not None else 0.0,
        )

"""No call goes out sooner than the server's headers allow, and a server that says no is asked more slowly."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assay.calls.caller import Caller
from assay.calls.journal import Journal
from assay.calls.pacing import Allowance, Limits, Pace
from assay.protocols import GenerationRequest, Price
from assay.records import Message
from assay.synth.provider import make_provider
from assay.synth.settings import SynthSettings
from assay.synth.wire.limits import limits_of
from tests.synth.api_server import Refusal


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def paced(concurrency: int) -> tuple[Pace, Clock]:
    clock = Clock()
    return Pace(concurrency, clock.sleep, lambda: clock.now), clock


def test_openai_and_anthropic_say_the_same_in_other_words() -> None:
    openai = limits_of(
        {
            "x-ratelimit-remaining-requests": "3",
            "x-ratelimit-limit-requests": "60",
            "x-ratelimit-reset-requests": "1m3s",
            "x-ratelimit-remaining-tokens": "1500",
            "x-ratelimit-limit-tokens": "2000",
            "x-ratelimit-reset-tokens": "250ms",
        }
    )
    assert openai == Limits(Allowance(3, 60, 63.0), Allowance(1500, 2000, 0.25))
    later = (datetime.now(UTC) + timedelta(seconds=20)).isoformat().replace("+00:00", "Z")
    anthropic = limits_of(
        {
            "anthropic-ratelimit-requests-remaining": "0",
            "anthropic-ratelimit-requests-limit": "50",
            "anthropic-ratelimit-requests-reset": later,
            "anthropic-ratelimit-input-tokens-remaining": "900",
            "anthropic-ratelimit-output-tokens-remaining": "200",
        }
    )
    assert anthropic.requests is not None and 18 < anthropic.requests.full_in <= 20
    assert anthropic.tokens is not None and anthropic.tokens.left == 200


@pytest.mark.parametrize("value", ["", "soon", "-4", "nan", "inf", "9" * 400])
def test_headers_that_make_no_sense_are_no_limits(value: str) -> None:
    headers = {f"x-ratelimit-remaining-{kind}": value for kind in ("requests", "tokens")}
    assert limits_of({**headers, "x-ratelimit-reset-requests": value}) == Limits()


def test_where_nothing_is_left_it_waits_until_one_is_there() -> None:
    async def run() -> list[float]:
        pace, clock = paced(8)
        pace.told(Limits(Allowance(0, 60, 60.0)))
        await pace.turn(10)
        return clock.slept

    assert asyncio.run(run()) == [1.0]


def test_tokens_are_waited_for_too() -> None:
    async def run() -> list[float]:
        pace, clock = paced(8)
        pace.told(Limits(Allowance(5, 60, 60.0), Allowance(100, 1100, 10.0)))
        await pace.turn(300)
        return clock.slept

    assert asyncio.run(run()) == [2.0]


def test_no_more_go_out_than_the_server_has_left() -> None:
    async def run() -> int:
        pace, _ = paced(64)
        pace.told(Limits(Allowance(3, 60, 60.0)))
        turns = [asyncio.create_task(pace.turn(1)) for _ in range(64)]
        await asyncio.sleep(0.01)
        under_way = pace.under_way
        for turn in turns:
            turn.cancel()
        return under_way

    assert asyncio.run(run()) == 3


def test_a_refusal_slows_all_down_once_and_answers_bring_it_back() -> None:
    async def run() -> tuple[float, float]:
        pace, _ = paced(16)
        for _ in range(16):
            await pace.turn(1)
        for _ in range(16):
            pace.refused(0.0)
            pace.done()
        slowed = pace.allowed
        for _ in range(200):
            pace.answered()
        return slowed, pace.allowed

    assert asyncio.run(run()) == (pytest.approx(16 * 0.7), 16.0)


def test_refusals_on_end_come_down_to_one_call_at_a_time() -> None:
    async def run() -> float:
        pace, _ = paced(64)
        for _ in range(40):
            await pace.turn(1)
            pace.refused(0.0)
            pace.done()
        return pace.allowed

    assert asyncio.run(run()) == 1.0


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_one_refusal_holds_all_calls_for_as_long_as_the_server_asks(
    name: str, api: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-canary")
    base = api.url if name == "anthropic" else f"{api.url}/v1"
    given = SynthSettings(provider=name, model="m", base_url=base, concurrency=2)
    api.faults = [Refusal(429, "rate_limit_exceeded", {"retry-after": "0.6"})] * 2
    requests = [GenerationRequest((Message("user", f"n {number}"),), 5) for number in range(6)]
    with Journal(tmp_path / "journal.sqlite", max_requests=20, max_usd=1) as book:
        started = time.monotonic()
        answers = Caller(make_provider(given, None), book, Price(1, 1), 3).ask(requests)
        assert time.monotonic() - started >= 0.6
        assert book.spent().requests == 8 and book.spent().unknown == 0
    assert all(answer is not None for answer in answers)


def test_a_server_that_has_little_left_is_asked_at_its_own_rate(api: Any, tmp_path: Path) -> None:
    """Half of a second for one request, by the headers: five requests take two seconds at least."""
    api.headers = {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-limit-requests": "10",
        "x-ratelimit-reset-requests": "5s",
    }
    given = SynthSettings(provider="openai_compatible", model="m", base_url=f"{api.url}/v1", concurrency=8)
    requests = [GenerationRequest((Message("user", f"n {number}"),), 5) for number in range(13)]
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    with Journal(tmp_path / "journal.sqlite", max_requests=20, max_usd=1) as book:
        Caller(make_provider(given, None), book, Price(1, 1), 3, sleep).ask(requests)
    assert len(slept) >= 4 and set(slept) == {0.5}

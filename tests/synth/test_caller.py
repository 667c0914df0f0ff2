"""What is asked of a provider, and how often."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from assay.calls.caller import Caller, worst_usd
from assay.calls.journal import Answer, Journal, request_key
from assay.errors import ProviderRefusedError, RunError
from assay.protocols import GenerationRequest, Price
from assay.records import Message
from assay.synth.provider import make_provider
from assay.synth.settings import SynthSettings
from tests.synth.api_server import Refusal


def test_equal_requests_are_asked_once_and_share_their_answer(api: Any, tmp_path: Path) -> None:
    settings = SynthSettings(provider="openai_compatible", model="a", base_url=f"{api.url}/v1")
    requests = [GenerationRequest((Message("user", text),), max_tokens=5) for text in ("one", "two", "one", "one")]
    told: list[int] = []
    with Journal(tmp_path / "journal", max_requests=9, max_usd=1) as journal:
        caller = Caller(make_provider(settings, None), journal, Price(1, 1), max_retries=0)
        answers = caller.ask(requests, told.append)
        assert journal.spent().requests == 2
    assert sorted(api.answered) == ["one", "two"]
    assert [answer and answer.text for answer in answers] == [
        f"Put otherwise: {text}" for text in ("one", "two", "one", "one")
    ]
    assert told[-1] == 4


def test_the_next_calls_are_on_disk_before_an_answer_makes_room_for_them(api: Any, tmp_path: Path) -> None:
    """Or each answer would wait for the disk; and no more than a few, since a crash leaves them charged."""
    arrived, go = threading.Semaphore(0), threading.Event()

    def hold(text: str) -> str:
        arrived.release()
        go.wait(30)
        return text

    api.reply = hold
    settings = SynthSettings(provider="openai_compatible", model="a", base_url=f"{api.url}/v1", concurrency=8)
    requests = [GenerationRequest((Message("user", str(number)),), max_tokens=5) for number in range(20)]
    with Journal(tmp_path / "journal", max_requests=99, max_usd=1) as journal:
        caller = Caller(make_provider(settings, None), journal, Price(1, 1), max_retries=0)
        asking = threading.Thread(target=caller.ask, args=(requests,))
        asking.start()
        for _ in range(8):
            assert arrived.acquire(timeout=30)
        time.sleep(0.2)
        written = journal.spent().requests
        go.set()
        asking.join()
        assert journal.spent().answered == 20
    assert written == 8 + 2


def test_no_more_answers_than_slots_wait_for_a_slow_disk(
    api: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them would be asked for again, and paid for again, where the process were killed then."""
    go, write = threading.Event(), Journal.write

    def slow(journal: Journal, operations: Any) -> Any:
        if any(isinstance(operation, Answer) for operation in operations):
            go.wait(30)
        return write(journal, operations)

    monkeypatch.setattr(Journal, "write", slow)
    settings = SynthSettings(provider="openai_compatible", model="a", base_url=f"{api.url}/v1", concurrency=8)
    requests = [GenerationRequest((Message("user", str(number)),), max_tokens=5) for number in range(60)]
    with Journal(tmp_path / "journal", max_requests=99, max_usd=1) as journal:
        caller = Caller(make_provider(settings, None), journal, Price(1, 1), max_retries=0)
        asking = threading.Thread(target=caller.ask, args=(requests,))
        asking.start()
        time.sleep(1.5)
        lost_if_killed = len(api.answered)
        go.set()
        asking.join()
        assert journal.spent().answered == 60
    assert 0 < lost_if_killed <= 8 + 2


def asked_under_a_cap(
    api: Any, folder: Path, reservations: float, concurrency: int = 4, count: int = 12
) -> tuple[int, float]:
    """How many were answered, and for how many more calls there was room in the end."""
    settings = SynthSettings(provider="openai_compatible", model="a", base_url=f"{api.url}/v1", concurrency=concurrency)
    requests = [GenerationRequest((Message("user", f"{number:02}"),), max_tokens=100) for number in range(count)]
    worst = worst_usd(requests[0], Price(1, 1))
    with Journal(folder / "journal", max_requests=99, max_usd=worst * reservations) as journal:
        answers = Caller(make_provider(settings, None), journal, Price(1, 1), max_retries=6).ask(requests)
        left = worst * reservations - journal.spent().usd
    return sum(answer is not None for answer in answers), left / worst


def test_a_retry_that_waits_for_room_keeps_no_turn_from_a_call_that_holds_the_room(api: Any, tmp_path: Path) -> None:
    """All calls are turned away, the next reservations take the room that they leave, and only few calls may go."""
    api.faults = [Refusal(429, "rate_limit", {"retry-after": "1"})] * 4
    found: list[tuple[int, float]] = []
    asking = threading.Thread(
        target=lambda: found.append(asked_under_a_cap(api, tmp_path, reservations=2.05)), daemon=True
    )
    asking.start()
    asking.join(60)
    [(answered, left)] = found
    assert answered == 12 or left < 1


@pytest.mark.parametrize("attempt", range(3))
def test_what_did_not_fit_is_tried_again_when_the_last_call_ends_while_it_is_refused(
    attempt: int, api: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Journal.write

    def slow(journal: Journal, operations: Any) -> Any:
        time.sleep(0.03)
        return write(journal, operations)

    monkeypatch.setattr(Journal, "write", slow)
    answered, left = asked_under_a_cap(api, tmp_path, reservations=2.05)
    assert answered == 12 or left < 1


def test_an_operation_that_cannot_be_written_ends_the_run_and_is_not_waited_for_in_vain(
    api: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(journal: Journal, operations: Any) -> Any:
        raise OverflowError("too large")

    monkeypatch.setattr(Journal, "write", no_room)
    raised: list[BaseException] = []

    def ask() -> None:
        try:
            asked_under_a_cap(api, tmp_path, reservations=9)
        except OverflowError as error:
            raised.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(30)
    assert raised


def test_what_waits_to_be_asked_again_is_not_once_the_server_refused_for_good(api: Any, tmp_path: Path) -> None:
    busy = Refusal(429, "rate_limit", {"retry-after": "1"})
    api.faults = [busy, busy, 401, busy]
    with pytest.raises(ProviderRefusedError, match="401"):
        asked_under_a_cap(api, tmp_path, reservations=99)
    assert len(api.seen) == 4


def test_a_server_that_asks_to_wait_for_hours_ends_the_run_and_says_so(api: Any, tmp_path: Path) -> None:
    api.faults = [Refusal(429, "rate_limit", {"retry-after": "28800"})] * 12
    with pytest.raises(ProviderRefusedError, match="asks to wait 480 minutes; run the same command again then"):
        asked_under_a_cap(api, tmp_path, reservations=99)
    assert len(api.seen) <= 4


def test_what_a_batch_job_will_answer_is_not_asked_live_as_well(api: Any, tmp_path: Path) -> None:
    settings = SynthSettings(provider="openai_compatible", model="a", base_url=f"{api.url}/v1")
    request = GenerationRequest((Message("user", "one"),), max_tokens=5)
    key = request_key("openai_compatible", "a", request)
    with Journal(tmp_path / "journal", max_requests=9, max_usd=1) as journal:
        journal.begin_batch("tag", "openai_compatible a", {key: 0.1})
        caller = Caller(make_provider(settings, None), journal, Price(1, 1), max_retries=0)
        with pytest.raises(RunError, match=r"1 of these requests are in a batch job .* set synth.batch=true"):
            caller.ask([request])
    assert api.seen == []

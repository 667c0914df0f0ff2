"""What is asked of a provider, and how often."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from assay.caller import Caller
from assay.journal import Answer, Journal
from assay.protocols import GenerationRequest, Price
from assay.records import Message
from assay.synth.provider import make_provider
from assay.synth.settings import SynthSettings


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

"""Two processes that ask through one journal never pay for the same answer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from assay.calls.caller import Caller
from assay.calls.journal import Journal, request_key
from assay.errors import RunError
from assay.protocols import Generation, GenerationRequest, Price
from assay.records import Message
from assay.synth.provider import make_provider
from assay.synth.settings import SynthSettings

CHILD = """
import json, sys
from pathlib import Path
from assay.calls.caller import Caller
from assay.calls.journal import Journal
from assay.protocols import GenerationRequest, Price
from assay.records import Message
from assay.synth.provider import make_provider
from assay.synth.settings import SynthSettings

url, folder, first, last = sys.argv[1:]
settings = SynthSettings(provider="openai_compatible", model="m", base_url=url, concurrency=8, timeout=60)
provider = make_provider(settings, None)
requests = [GenerationRequest((Message("user", f"text {n}"),), 7) for n in range(int(first), int(last))]
with Journal(Path(folder) / "journal.sqlite", max_requests=1000, max_usd=1) as book:
    print("ready", flush=True)
    sys.stdin.readline()
    answers = Caller(provider, book, Price(1, 1), 6, say=lambda line: print(line, flush=True)).ask(requests)
print(json.dumps([answer and answer.text for answer in answers]))
"""


def requests(first: int, last: int) -> list[GenerationRequest]:
    return [GenerationRequest((Message("user", f"text {number}"),), 7) for number in range(first, last)]


def replies(first: int, last: int) -> list[str]:
    return [f"Put otherwise: text {number}" for number in range(first, last)]


def child(api: Any, folder: Path, first: int, last: int) -> subprocess.Popen[str]:
    """A process that has read what the journal holds, and begins to ask when it is told to."""
    command = [sys.executable, "-c", CHILD, f"{api.url}/v1", str(folder), str(first), str(last)]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    return started


def go(*children: subprocess.Popen[str]) -> None:
    for each in children:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()


def said(ended: subprocess.Popen[str]) -> tuple[list[str], list[str | None]]:
    """What it said while it asked, and its answers."""
    output, _ = ended.communicate(timeout=60)
    assert ended.returncode == 0
    *lines, answers = output.splitlines()
    return lines, json.loads(answers)


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_two_processes_share_the_work_and_no_answer_is_paid_for_twice(api: Any, tmp_path: Path) -> None:
    def slow(text: str) -> str:
        time.sleep(0.05)
        return f"Put otherwise: {text}"

    api.reply = slow
    one, other = child(api, tmp_path, 0, 60), child(api, tmp_path, 20, 80)
    go(one, other)
    assert said(one)[1] == replies(0, 60)
    assert said(other)[1] == replies(20, 80)
    assert Counter(api.answered) == Counter(f"text {number}" for number in range(80))
    with Journal(tmp_path / "journal.sqlite", max_requests=1000, max_usd=1) as book:
        assert (book.spent().requests, book.spent().answered, book.spent().unknown) == (80, 80, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["journal.sqlite"]


def test_what_a_killed_process_had_under_way_is_waited_for_until_then_and_asked_by_the_other(
    api: Any, tmp_path: Path
) -> None:
    free = threading.Event()

    def hold(text: str) -> str:
        free.wait(60)
        return f"Put otherwise: {text}"

    api.reply = hold
    one, other = child(api, tmp_path, 0, 10), child(api, tmp_path, 0, 30)
    go(one)
    wait_for(lambda: len(api.seen) == 8)  # and two more are reserved
    api.reply = lambda text: f"Put otherwise: {text}"
    go(other)
    wait_for(lambda: len(api.answered) == 20)
    time.sleep(0.5)
    assert other.poll() is None and len(api.seen) == 28
    os.kill(one.pid, signal.SIGKILL)
    one.communicate()
    lines, answers = said(other)
    free.set()
    assert answers == replies(0, 30)
    assert len(api.seen) == 38
    assert len(lines) == 1
    assert lines[0].startswith(f"waiting for 10 requests that process {one.pid} asks for (since 20")
    with Journal(tmp_path / "journal.sqlite", max_requests=1000, max_usd=1) as book:
        assert (book.spent().requests, book.spent().answered, book.spent().unknown) == (40, 30, 10)
        assert book.under_way([request_key("openai_compatible", "m", request) for request in requests(0, 30)]) == []


def test_the_lock_of_a_killed_process_goes_with_the_next(api: Any, tmp_path: Path) -> None:
    api.reply = lambda text: time.sleep(60) or text
    one = child(api, tmp_path, 0, 1)
    go(one)
    wait_for(lambda: len(api.seen) == 1)
    os.kill(one.pid, signal.SIGKILL)
    one.communicate()
    assert [path.name for path in sorted(tmp_path.glob("*-asking-*"))] == ["journal.sqlite-asking-1"]
    with Journal(tmp_path / "journal.sqlite", max_requests=1000, max_usd=1) as book:
        book.reserve("another", 0)
        assert [path.name for path in sorted(tmp_path.glob("*-asking-*"))] == ["journal.sqlite-asking-2"]
    assert not list(tmp_path.glob("*-asking-*"))


def journal(folder: Path, **caps: Any) -> Journal:
    return Journal(folder / "journal.sqlite", **{"max_requests": 100, "max_usd": 1.0, **caps})


def test_what_was_answered_since_the_journal_was_read_is_not_reserved(tmp_path: Path) -> None:
    answer = Generation("Hi", "m", 3, 2, "stop")
    with journal(tmp_path) as one, journal(tmp_path) as other:
        assert other.answers(["k"]) == {}
        one.record_answer(one.reserve("k", 0.5), answer, 0.1)
        with pytest.raises(RunError, match="was answered"):
            other.reserve("k", 0.5)
        assert other.spent().requests == 1
        other.reserve("of its own", 0.1)


def test_what_failed_elsewhere_may_be_asked_for(tmp_path: Path) -> None:
    with journal(tmp_path) as one, journal(tmp_path) as other:
        attempt = one.reserve("k", 0.5)
        [held] = other.under_way(["k"])
        assert (held.key, held.process, held.in_job) == ("k", os.getpid(), False)
        with pytest.raises(RunError, match="another process asks for it"):
            other.reserve("k", 0.1)
        one.record_failure(attempt, charged=False)
        assert other.under_way(["k"]) == []
        other.reserve("k", 0.1)


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_two_processes_submit_one_batch_job(
    name: str, api: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two journals, as two processes have them: the second comes while the first is about to submit the job."""
    for key in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(key, "sk-canary")
    monkeypatch.setattr("assay.calls.batches.FIRST_POLL", 0.01)
    monkeypatch.setattr("assay.calls.batches.SETTLE_SECONDS", 0.05)
    url = api.url if name == "anthropic" else f"{api.url}/v1"
    given = SynthSettings(provider=name, model="m", base_url=url, batch=True, batch_poll_seconds=0.02, timeout=5)
    answered: dict[str, list[str | None]] = {}
    arrived, free = threading.Event(), threading.Event()

    def hold(text: str) -> str:
        arrived.set()
        free.wait(60)
        return f"Put otherwise: {text}"

    api.reply = hold

    def ask(who: str, first: int, last: int) -> None:
        with journal(tmp_path) as book:
            caller = Caller(make_provider(given, None), book, Price(1, 1), 3)
            answered[who] = [answer and answer.text for answer in caller.ask(requests(first, last))]

    threads = [threading.Thread(target=ask, args=given) for given in (("one", 0, 6), ("other", 3, 9))]
    threads[0].start()
    assert arrived.wait(60)
    threads[1].start()
    time.sleep(0.5)
    free.set()
    for thread in threads:
        thread.join(60)
    assert answered == {"one": replies(0, 6), "other": replies(3, 9)}
    assert [job.total for job in api.jobs.jobs.values()] == [6, 3]
    assert sorted(api.answered) == [f"text {number}" for number in range(9)]


@dataclass
class Together:
    """A model that answers many requests in one call, as one on this machine does."""

    batch_size: int = 16
    concurrency: int = 1
    name: str = "together"
    model: str = "m"
    calls: list[int] = field(default_factory=list)

    def generate(self, requests: Sequence[GenerationRequest]) -> list[Generation]:
        self.calls.append(len(requests))
        return [Generation(request.messages[0].content or "", "m", 1, 1, "stop") for request in requests]


def test_of_a_call_of_many_requests_no_more_count_against_the_cap_than_were_sent(tmp_path: Path) -> None:
    """As many are sent as fit; those that did not were counted once, and took the room of others."""
    model = Together()
    with journal(tmp_path, max_requests=20) as book:
        answers = Caller(model, book, Price(0, 0), 6).ask(requests(0, 40))
        assert (book.spent().requests, book.spent().answered) == (20, 20)
    assert model.calls == [16, 4]
    assert sum(answer is not None for answer in answers) == 20
    with journal(tmp_path, max_requests=21) as book:
        Caller(model, book, Price(0, 0), 6).ask(requests(0, 40))
        assert (book.spent().requests, book.spent().answered) == (21, 21)
    assert model.calls == [16, 4, 1]


def test_what_was_reserved_and_not_sent_counts_against_no_cap(api: Any, tmp_path: Path) -> None:
    """A key that is refused ends the run; the next calls had been reserved ahead of their turn."""
    api.faults = [401] * 8
    given = SynthSettings(provider="openai_compatible", model="m", base_url=f"{api.url}/v1", concurrency=8)
    with journal(tmp_path) as book:
        with pytest.raises(Exception, match="401"):
            Caller(make_provider(given, None), book, Price(1, 1), 0).ask(requests(0, 40))
        assert book.spent().requests == len(api.seen)

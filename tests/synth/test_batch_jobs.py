"""Batch jobs: nothing is asked twice, nothing that came is lost, and what did not come is asked again alone."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from assay.calls.caller import Caller
from assay.calls.journal import Journal
from assay.errors import ProviderRefusedError
from assay.protocols import GenerationRequest, Price
from assay.records import Message
from assay.synth.provider import make_provider
from assay.synth.settings import SynthSettings

PROVIDERS = ["openai", "anthropic"]
TEXTS = [f"text {number}" for number in range(9)]
REQUESTS = [GenerationRequest((Message("user", text),), 7) for text in TEXTS]
REPLIES = [f"Put otherwise: {text}" for text in TEXTS]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-canary")
    monkeypatch.setattr("assay.calls.batches.FIRST_POLL", 0.01)
    monkeypatch.setattr("assay.calls.batches.SETTLE_SECONDS", 0.05)
    monkeypatch.setattr("assay.calls.backoff.seconds", lambda retry, after: 0.01)


def settings(name: str, url: str, **more: Any) -> SynthSettings:
    base = url if name == "anthropic" else f"{url}/v1"
    return SynthSettings(
        provider=name, model="m", base_url=base, batch=True, batch_poll_seconds=0.02, timeout=5, **more
    )


def journal(path: Path, requests: int = 100, usd: float = 1.0) -> Journal:
    return Journal(path / "journal.sqlite", max_requests=requests, max_usd=usd)


def ask(name: str, api: Any, book: Journal, retries: int = 3) -> list[str | None]:
    caller = Caller(make_provider(settings(name, api.url), None), book, Price(1, 1), retries)
    return [answer and answer.text for answer in caller.ask(REQUESTS)]


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("fate", ["plain", "duplicated", "cut"])
def test_every_request_of_a_job_gets_its_own_answer(name: str, fate: str, api: Any, tmp_path: Path) -> None:
    api.jobs.fates = [fate]
    with journal(tmp_path) as book:
        assert ask(name, api, book) == REPLIES
        assert (book.spent().requests, book.spent().answered) == (9, 9)
        assert book.spent().usd == pytest.approx(9 * 15 / 1e6)
    assert len(api.jobs.jobs) == 1


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize(("fate", "missing"), [("expired", 4), ("partly", 3), ("miscounted", 1)])
def test_only_what_is_missing_is_submitted_again(name: str, fate: str, missing: int, api: Any, tmp_path: Path) -> None:
    api.jobs.fates = [fate]
    with journal(tmp_path) as book:
        assert ask(name, api, book) == REPLIES
        spent = book.spent()
    assert [job.total for job in api.jobs.jobs.values()] == [9, missing]
    assert (spent.requests, spent.answered) == (9 + missing, 9)
    assert spent.unknown == (1 if fate == "miscounted" else 0)


@pytest.mark.parametrize("name", PROVIDERS)
def test_what_will_never_be_answered_is_not_submitted_again(name: str, api: Any, tmp_path: Path) -> None:
    api.jobs.fates = ["invalid"]
    with journal(tmp_path) as book:
        answers = ask(name, api, book)
        assert book.spent().usd == pytest.approx(6 * 15 / 1e6)
    assert [answer for index, answer in enumerate(answers) if index % 3 != 2] == [
        reply for index, reply in enumerate(REPLIES) if index % 3 != 2
    ]
    assert answers[2::3] == [None] * 3
    assert len(api.jobs.jobs) == 1


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_job_whose_id_was_lost_is_found_and_not_submitted_again(name: str, api: Any, tmp_path: Path) -> None:
    api.jobs.fates = ["lost"]
    with journal(tmp_path) as book:
        assert ask(name, api, book) == REPLIES
    assert len(api.jobs.jobs) == 1 and sorted(api.answered) == TEXTS


def test_a_lost_job_is_waited_for_though_it_takes_longer_than_a_call_may(
    api: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ids of Anthropic's requests can be read once the job has ended, which may be a day later."""
    monkeypatch.setattr("assay.synth.wire.batched.JOB_SECONDS", 1.0)
    api.jobs.fates, api.jobs.polls = ["lost"], 60
    with journal(tmp_path) as book:
        assert ask("anthropic", api, book) == REPLIES
    assert len(api.jobs.jobs) == 1 and sorted(api.answered) == TEXTS


def test_a_job_that_is_turned_away_costs_nothing_and_says_why(api: Any, tmp_path: Path) -> None:
    api.jobs.fates = ["turned away"]
    with journal(tmp_path) as book:
        with pytest.raises(ProviderRefusedError, match="model_not_found"):
            ask("openai", api, book)
        assert book.spent().usd == 0 and book.open_batches("openai m") == []


@pytest.mark.parametrize("name", PROVIDERS)
def test_the_caps_bound_a_job(name: str, api: Any, tmp_path: Path) -> None:
    with journal(tmp_path, requests=4) as book:
        answers = ask(name, api, book)
    assert answers == [*REPLIES[:4], *[None] * 5]
    assert [job.total for job in api.jobs.jobs.values()] == [4]


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_server_that_is_down_for_a_while_loses_nothing(name: str, api: Any, tmp_path: Path) -> None:
    api.faults = [500, 429]
    with journal(tmp_path) as book:
        assert ask(name, api, book) == REPLIES
    assert len(api.jobs.jobs) == 1


def test_a_job_in_batches_costs_half(api: Any) -> None:
    from assay.synth.provider import price_of

    live = SynthSettings(provider="openai", model="m", price=Price(2, 8))
    assert price_of(live) == Price(2, 8)
    halved = price_of(SynthSettings(provider="openai", model="m", price=Price(2, 8), batch=True))
    assert (halved.input, halved.output) == (1, 4)


CHILD = """
import json, sys
from pathlib import Path
import assay.calls.batches
from assay.calls.caller import Caller
from assay.calls.journal import Journal
from assay.protocols import GenerationRequest, Price
from assay.records import Message
from assay.synth.provider import make_provider
from assay.synth.settings import SynthSettings

assay.calls.batches.FIRST_POLL, assay.calls.batches.SETTLE_SECONDS = 0.01, 0.2
name, url, folder = sys.argv[1:]
settings = SynthSettings(provider=name, model="m", base_url=url, batch=True, batch_poll_seconds=0.02, timeout=5)
requests = [GenerationRequest((Message("user", f"text {n}"),), 7) for n in range(9)]
provider = make_provider(settings, None)
with Journal(Path(folder) / "journal.sqlite", max_requests=1000, max_usd=1) as book:
    print("ready", flush=True)
    answers = Caller(provider, book, Price(1, 1), 3).ask(requests)
print(json.dumps([answer and answer.text for answer in answers]))
"""


@pytest.mark.parametrize("name", PROVIDERS)
def test_killed_at_any_moment_a_job_is_picked_up_where_it_is(name: str, api: Any, tmp_path: Path) -> None:
    api.jobs.polls = 3
    base = api.url if name == "anthropic" else f"{api.url}/v1"
    command = [sys.executable, "-c", CHILD, name, base, str(tmp_path)]
    chance = random.Random(7)
    for _ in range(4):
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.5))
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == REPLIES
    assert sorted(api.answered) == TEXTS  # each was answered, and paid for, once

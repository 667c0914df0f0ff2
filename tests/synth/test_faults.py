"""Many faults, and many kills: every request is accounted for, and no journalled answer is asked for again."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from assay.calls.caller import Caller
from assay.calls.journal import Journal
from assay.protocols import GenerationRequest, Price
from assay.records import Message
from assay.synth.provider import make_provider
from assay.synth.settings import SynthSettings

MISDEEDS: list[int | str] = [429, 500, 503, 529, 408, 409, "cut", "reset", "not json", "half", "no usage", "list"]


def requests(count: int) -> list[GenerationRequest]:
    return [GenerationRequest((Message("user", f"text {number}"),), 7) for number in range(count)]


def provider(name: str, api: Any) -> Any:
    base = api.url if name == "anthropic" else f"{api.url}/v1"
    return make_provider(SynthSettings(provider=name, model="m", base_url=base, concurrency=16, timeout=30), None)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-canary")
    monkeypatch.setattr("assay.calls.backoff.seconds", lambda retry, after: 0.0)


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_with_one_fault_in_ten_every_request_is_answered_and_every_call_in_the_journal(
    name: str, api: Any, tmp_path: Path
) -> None:
    chance = random.Random(3)
    api.faults = [chance.choice(MISDEEDS) if chance.random() < 0.1 else None for _ in range(1000)]
    with Journal(tmp_path / "journal.sqlite", max_requests=1000, max_usd=1) as book:
        answers = Caller(provider(name, api), book, Price(1, 1), 6).ask(requests(200))
        spent = book.spent()
    assert [answer and answer.text for answer in answers] == [f"Put otherwise: text {n}" for n in range(200)]
    assert spent.requests == len(api.seen) > 200
    assert spent.answered == 200
    paid_for_nothing = sum(count - 1 for count in Counter(api.answered).values())
    assert paid_for_nothing <= spent.unknown  # what was answered and lost on its way stays charged


CHILD = """
import sys
from pathlib import Path
from assay.calls.caller import Caller
from assay.calls.journal import Journal
from assay.protocols import GenerationRequest, Price
from assay.records import Message
from assay.synth.provider import make_provider
from assay.synth.settings import SynthSettings

settings = SynthSettings(provider="openai_compatible", model="m", base_url=sys.argv[1], concurrency=8, timeout=60)
requests = [GenerationRequest((Message("user", f"text {n}"),), 7) for n in range(int(sys.argv[3]))]
provider = make_provider(settings, None)
with Journal(Path(sys.argv[2]) / "journal.sqlite", max_requests=100_000, max_usd=1) as book:
    print("ready", flush=True)
    answers = Caller(provider, book, Price(1, 1), 6).ask(requests)
print("\\n".join(answer.text for answer in answers))
"""


def test_killed_again_and_again_no_journalled_answer_is_asked_for_again(api: Any, tmp_path: Path) -> None:
    def reply(text: str) -> str:
        time.sleep(0.01)
        return f"Put otherwise: {text}"

    api.reply = reply
    command = [sys.executable, "-c", CHILD, f"{api.url}/v1", str(tmp_path), "60"]
    chance = random.Random(5)
    for _ in range(4):
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert child.stdout is not None
        child.stdout.readline()
        before = _answered(tmp_path / "journal.sqlite")
        first = len(api.seen)
        deadline = time.monotonic() + 20
        while len(api.seen) < first + chance.randint(1, 15) and time.monotonic() < deadline and child.poll() is None:
            time.sleep(0.001)
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        asked = {request["body"]["messages"][-1]["content"] for request in api.seen[first:]}
        assert not asked & before
    before, first = _answered(tmp_path / "journal.sqlite"), len(api.seen)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1:] == [f"Put otherwise: text {number}" for number in range(60)]
    assert len(api.seen) - first == 60 - len(before)


def _answered(path: Path) -> set[str]:
    """The prompts whose answers are in the journal."""
    with sqlite3.connect(path) as database:
        rows = database.execute("SELECT text FROM attempts WHERE state = 'answered'").fetchall()
    database.close()
    return {text.removeprefix("Put otherwise: ") for (text,) in rows}


def test_a_journal_of_an_older_assay_is_read_and_its_answers_are_not_asked_for_again(api: Any, tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    from assay.calls.journal import request_key

    [request] = requests(1)
    with sqlite3.connect(path) as database:
        database.executescript(
            "CREATE TABLE attempts (attempt INTEGER PRIMARY KEY, key TEXT NOT NULL, state TEXT NOT NULL, "
            "usd REAL NOT NULL, text TEXT, model TEXT, input_tokens INTEGER, output_tokens INTEGER, stop_reason TEXT, "
            "at TEXT NOT NULL DEFAULT '');"
        )
        key = request_key("openai_compatible", "m", request)
        database.execute(
            "INSERT INTO attempts (key, state, usd, text, model, input_tokens, output_tokens, stop_reason) "
            "VALUES (?, 'answered', 0.25, 'from before', 'm', 1, 1, 'stop')",
            (key,),
        )
    database.close()
    with Journal(path, max_requests=9, max_usd=1) as book:
        [answer] = Caller(provider("openai_compatible", api), book, Price(1, 1), 0).ask([request])
        assert answer is not None and answer.text == "from before"
        assert json.dumps(book.spent().usd) == "0.25" and not api.seen

"""Every answer is accounted for, paid for once, and judged beside what exists."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from assay.calls.caller import Caller, worst_usd
from assay.calls.journal import Journal
from assay.dataset import Dataset
from assay.findings import Fate
from assay.protocols import GenerationRequest, Price
from assay.records import Message
from assay.synth.provider import make_provider
from assay.synth.settings import SynthSettings
from assay.synth.stage import Synthesized, synth


def settings(api: Any, count: int = 5, **more: Any) -> SynthSettings:
    given: dict[str, Any] = {
        "provider": "openai_compatible", "model": "m", "base_url": f"{api.url}/v1", "timeout": 5.0,
        "methods": {"paraphrase": {"count": count}}, **more,
    }  # fmt: skip
    return SynthSettings(**given)


def run(api: Any, seeds: Dataset, audit: Any, path: Path, **more: Any) -> Synthesized:
    chosen = settings(api, **more)
    return synth(seeds, chosen, make_provider(chosen, None), audit, path / "journal.sqlite")


def test_accepted_records_keep_the_answer_and_know_where_they_come_from(
    api: Any, seeds: Dataset, keep_new: Any, tmp_path: Path
) -> None:
    result = run(api, seeds, keep_new, tmp_path)
    by_id = {record.id: record for record in seeds.records()}
    accepted = list(result.data.records())
    assert len(accepted) == 5 and result.stopped is None
    for record in accepted:
        parent = by_id[record.parents[0]]
        assert record.origin == "synthetic"
        assert record.answer == parent.answer
        assert record.messages[0].content == f"Put otherwise: {parent.messages[0].content}"
        assert record.meta["synth"]["model"] == "m"


def test_answers_that_lose_or_invent_a_fact_are_refused_and_counted(
    api: Any, seeds: Dataset, keep_new: Any, tmp_path: Path
) -> None:
    api.reply = lambda text: "Where is the thing?" if "parcel" in text else text + " It is 3 days late."
    result = run(api, seeds, keep_new, tmp_path, count=2)
    assert len(result.data) == 0
    assert set(result.refused) == {"facts"}
    assert result.stopped is not None and "every seed was used" in result.stopped
    assert all(row.fate is Fate.DROPPED for row in result.ledger.rows)
    assert len(result.ledger.rows) == len(api.answered)


def test_a_second_run_asks_nothing_and_gives_the_same_data(
    api: Any, seeds: Dataset, keep_new: Any, tmp_path: Path
) -> None:
    first = run(api, seeds, keep_new, tmp_path)
    asked = len(api.seen)
    second = run(api, seeds, keep_new, tmp_path)
    assert len(api.seen) == asked
    assert second.data.digest == first.data.digest


def test_the_cap_on_requests_stops_it_short_and_keeps_what_there_is(
    api: Any, seeds: Dataset, keep_new: Any, tmp_path: Path
) -> None:
    result = run(api, seeds, keep_new, tmp_path, count=8, max_requests=3)
    assert len(api.seen) == 3 and len(result.data) == 3
    assert result.stopped is not None


def test_the_cap_in_dollars_is_never_passed(api: Any, seeds: Dataset, keep_new: Any, tmp_path: Path) -> None:
    result = run(api, seeds, keep_new, tmp_path, count=8, price=Price(1000.0, 1000.0), max_usd=0.7)
    assert result.spent.usd <= 0.7
    assert 0 < len(api.seen) < 8, result.spent


def test_a_refusal_of_the_server_ends_it_and_what_was_answered_is_kept(
    api: Any, seeds: Dataset, keep_new: Any, tmp_path: Path
) -> None:
    api.faults = [401] * 100
    result = run(api, seeds, keep_new, tmp_path, concurrency=1)
    assert result.stopped is not None and "401" in result.stopped
    assert len(api.seen) == 1


def test_passing_faults_are_retried_through_the_journal(api: Any, seeds: Dataset, tmp_path: Path) -> None:
    api.faults, api.headers = [429, 500, "cut"], {"retry-after": "2"}
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    provider = make_provider(settings(api), None)
    with Journal(tmp_path / "j.sqlite", max_requests=10, max_usd=1) as book:
        caller = Caller(provider, book, Price(1, 1), max_retries=3, sleep=wait)
        [answer] = caller.ask([GenerationRequest((Message("user", "Hello"),), 7)])
        spent = book.spent()
    assert answer is not None and answer.text == "Put otherwise: Hello"
    assert spent.requests == 4 and spent.answered == 1 and spent.unknown == 1
    assert sum(seconds >= 2 for seconds in waits) >= 2


def test_the_worst_cost_bounds_the_actual_one() -> None:
    request = GenerationRequest((Message("user", "añ" * 10),), 50)
    assert worst_usd(request, Price(1e6, 0)) >= 30
    assert worst_usd(request, Price(0, 1e6)) == 50


CHILD = """
import sys
from collections import Counter
from pathlib import Path
from assay.dataset import Dataset
from assay.findings import Fate, Ledger, LedgerRow
from assay.protocols import Judged
from assay.synth.provider import make_provider
from assay.synth.settings import SynthSettings
from assay.synth.stage import synth

def audit(data):
    return Judged(Ledger.of((LedgerRow(r.row_id, r.id, r.source, Fate.KEPT) for r in data.records())), ())

url, folder = sys.argv[1], Path(sys.argv[2])
settings = SynthSettings(provider="openai_compatible", model="m", base_url=url, concurrency=2,
                         methods={"paraphrase": {"count": 24, "per_seed": 3}})
result = synth(Dataset.read_parquet(folder / "seeds.parquet"), settings, make_provider(settings, None), audit,
               folder / "journal.sqlite")
print(result.data.digest)
"""


def test_killed_at_any_moment_it_goes_on_and_asks_for_no_answer_twice(api: Any, seeds: Dataset, tmp_path: Path) -> None:
    def reply(text: str) -> str:
        time.sleep(0.02)
        return f"Put otherwise: {text}"

    api.reply = reply
    digests = {}
    for name, kills in (("undisturbed", 0), ("killed", 2)):
        folder = tmp_path / name
        folder.mkdir()
        seeds.write_parquet(folder / "seeds.parquet")
        command = [sys.executable, "-c", CHILD, f"{api.url}/v1", str(folder)]
        for kill in range(kills):
            before = len(api.seen)
            child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            while len(api.seen) < before + 3 + kill and child.poll() is None:
                time.sleep(0.005)
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
            _settle(api)
        journalled = _answered(folder / "journal.sqlite") if kills else 0
        before = len(api.answered)
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert len(api.answered) - before == 24 - journalled
        digests[name] = done.stdout.strip()
    assert digests["killed"] == digests["undisturbed"]


def _settle(api: Any) -> None:
    """Waits until the server has answered what a killed client had asked."""
    deadline = time.monotonic() + 10
    while len(api.answered) < len(api.seen) and time.monotonic() < deadline:
        time.sleep(0.01)


def _answered(path: Path) -> int:
    with sqlite3.connect(path) as database:
        [count] = database.execute("SELECT count(*) FROM attempts WHERE state = 'answered'").fetchone()
    database.close()
    return int(count)


def test_the_key_is_in_no_file(
    api: Any, seeds: Dataset, keep_new: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-canary-3141")
    run(api, seeds, keep_new, tmp_path, api_key_env="MY_KEY")
    assert any("sk-canary-3141" in str(request["headers"]) for request in api.seen)
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or b"sk-canary-3141" not in path.read_bytes()


def test_seeds_may_be_a_data_frame_or_a_dataset_of_hugging_face(
    api: Any, seeds: Dataset, keep_new: Any, tmp_path: Path
) -> None:
    datasets = pytest.importorskip("datasets")
    frame = seeds.to_pandas()
    plain = datasets.Dataset.from_list(
        [{"prompt": record.messages[0].content, "completion": record.answer} for record in seeds.records()]
    )
    for number, given in enumerate((frame, plain)):
        result = run(api, given, keep_new, tmp_path / str(number), count=2)
        assert len(result.data) == 2
        assert len(result.data.to_pandas()) == 2


def test_a_method_that_stopped_short_is_not_made_up_for_by_the_next(
    api: Any, seeds: Dataset, keep_new: Any, tmp_path: Path
) -> None:
    methods = {
        "paraphrase": {"count": 20, "per_seed": 1},
        "answer": {"count": 3},
        "dialogue": {"count": 20, "turns": 2},
    }
    result = run(api, seeds, keep_new, tmp_path, methods=methods)
    made = Counter(record.meta["synth"]["method"] for record in result.data.records())
    assert made["paraphrase"] == 8 and made["answer"] == 3
    assert result.wanted == 43
    assert result.stopped is not None and "paraphrase: every seed" in result.stopped and "dialogue: " in result.stopped


def test_a_method_that_finds_nothing_to_start_from_says_so(
    api: Any, seeds: Dataset, keep_new: Any, tmp_path: Path
) -> None:
    result = run(api, seeds, keep_new, tmp_path, methods={"restyle": {"count": 2}})
    assert result.stopped == "restyle: there is nothing here for it to start from" and api.seen == []

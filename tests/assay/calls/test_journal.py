"""Nothing is asked twice, and no cap is passed, whatever happens in between."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from assay.calls.journal import KEYS_AT_ONCE, Journal, request_key
from assay.errors import BudgetError, RunError
from assay.protocols import Generation, GenerationRequest
from assay.records import Message

ASK = GenerationRequest((Message("user", "Hello"),), max_tokens=7)
ANSWER = Generation("Hi", "m", 3, 2, "stop")


def journal(path: Path, requests: int = 10, usd: float = 1.0) -> Journal:
    return Journal(path / "journal.sqlite", max_requests=requests, max_usd=usd)


def test_an_answer_outlives_the_process_that_asked(tmp_path: Path) -> None:
    with journal(tmp_path) as book:
        book.record_answer(book.reserve("k", 0.5), ANSWER, 0.1)
    with journal(tmp_path) as book:
        assert book.answer("k") == ANSWER
        assert book.spent().usd == pytest.approx(0.1)


def test_the_answers_of_many_requests_are_found_at_once(tmp_path: Path) -> None:
    with journal(tmp_path) as book:
        book.record_answer(book.reserve("first", 0.1), ANSWER, 0.1)
        book.record_answer(book.reserve("last", 0.1), ANSWER, 0.1)
        book.reserve("in flight", 0.1)
        asked = ["first", *map(str, range(KEYS_AT_ONCE)), "in flight", "last"]
        assert book.answers(asked) == {"first": ANSWER, "last": ANSWER}
        assert book.answers([]) == {}


def test_a_call_in_flight_at_a_crash_stays_charged_as_unknown(tmp_path: Path) -> None:
    with journal(tmp_path) as book:
        book.reserve("k", 0.5)
    with journal(tmp_path) as book:
        assert book.answer("k") is None
        assert book.spent().unknown == 1 and book.spent().usd == 0.5


def test_what_is_in_flight_counts_against_the_cap(tmp_path: Path) -> None:
    with journal(tmp_path) as book:
        book.reserve("a", 0.6)
        with pytest.raises(BudgetError, match="max_usd"):
            book.reserve("b", 0.6)


def test_a_call_that_did_not_run_is_not_charged(tmp_path: Path) -> None:
    with journal(tmp_path) as book:
        book.record_failure(book.reserve("a", 0.6), charged=False)
        book.reserve("b", 0.6)
        assert book.spent().usd == pytest.approx(0.6)


def test_the_cap_on_requests_counts_failures_and_earlier_processes(tmp_path: Path) -> None:
    with journal(tmp_path, requests=2) as book:
        book.record_failure(book.reserve("a", 0), charged=False)
    with journal(tmp_path, requests=2) as book:
        book.reserve("a", 0)
        with pytest.raises(BudgetError, match="2 requests"):
            book.reserve("a", 0)


def test_threads_together_never_pass_the_cap(tmp_path: Path) -> None:
    granted = []

    def worker() -> None:
        for _ in range(20):
            try:
                granted.append(book.reserve("k", 0.01))
            except BudgetError:
                return

    with journal(tmp_path, requests=1000, usd=0.3) as book:
        threads = [threading.Thread(target=worker) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert book.spent().usd <= 0.3
    assert len(granted) in (29, 30)


def test_a_file_that_is_no_journal_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_text("my notes, long enough to be no database header at all" * 20)
    with pytest.raises(RunError, match="not a journal"):
        journal(tmp_path)
    assert (tmp_path / "journal.sqlite").read_text().startswith("my notes")


@pytest.mark.parametrize(
    "other",
    [
        GenerationRequest(ASK.messages, 8),
        GenerationRequest(ASK.messages, 7, temperature=1.0),
        GenerationRequest(ASK.messages, 7, sample=1),
        GenerationRequest(ASK.messages, 7, seed=1),
        GenerationRequest((Message("user", "Hello!"),), 7),
    ],
)
def test_whatever_decides_the_answer_is_part_of_the_key(other: GenerationRequest) -> None:
    assert request_key("p", "m", other) != request_key("p", "m", ASK)
    assert request_key("p", "other", ASK) != request_key("p", "m", ASK)


def test_a_full_disk_is_said_and_what_was_answered_stays(tmp_path: Path) -> None:
    with journal(tmp_path, requests=1000, usd=1000) as book:
        book.record_answer(book.reserve("k", 0.1), ANSWER, 0.1)
        book._database.execute("PRAGMA max_page_count = 8")  # SQLite's own: it meets a full disk there
        with pytest.raises(RunError, match="database or disk is full") as told:
            for number in range(1000):
                book.reserve(f"{number}" * 50, 0.1)
        assert "run the same command again" in str(told.value)
        with pytest.raises(RunError, match="database or disk is full"):
            book.reserve("x" * 100_000, 0.1)
    with journal(tmp_path, requests=2000, usd=1000) as book:
        assert book.answer("k") == ANSWER
        book.reserve("x" * 100_000, 0.1)


def test_a_journal_that_is_in_use_is_not_taken_for_another_kind_of_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who moved it away would pay for all of its answers again."""
    with journal(tmp_path) as book:
        book.record_answer(book.reserve("k", 0.1), ANSWER, 0.1)
    connect = sqlite3.connect
    with closing(connect(tmp_path / "journal.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr(sqlite3, "connect", lambda path, **given: connect(path, **{**given, "timeout": 0.1}))
        with pytest.raises(RunError, match="locked") as told:
            journal(tmp_path)
    assert "move it away" not in str(told.value)

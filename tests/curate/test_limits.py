"""A check that fails or takes too long on a record is a finding, and the next record is looked at all the same."""

from __future__ import annotations

import contextlib
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from assay.curate.check import Check, Context, Decision
from assay.curate.limits import MOST_TIMEOUTS, Watch
from assay.findings import Finding, Severity
from assay.records import Record

Make = Callable[..., Record]


def check_of(function: Callable[..., Iterator[Finding]]) -> Check:
    return Check(function.__name__, function, "record", Severity.ERROR, Decision.HOLD)


def endless(record: Record, context: Context) -> Iterator[Finding]:
    while record.answer == "slow":
        with contextlib.suppress(Exception):  # what careless checks do
            sum(range(1000))
    yield Finding.about(record, "endless", Severity.ERROR, "looked at")


def backtracking(record: Record, context: Context) -> Iterator[Finding]:
    if re.match(r"(a+)+$", record.answer):
        yield Finding.about(record, "backtracking", Severity.ERROR, "matched")


def raising(record: Record, context: Context) -> Iterator[Finding]:
    raise ValueError("no\nway")
    yield


def test_a_check_that_hangs_is_stopped_and_goes_on_with_the_next_record(make: Make) -> None:
    started = time.perf_counter()
    with Watch(0.2) as watch:
        slow = watch.run(check_of(endless), {}, make("q", "slow"), Context([]))
        quick = watch.run(check_of(endless), {}, make("q", "quick"), Context([]))
    assert time.perf_counter() - started < 2
    assert [(f.check, f.evidence) for f in slow] == [("check_failed", {"failed": "endless", "timeout": True})]
    assert [f.check for f in quick] == ["endless"]


def test_a_pattern_that_backtracks_is_stopped(make: Make) -> None:
    with Watch(0.2) as watch:
        found = watch.run(check_of(backtracking), {}, make("q", "a" * 60 + "b"), Context([]))
    assert "took longer than 0.2 s" in found[0].message


def test_a_check_that_raises_is_one_line(make: Make) -> None:
    with Watch() as watch:
        found = watch.run(check_of(raising), {}, make("q", "a"), Context([]))
    assert [f.message for f in found] == ["the check raising failed on this record: ValueError: no way"]


def test_a_check_that_is_always_too_slow_is_given_up(make: Make) -> None:
    with Watch(0.02) as watch:
        for _ in range(MOST_TIMEOUTS):
            watch.run(check_of(endless), {}, make("q", "slow"), Context([]))
        started = time.perf_counter()
        found = watch.run(check_of(endless), {}, make("q", "slow"), Context([]))
    assert time.perf_counter() - started < 0.02
    assert "was not asked" in found[0].message


def test_many_quick_records_are_never_too_slow_together(make: Make) -> None:
    record, context = make("q", "quick"), Context([])
    with Watch(0.1) as watch:
        deadline = time.perf_counter() + 0.4
        while time.perf_counter() < deadline:
            assert [f.check for f in watch.run(check_of(endless), {}, record, context)] == ["endless"]


def test_a_wait_between_two_records_is_no_failure(make: Make) -> None:
    with Watch(0.05) as watch:
        watch.run(check_of(endless), {}, make("q", "quick"), Context([]))
        time.sleep(0.2)
        assert [f.check for f in watch.run(check_of(endless), {}, make("q", "quick"), Context([]))] == ["endless"]


def test_in_a_thread_the_time_is_measured_and_reported(make: Make) -> None:
    def sleepy(record: Record, context: Context) -> Iterator[Finding]:
        time.sleep(0.05)
        yield Finding.about(record, "sleepy", Severity.ERROR, "looked at")

    found: list[Finding] = []

    def work() -> None:
        with Watch(0.01) as watch:
            found.extend(watch.run(check_of(sleepy), {}, make("q", "a"), Context([])))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert [f.check for f in found] == ["sleepy", "check_failed"]


def test_the_handler_that_was_there_is_put_back(make: Make) -> None:
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(KeyError), Watch(0.1):
        raise KeyError
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def sometimes(record: Record, context: Context) -> Iterator[Finding]:
    yield Finding.about(record, "sometimes", Severity.ERROR, record.answer)
    if record.answer == "raises":
        raise ValueError("no")
    while record.answer == "hangs":
        with contextlib.suppress(Exception):
            sum(range(1000))


def test_many_records_are_looked_at_as_one_by_one(make: Make) -> None:
    answers = ["a", "raises", "hangs", "b", "raises", "c"]
    records = [(10 + number, make("q", answer)) for number, answer in enumerate(answers)]
    with Watch(0.2) as watch:
        together = watch.over(check_of(sometimes), {}, records, Context([]))
        alone = [(n, f) for n, record in records for f in watch.run(check_of(sometimes), {}, record, Context([]))]
    assert [(n, f.message) for n, f in together] == [(n, f.message) for n, f in alone]
    assert [n for n, _ in together] == [10, 11, 12, 13, 14, 15]


def test_outside_the_main_thread_they_are_looked_at_as_well(make: Make) -> None:
    found: list[tuple[int, Finding]] = []
    records = [(0, make("q", "a")), (1, make("q", "raises"))]

    def look() -> None:
        with Watch(0.2) as watch:
            found.extend(watch.over(check_of(sometimes), {}, records, Context([])))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert [(n, f.check) for n, f in found] == [(0, "sometimes"), (1, "check_failed")]

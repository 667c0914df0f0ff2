"""A line a suite and model, and one every ten seconds of a long suite, with an estimate once there is one."""

from __future__ import annotations

import pytest

from assay.evaluate import progress
from assay.evaluate.progress import Progress


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress.time, "monotonic", made.monotonic)
    return made


def test_the_end_of_each_part_is_said(clock: Clock) -> None:
    said: list[str] = []
    shown = Progress(200, said.append, started=clock.now, last_said=clock.now)
    done = shown.part("base", "support", 10, 100)
    clock.now += 2
    done(4)
    assert said == []
    done(6)
    assert said == ["evaluate: base      support 10/10"]


def test_a_long_part_says_every_ten_seconds_how_far_it_is_and_what_is_left(clock: Clock) -> None:
    said: list[str] = []
    shown = Progress(400, said.append, started=clock.now, last_said=clock.now)
    done = shown.part("candidate", "facts", 100, 200)
    for _ in range(4):
        clock.now += 6
        done(10)
    assert said == [
        "evaluate: candidate facts 20/100, 2 min left",
        "evaluate: candidate facts 40/100, 2 min left",
    ]
    clock.now += 6
    done(60)
    assert said[-1] == "evaluate: candidate facts 100/100, 30 s left"


def test_answers_that_were_there_count_as_done_and_not_as_fast(clock: Clock) -> None:
    said: list[str] = []
    shown = Progress(1000, said.append, started=clock.now, last_said=clock.now)
    shown.skip(800)
    clock.now += 10
    shown.part("base", "facts", 10, 100)(10)
    assert said == ["evaluate: base      facts 10/10, 10 s left"]

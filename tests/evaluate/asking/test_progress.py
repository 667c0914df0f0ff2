"""A line a suite and model, and one every ten seconds of a long suite, with an estimate once there is one; on a
terminal one line that is rewritten."""

from __future__ import annotations

import pytest

from assay.evaluate.asking import progress
from assay.evaluate.asking.progress import Progress, StatusLine


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
    part = Progress({"support": 200}, said.append).part("base", "support", 10, 100)
    clock.now += 2
    part.done(4)
    assert said == []
    part.done(6)
    assert said == ["evaluate: base      support 10/10"]


def test_a_long_part_says_every_ten_seconds_how_far_it_is_and_what_is_left(clock: Clock) -> None:
    said: list[str] = []
    part = Progress({"facts": 400}, said.append).part("candidate", "facts", 100, 200)
    for _ in range(4):
        clock.now += 6
        part.done(10)
    assert said == [
        "evaluate: candidate facts 20/100, 2 min left",
        "evaluate: candidate facts 40/100, 2 min left",
    ]
    clock.now += 6
    part.done(60)
    assert said[-1] == "evaluate: candidate facts 100/100, 30 s left"


def test_what_is_left_of_the_suite_stands_beside_what_is_left_in_all(clock: Clock) -> None:
    said: list[str] = []
    shown = Progress({"facts": 400, "support": 600}, said.append)
    part = shown.part("base", "facts", 100, 200)
    clock.now += 20
    part.done(100)
    assert said == ["evaluate: base      facts 100/100, 20 s left, 80 s in all"]
    clock.now += 20
    shown.part("candidate", "facts", 100, 200).done(100)
    assert said[-1] == "evaluate: candidate facts 100/100, 0 s left, 60 s in all"


def test_answers_that_were_there_count_as_done_and_not_as_fast(clock: Clock) -> None:
    said: list[str] = []
    part = Progress({"facts": 1000}, said.append).part("base", "facts", 100, 900)
    part.found(80)
    clock.now += 10
    part.done(20)
    assert said == ["evaluate: base      facts 100/100 (80 answered before), 6 s left"]


def test_a_terminal_shows_one_line_that_moves_and_keeps_the_ends(clock: Clock) -> None:
    said: list[str] = []
    drawn: list[str] = []
    part = Progress({"facts": 100}, said.append, drawn.append).part("base", "facts", 100, 100)
    for _ in range(100):
        clock.now += 0.15
        part.done(1)
    assert 40 < len(drawn) <= 50 and drawn[0].startswith("evaluate: base      facts 2/100")
    assert drawn[-1].endswith("left") and said == ["evaluate: base      facts 100/100, 0 s left"]


def test_the_line_of_a_terminal_is_wiped_before_anything_else_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    written: list[str] = []
    line = StatusLine(written.append)
    line.clear()
    assert written == []
    line.show("evaluate: base facts 10/100")
    line.clear()
    line.clear()
    assert written == ["\r\x1b[2Kevaluate: base fact", "\r\x1b[2K"]

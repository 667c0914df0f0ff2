"""A run that stands still says so while it does, once, and a run that moves does not."""

from __future__ import annotations

import time

from assay.train.watching.heartbeat import Heartbeat


def test_silence_is_said_once_until_it_is_twice_as_long() -> None:
    said: list[str] = []
    heart = Heartbeat(said.append, least=0.3)
    heart.start()
    time.sleep(0.55)
    heart.stop()
    assert len(said) == 1
    assert said[0].startswith("warning: nothing was finished for") and "Ctrl-C loses no more than" in said[0]


def test_a_run_that_moves_is_left_alone() -> None:
    said: list[str] = []
    heart = Heartbeat(said.append, least=2.0)
    heart.start()
    for _ in range(10):
        time.sleep(0.05)
        heart.beat()
    heart.stop()
    assert said == []

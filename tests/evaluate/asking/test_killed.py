"""kill -9 at any instant: the same command goes on, and no answer that was kept is asked for again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DRIVER = """
import json, os, signal, sys, time
from pathlib import Path

from assay.cli import main
from assay.evaluate.asking.domain_suite import DomainSuite
from assay.evaluate.asking.parts import PartStore
from assay.evaluate import stage
from assay.evaluate.models import causal_model, lm_eval_model, switched_model
import peft, transformers, pyarrow.parquet

log = os.open("log.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
answer, put = DomainSuite.answer, PartStore.put

def note(**said):
    os.write(log, (json.dumps(said) + "\\n").encode())

def noting_answer(self, lm, numbers, done):
    note(event="asked", suite=self.name, numbers=list(numbers))
    answers = answer(self, lm, numbers, done)
    time.sleep(0.03)
    return answers

def noting_put(self, key, answers):
    put(self, key, answers)
    note(event="kept", key=key, items=len(answers))

DomainSuite.answer, PartStore.put = noting_answer, noting_put
arguments, moments = sys.argv[2:], json.loads(sys.argv[1])
for moment in [*moments, None]:
    asked_before = Path("log.jsonl").read_text().count("asked")
    child = os.fork()
    if not child:
        out = os.open("child.txt", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.dup2(out, 1), os.dup2(out, 2)
        try:
            main(arguments)
        except SystemExit as ended:
            os._exit(int(ended.code or 0))
        os._exit(99)
    while moment is not None and Path("log.jsonl").read_text().count("asked") <= asked_before:
        time.sleep(0.002)
    if moment is not None:
        time.sleep(moment)
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    note(event="ended", code=code)
    if code == 0:
        break
"""

ROWS = [{"id": f"i{n}", "prompt": f"cat {n * 13} " * (1 + n % 5), "reference": "e"} for n in range(120)]


@pytest.fixture
def driver(
    tiny_model: Path, tiny_adapter: Path, make_suite: Callable[..., Path], tmp_path: Path
) -> Callable[..., list[dict[str, Any]]]:
    """Kills `assay evaluate` so many seconds after it first asks, for each of the moments, and then lets it end, if it
    had not ended before one of them.

    Gives what was asked, what was kept and how each process ended.
    """
    make_suite("choices", [row | {"choices": ["e", "no"]} for row in ROWS], scorer="multiple_choice")
    make_suite("free", ROWS[:40], scorer="contains", max_new_tokens=3)

    def run(store: str, moments: list[float], *more: str) -> list[dict[str, Any]]:
        (tmp_path / "log.jsonl").write_text("")
        arguments = [
            "evaluate", "--model", tiny_model, "--adapter", tiny_adapter, "--store", store, "--suite", "choices.yaml",
            "--suite", "free.yaml", "evaluate.batch_tokens=64", "evaluate.damaged_items=20",
            "evaluate.slightly_damaged_items=0", *more,
        ]  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", DRIVER, json.dumps(moments), *map(str, arguments)],
            cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]

    return run


def result(store: Path) -> tuple[bytes, dict[str, Any]]:
    (run,) = (store / "runs").glob("evaluate-*")
    assert json.loads((run / "manifest.json").read_text())["outcome"] == "done"
    return (run / "items.parquet").read_bytes(), json.loads((run / "evaluation.json").read_text())


def test_no_answer_that_was_kept_is_asked_for_again(driver: Callable[..., Any], tmp_path: Path) -> None:
    whole = driver("whole", [])
    planned = sum(len(event["numbers"]) for event in whole if event["event"] == "asked")
    assert planned == 120 + 120 + 20 + 20 + 40 + 40 + 20 + 20
    moments = [0.0, 0.01, 0.2, 0.5, 0.04, 0.9]
    events = driver("killed", moments)
    kept = Counter(event["key"] for event in events if event["event"] == "kept")
    asked = [len(event["numbers"]) for event in events if event["event"] == "asked"]
    killed = [event["code"] for event in events if event["event"] == "ended"].count(-9)
    assert killed >= 4, "on this machine it had ended before most of the moments"
    assert set(kept) == {event["key"] for event in whole if event["event"] == "kept"}
    assert max(kept.values()) == 1, "an answer was asked for, and kept, twice"
    lost = sum(asked) - planned
    assert 0 < lost <= killed * max(asked), "more than the chunk in flight was asked for again"
    items, header = result(tmp_path / "killed")
    assert items == result(tmp_path / "whole")[0]
    assert header == result(tmp_path / "whole")[1]


def test_early_stopping_goes_on_at_the_look_it_had_reached(driver: Callable[..., Any], tmp_path: Path) -> None:
    policy = "version: 1\nsuites: {free: {role: domain}, choices: {role: general}}\n"
    (tmp_path / "policy.yaml").write_text(policy)
    whole = driver("whole", [], "--stop-early")
    events = driver("killed", [0.3, 0.8], "--stop-early")
    kept = Counter(event["key"] for event in events if event["event"] == "kept")
    ended = [event["code"] for event in events if event["event"] == "ended"]
    assert ended[0] == -9 and ended[-1] == 0
    assert set(kept) == {event["key"] for event in whole if event["event"] == "kept"} and max(kept.values()) == 1
    items, header = result(tmp_path / "killed")
    assert (items, header) == result(tmp_path / "whole") and header["settings"]["stopping"]["look"] > 1

"""Renders chat templates in a process of their own, which is killed when one takes too long.

`Renderer` keeps that process alive over many renders and starts another after a kill, so that a record costs
tens of microseconds of talk and a hostile template costs its time limit, a few times at most.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import IO, Any

SECONDS = 2.0
"""A conversation takes a template less than a thousandth of that; a check may take ten seconds over a record."""

MOST_EXTRA_SECONDS = 4.0
CHARACTERS_A_SECOND = 4_000_000
"""Long conversations have a little longer: they have to be sent, rendered and sent back."""

STARTUP_SECONDS = 60.0
MAX_CHARACTERS = 4_000_000
STARVED = 10
"""Limits are processor time where the system tells it: on a busy machine a good template would be refused by the clock.
A worker that has had no turn for so many times its limit is given up."""

KILLS_BEFORE_REFUSAL = 2


class TemplateProblem(Exception):  # noqa: N818 - a verdict on template and conversation, which checks report
    """What a chat template does wrong with one conversation.

    check    the check that reports it: "template_renders", "prompt_prefix", "system_dropped", ...
    kind     finer: "syntax", "refused", "security", "time", "memory", "output", ...
    message  for people, without the place
    """

    def __init__(self, check: str, kind: str, message: str) -> None:
        super().__init__(message)
        self.check, self.kind, self.message = check, kind, message


@dataclass(frozen=True, slots=True)
class Rendering:
    """generation_spans are character ranges that the template marked with {% generation %}."""

    text: str
    generation_spans: tuple[tuple[int, int], ...] = ()


Words = tuple[tuple[str, frozenset[int]], ...]
"""Words, and the numbers of the contents to which each matters."""


@dataclass(frozen=True, slots=True)
class Watched:
    """Renderings of stand-ins, which other contents share that answer the same to the template's questions.

    contained  contents that must not contain a word
    within     contents that must not be a part of it
    outer      contents that must neither begin nor end in one of its characters
    folded     contents that must not contain it in small letters
    numbers    contents that must not be a number
    distinct   pairs of contents that must not be the same
    opaque     what the template asks and no condition answers, or ""
    names      all variables that stand in the template
    """

    results: tuple[Rendering | TemplateProblem, ...]
    contained: Words
    within: Words
    outer: Words
    folded: Words
    numbers: frozenset[int]
    distinct: tuple[tuple[int, int], ...]
    opaque: str
    names: frozenset[str]


@dataclass
class Renderer:
    """One worker process. Safe to call from several threads and after a fork.

    seconds  limit of one call of `render_many`, in processor time where that can be told, and a little more for long
             conversations
    now      what `strftime_now` tells every template, so that prompts and training texts agree
    """

    seconds: float = SECONDS
    now: datetime = field(default_factory=datetime.now)
    _worker: _Worker | None = None
    _kills: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def render(self, template: str, variables: Mapping[str, Any]) -> Rendering:
        """Raises TemplateProblem."""
        result = self.render_many(template, [variables])[0]
        if isinstance(result, TemplateProblem):
            raise result
        return result

    def render_many(self, template: str, renders: Sequence[Mapping[str, Any]]) -> list[Rendering | TemplateProblem]:
        """Each set of variables (messages, tools, add_generation_prompt, special tokens, ...) rendered.

        When the time limit strikes, the renders are tried one by one, so that only the culprit pays.
        """
        with self._lock:
            return self._render_many(template, renders)

    def _render_many(self, template: str, renders: Sequence[Mapping[str, Any]]) -> list[Rendering | TemplateProblem]:
        if not renders:
            return []
        if self._kills.get(template, 0) >= KILLS_BEFORE_REFUSAL:
            return [_problem("time", "the template was killed before and is not rendered again")] * len(renders)
        answer = self._ask({"template": template, "renders": renders})
        if answer is not None:
            return [_result(item) for item in answer]
        if len(renders) > 1:
            return [result for variables in renders for result in self._render_many(template, [variables])]
        self._kills[template] = self._kills.get(template, 0) + 1
        return [_problem("time", f"the template did not end within {self.seconds:g} s, or crashed, and was killed")]

    def watch(self, template: str, renders: Sequence[Mapping[str, Any]]) -> Watched | None:
        """Sets of variables with stand-ins in place of contents, rendered; and what the template asked about those.

        None where that cannot be had.
        """
        with self._lock:
            answer = self._ask({"template": template, "renders": renders, "watched": True})
        if not answer or "opaque" not in answer[-1]:
            return None
        *results, asked = answer
        contained, within, outer, folded = (
            tuple((word, frozenset(numbers)) for word, numbers in asked[name])
            for name in ("contained", "within", "outer", "folded")
        )
        return Watched(
            tuple(map(_result, results)),
            contained,
            within,
            outer,
            folded,
            numbers=frozenset(asked["numbers"]),
            distinct=tuple((one, other) for one, other in asked["distinct"]),
            opaque=asked["opaque"],
            names=frozenset(asked["names"]),
        )

    def _ask(self, what: Mapping[str, Any]) -> list[dict[str, Any]] | None:
        """The worker's answer, or None when it had to be killed."""
        request = {**what, "now": self.now.isoformat(), "max_characters": MAX_CHARACTERS}
        body = json.dumps(request, default=str)
        seconds = self.seconds + min(MOST_EXTRA_SECONDS, len(body) / CHARACTERS_A_SECOND)
        try:
            if self._worker is None or self._worker.owner != os.getpid():
                self._worker = _Worker.start()
                self._worker.ask(json.dumps({"renders": [], "seconds": STARTUP_SECONDS}), STARTUP_SECONDS)
            answer = self._worker.ask(f'{{"seconds": {seconds}, {body[1:]}', seconds)
        except BaseException:  # whoever interrupts leaves an answer behind, which would be taken for the next one
            self._kill()
            raise
        if answer is None:
            self._kill()
            return None
        results: list[dict[str, Any]] = json.loads(answer)
        return results

    def _kill(self) -> None:
        if self._worker is not None and self._worker.owner == os.getpid():
            self._worker.kill()
        self._worker = None

    def close(self) -> None:
        """Ends the worker; the next render starts another."""
        with self._lock:
            self._kill()


@dataclass
class _Worker:
    process: subprocess.Popen[str]
    answers: queue.Queue[str | None]
    owner: int

    @classmethod
    def start(cls) -> _Worker:
        process = subprocess.Popen(
            [sys.executable, "-m", "assay.chat_templates.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            env=_clean_environment(),
        )
        answers: queue.Queue[str | None] = queue.Queue()
        assert process.stdout is not None
        threading.Thread(target=_pump, args=(process.stdout, answers), daemon=True).start()
        return cls(process, answers, os.getpid())

    def ask(self, request: str, seconds: float) -> str | None:
        """None when it has worked for so many seconds without an answer, or has ended.

        On a busy machine it may have had no turn for that long: it is given up after ten times the limit then.
        """
        assert self.process.stdin is not None
        before, given_up = _processor_seconds(self.process.pid), time.monotonic() + STARVED * seconds
        try:
            self.process.stdin.write(request + "\n")
            self.process.stdin.flush()
            wait = seconds
            while True:
                with contextlib.suppress(queue.Empty):
                    return self.answers.get(timeout=wait)
                now = _processor_seconds(self.process.pid)
                wait = 0.0 if before is None or now is None else seconds - (now - before)
                if wait <= 0 or time.monotonic() >= given_up:
                    return None
                wait = max(wait, 0.05)
        except BrokenPipeError:
            return None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _processor_seconds(process: int) -> float | None:
    """What a process has used so far; None where the system does not tell it as Linux does."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return None


def _pump(pipe: IO[str], answers: queue.Queue[str | None]) -> None:
    """Lines to the queue, so that waiting for one can have a limit on every system."""
    with contextlib.suppress(ValueError, OSError):
        for line in pipe:
            answers.put(line)
    answers.put(None)


def _clean_environment() -> dict[str, str]:
    """What Python needs to start and find assay; no key, token or proxy password goes along."""
    kept = ("PATH", "PYTHONHOME", "SYSTEMROOT", "TMPDIR", "TZ", "VIRTUAL_ENV")
    places = [place for place in sys.path if place]
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "PYTHONPATH": os.pathsep.join(places),
        "PYTHONIOENCODING": "utf-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _result(item: Mapping[str, Any]) -> Rendering | TemplateProblem:
    if "text" in item:
        return Rendering(item["text"], tuple((start, end) for start, end in item["spans"]))
    return _problem(item["kind"], item["message"])


def _problem(kind: str, message: str) -> TemplateProblem:
    return TemplateProblem("template_renders", kind, message)


@cache
def shared_renderer() -> Renderer:
    """The renderer of this process."""
    renderer = Renderer()
    atexit.register(renderer.close)
    return renderer

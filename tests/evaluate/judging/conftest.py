"""A judge on loopback: a server of OpenAI's chat completions with a taste of its own, which fails on request."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from assay.evaluate.gate.policy import Policy
from assay.evaluate.identity import Models
from assay.evaluate.judging.providers import judges
from assay.evaluate.settings import EvaluateSettings
from assay.evaluate.stage import evaluate
from assay.suites import read_suite

Taste = Callable[[dict[str, Any]], str]


def longer(shown: dict[str, Any]) -> str:
    """The longer answer wins; alone, an answer is graded by its length."""
    if "answer" in shown:
        return json.dumps({"reason": "long", "grade": 1 + min(4, len(shown["answer"]) // 8)})
    one, two = len(shown["answer 1"]), len(shown["answer 2"])
    return json.dumps({"reason": "length", "better": "tie" if one == two else "1" if one > two else "2"})


def first(shown: dict[str, Any]) -> str:
    return json.dumps({"reason": "it came first", "better": "1"})


@dataclass
class JudgeServer:
    """faults are taken first, one a request: an HTTP status, "cut" or "not json"."""

    url: str = ""
    taste: Taste = longer
    faults: list[int | str] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def scorer(self, **settings: Any) -> dict[str, Any]:
        return {
            "name": "llm_judge",
            "provider": "openai_compatible",
            "model": "judge-1",
            "base_url": self.url,
            "api_key_env": "JUDGE_KEY",
            "max_retries": 2,
        } | settings


def _handler(server: JudgeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with server.lock:
                server.asked.append(body)
                fault = server.faults.pop(0) if server.faults else None
            if isinstance(fault, int):
                self._send(fault, json.dumps({"error": {"message": "sk-canary", "code": "fault"}}))
            elif fault == "cut":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b'{"choices": [')
                self.close_connection = True
            elif fault == "not json":
                self._send(200, "<html>busy</html>")
            else:
                self._answer(body)

        def _answer(self, body: dict[str, Any]) -> None:
            text = server.taste(json.loads(body["messages"][-1]["content"]))
            choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
            answer = {
                "id": "c", "object": "chat.completion", "created": 0, "model": body["model"], "choices": [choice],
                "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
            }  # fmt: skip
            self._send(200, json.dumps(answer))

        def _send(self, status: int, body: str) -> None:
            data = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            return

    return Handler


@contextmanager
def serving() -> Iterator[JudgeServer]:
    state = JudgeServer()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    state.url = f"http://127.0.0.1:{http.server_port}/v1"
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield state
    http.shutdown()
    http.server_close()


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Iterator[JudgeServer]:
    monkeypatch.setenv("JUDGE_KEY", "sk-of-the-test")
    monkeypatch.setattr("assay.calls.backoff.seconds", lambda retry, after: 0.0)
    with serving() as state:
        yield state


@pytest.fixture
def other_judge() -> Iterator[JudgeServer]:
    """Another server, with a model of the same name."""
    with serving() as state:
        yield state


@pytest.fixture
def evaluated(target: Any, tiny_adapter: Path, tmp_path: Path) -> Callable[..., Any]:
    """evaluated(path, say=..., policy=...) -> the evaluation; answers and journal go below tmp_path / ".assay" """

    def run(path: Path, say: Callable[[str], None] = lambda _: None, policy: Policy | None = None, **given: Any) -> Any:
        store = tmp_path / ".assay"
        settings = EvaluateSettings(suites=(str(path),), damaged_items=5, zero_items=3, **given)
        return evaluate(
            Models(target, tiny_adapter),
            [read_suite(path)],
            settings,
            answers_folder=store / "answers",
            judges=judges(store),
            policy=policy,
            say=say,
        )

    return run

"""An API server on loopback that speaks OpenAI's and Anthropic's protocols and misbehaves on request."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from assay.dataset import Dataset
from assay.findings import Fate, Ledger, LedgerRow
from assay.protocols import Judged
from assay.records import Message, Record, Source, record_id, row_id


@dataclass
class ApiServer:
    """faults are taken first, one a request: an HTTP status, "cut", "not json" or "no usage"."""

    url: str = ""
    faults: list[int | str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    reply: Callable[[str], str] = lambda text: f"Put otherwise: {text}"
    seen: list[dict[str, Any]] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def _handler(server: ApiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with server.lock:
                server.seen.append({"path": self.path, "headers": dict(self.headers), "body": body})
                fault = server.faults.pop(0) if server.faults else None
            if isinstance(fault, int):
                self._send(fault, {"error": {"type": "fault", "code": "fault", "message": "key sk-canary refused"}})
            elif fault == "cut":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b'{"choices": [')
                self.close_connection = True
            elif fault == "not json":
                self._send(200, "<html>busy</html>")
            else:
                self._answer(body, with_usage=fault != "no usage")

        def _answer(self, body: dict[str, Any], *, with_usage: bool) -> None:
            asked = body["messages"][-1]["content"]
            text = server.reply(asked.partition("Message: ")[2] or asked)
            with server.lock:
                server.answered.append(asked)
            if self.path.endswith("/messages"):
                answer: dict[str, Any] = {
                    "id": "m", "type": "message", "role": "assistant", "model": body["model"],
                    "stop_reason": "end_turn", "content": [{"type": "text", "text": text}], "stop_sequence": None,
                    "usage": {"input_tokens": 10, "output_tokens": 5},
                }  # fmt: skip
            else:
                answer = {
                    "id": "c", "object": "chat.completion", "created": 0, "model": body["model"],
                    "choices": [
                        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
                    ],
                    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
                }  # fmt: skip
            if not with_usage:
                del answer["usage"]
            self._send(200, answer)

        def _send(self, status: int, body: Any) -> None:
            data = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in server.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            return

    return Handler


@pytest.fixture
def api() -> Iterator[ApiServer]:
    state = ApiServer()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    state.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    yield state
    http.shutdown()
    http.server_close()


def seed_record(number: int, prompt: str, answer: str = "Yes.") -> Record:
    messages = (Message("user", prompt), Message("assistant", answer))
    return Record(record_id(messages), row_id("seeds", number), messages, Source("seeds.jsonl", number + 1, number))


@pytest.fixture
def seeds() -> Dataset:
    things = ["parcel", "refund", "invoice", "thermostat", "sensor", "valve", "account", "subscription"]
    return Dataset.from_records(
        seed_record(number, f"Where is the {thing} of my order BW-{number}17?") for number, thing in enumerate(things)
    )


@pytest.fixture
def keep_new() -> Callable[[Dataset], Judged]:
    """A judge that drops exact copies and keeps the rest; curate's own is tried in tests/test_pipeline.py."""

    def audit(data: Dataset) -> Judged:
        seen: set[str] = set()
        rows = []
        for record in data.records():
            fate = Fate.DROPPED if record.id in seen else Fate.KEPT
            reasons = ("exact_duplicate",) if record.id in seen else ()
            rows.append(LedgerRow(record.row_id, record.id, record.source, fate, reasons))
            seen.add(record.id)
        return Judged(Ledger.of(rows), ())

    return audit

"""An API server on loopback that speaks OpenAI's and Anthropic's protocols, batch jobs included, and misbehaves on
request."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.synth.batch_jobs import Jobs


@dataclass(frozen=True)
class Refusal:
    """A fault with a body and headers of its own."""

    status: int
    code: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class ApiServer:
    """faults are taken first, one a request: an HTTP status, a Refusal, or the name of one of `Handler`'s misdeeds.

    seen      every request, as it came
    answered  the text of every prompt that was answered, and so paid for, those of batch jobs among them
    tokens    (input, output) that an answer says it used
    """

    url: str = ""
    faults: list[int | str | Refusal | None] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    reply: Callable[[str], str] = lambda text: f"Put otherwise: {text}"
    seen: list[dict[str, Any]] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    tokens: tuple[int, int] = (10, 5)
    cached: int = 0
    jobs: Jobs = field(default_factory=Jobs)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """What the model says, in the protocol of the path."""
        messages = body.get("messages") or body.get("input")
        asked = _text(messages[-1].get("content") or messages[-1].get("output") or "")
        text = self.reply(asked.partition("Message: ")[2] or asked)
        with self.lock:
            self.answered.append(asked)
        if "messages" in path or path.endswith((":rawPredict", "/invoke")):
            return self._message(body, text)
        return self._response(body, text) if path.endswith("/responses") else self._completion(body, text)

    def _completion(self, body: dict[str, Any], text: str) -> dict[str, Any]:
        schema = body.get("response_format", {}).get("json_schema", {}).get("schema")
        content = _structured(schema, text) if schema else text
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
        usage = {"prompt_tokens": self.tokens[0], "completion_tokens": self.tokens[1], "total_tokens": sum(self.tokens)}
        details = {"prompt_tokens_details": {"cached_tokens": self.cached}}
        return {
            "id": "c", "object": "chat.completion", "created": 0, "model": body.get("model", "m"),
            "choices": [choice], "usage": {**usage, **details},
        }  # fmt: skip

    def _response(self, body: dict[str, Any], text: str) -> dict[str, Any]:
        schema = body.get("text", {}).get("format", {}).get("schema")
        part = {"type": "output_text", "text": _structured(schema, text) if schema else text, "annotations": []}
        usage = {"input_tokens": self.tokens[0], "output_tokens": self.tokens[1], "total_tokens": sum(self.tokens)}
        return {
            "id": "r", "object": "response", "created_at": 0, "model": body["model"], "status": "completed",
            "output": [
                {"type": "reasoning", "id": "rs", "summary": []},
                {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [part]},
            ],
            "usage": {**usage, "input_tokens_details": {"cached_tokens": self.cached}},
        }  # fmt: skip

    def _message(self, body: dict[str, Any], text: str) -> dict[str, Any]:
        block: dict[str, Any] = {"type": "text", "text": text}
        reason = "end_turn"
        if "tool_choice" in body:
            [tool] = body["tools"]
            given = json.loads(_structured(tool["input_schema"], text))
            block, reason = {"type": "tool_use", "id": "t", "name": tool["name"], "input": given}, "tool_use"
        usage = {"input_tokens": self.tokens[0] - self.cached, "output_tokens": self.tokens[1]}
        return {
            "id": "m", "type": "message", "role": "assistant", "model": body.get("model", "m"),
            "stop_reason": reason, "stop_sequence": None, "content": [block],
            "usage": {**usage, "cache_read_input_tokens": self.cached, "cache_creation_input_tokens": 0},
        }  # fmt: skip


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(block.get("text", "") for block in content)


def _structured(schema: dict[str, Any], text: str) -> str:
    """An object of the schema: what is JSON already as it is, else the text under the first key."""
    return text if text.startswith("{") else json.dumps({next(iter(schema["properties"])): text})


def _handler(server: ApiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            form = self.headers.get("Content-Type", "").startswith("multipart/")
            body = {"multipart": raw} if form else json.loads(raw)
            with server.lock:
                server.seen.append({"path": self.path, "headers": dict(self.headers), "body": body})
                fault = server.faults.pop(0) if server.faults else None
            path = self.path.partition("?")[0]
            if fault is None:
                job = server.jobs.post(path, body, server.answer)
                if job == "cut":
                    self._cut()
                else:
                    self._send(200, server.answer(path, body) if job is None else job)
            elif isinstance(fault, int):
                self._fail(Refusal(fault, "fault"))
            elif isinstance(fault, Refusal):
                self._fail(fault)
            else:
                getattr(self, f"_{fault.replace(' ', '_')}")()

        def do_GET(self) -> None:
            with server.lock:
                server.seen.append({"path": self.path, "headers": dict(self.headers), "body": {}})
            found = server.jobs.get(self.path)
            if isinstance(found, bytes):
                self._write(200, found)
            else:
                self._send(404 if found is None else 200, {"error": {}} if found is None else found)

        def _fail(self, fault: Refusal) -> None:
            error = {"type": fault.code, "code": fault.code, "message": "key sk-canary refused"}
            self._send(fault.status, {"type": "error", "error": error}, fault.headers)

        def _cut(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"choices": [')
            self.wfile.flush()
            self.close_connection = True

        def _reset(self) -> None:
            self.close_connection = True

        def _not_json(self) -> None:
            self._send(200, "<html>busy</html>")

        def _list(self) -> None:
            self._send(200, [1])

        def _half(self) -> None:
            """The right length, and half of the JSON."""
            self._write(200, json.dumps(self._said()).encode()[:60])

        def _no_usage(self) -> None:
            said = self._said()
            del said["usage"]
            self._send(200, said)

        def _slow(self) -> None:
            time.sleep(1.5)
            self._send(200, self._said())

        def _drip(self) -> None:
            """Each byte comes in time, and all of them do not."""
            data = json.dumps(self._said()).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            for byte in data:
                try:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                except OSError:
                    return
                time.sleep(0.05)

        def _truncated(self) -> None:
            """A structured answer that was cut at max_tokens."""
            said = self._said()
            if "choices" in said:
                said["choices"][0]["finish_reason"] = "length"
                said["choices"][0]["message"]["content"] = '{"text": "half of'
            elif "output" in said:
                said |= {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
                said["output"][1]["content"][0]["text"] = '{"text": "half of'
            else:
                said |= {"stop_reason": "max_tokens", "content": [{"type": "text", "text": '{"text": "half of'}]}
            self._send(200, said)

        def _refusal(self) -> None:
            """The model declines."""
            said = self._said()
            if "choices" in said:
                said["choices"][0]["message"] = {"role": "assistant", "content": None, "refusal": "I cannot."}
            elif "output" in said:
                said["output"][1]["content"] = [{"type": "refusal", "refusal": "I cannot."}]
            else:
                said |= {"stop_reason": "refusal", "content": [{"type": "text", "text": "I cannot."}]}
            self._send(200, said)

        def _said(self) -> dict[str, Any]:
            return server.answer(self.path.partition("?")[0], server.seen[-1]["body"])

        def _send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
            self._write(status, (body if isinstance(body, str) else json.dumps(body)).encode(), headers)

        def _write(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                for name, value in {**server.headers, **(headers or {})}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                self.close_connection = True  # whoever asked is gone: killed, or tired of waiting

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            return

    return Handler


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no news."""


@contextmanager
def api_server() -> Iterator[ApiServer]:
    state = ApiServer()
    http = _Http(("127.0.0.1", 0), _handler(state))
    state.url = f"http://127.0.0.1:{http.server_port}"
    threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield state
    finally:
        http.shutdown()
        http.server_close()

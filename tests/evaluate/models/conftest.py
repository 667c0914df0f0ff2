"""An OpenAI-compatible server on loopback: a tiny model and an adapter under two names, and faults on demand."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

Fault = Callable[[str, Mapping[str, Any]], tuple[int, str] | None]
"""(path, what was sent) -> (status, body) in the place of an answer, or None."""


@dataclass
class OpenAIServer:
    """models: {name: transformers model}. asked: (path, headers, what was sent) of each request."""

    models: dict[str, Any]
    tokenizer: Any
    said: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    fault: Fault = lambda path, body: None
    url: str = ""
    lock: Any = field(default_factory=threading.Lock)

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        if path == "/v1/models":
            return {"object": "list", "data": [{"id": name, **self.said.get(name, {})} for name in self.models]}
        if body.get("model") not in self.models:
            return None
        with self.lock:
            if path == "/v1/completions":
                return {"model": body["model"], "choices": list(self._completions(body))}
            if path == "/v1/chat/completions":
                return {"model": body["model"], "choices": [self._chat(body)]}
        return None

    def _completions(self, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        given = body["prompt"]
        prompts = [given] if isinstance(given, str) or isinstance(given[0], int) else given
        for index, prompt in enumerate(prompts):
            ids = self.tokenizer(prompt)["input_ids"] if isinstance(prompt, str) else list(prompt)
            new, finish = self._generate(ids, body)
            choice = {"index": index, "text": self._text(new, body), "finish_reason": finish, "logprobs": None}
            if body.get("echo"):
                choice["text"] = self.tokenizer.decode(ids + new)
                choice["logprobs"] = self._logprobs(ids + new, body)
            yield choice

    def _chat(self, body: Mapping[str, Any]) -> dict[str, Any]:
        ids = self.tokenizer.apply_chat_template(body["messages"], add_generation_prompt=True, return_dict=False)
        new, finish = self._generate(list(ids), body)
        message = {"role": "assistant", "content": self._text(new, body)}
        return {"index": 0, "message": message, "finish_reason": finish}

    def _generate(self, ids: Sequence[int], body: Mapping[str, Any]) -> tuple[list[int], str]:
        import torch

        ends = {self.tokenizer.eos_token_id, *body.get("stop_token_ids", ())}
        new: list[int] = []
        with torch.inference_mode():
            while len(new) < body["max_tokens"]:
                logits = self.models[body["model"]](input_ids=torch.tensor([[*ids, *new]])).logits[0, -1]
                new.append(int(logits.argmax()))
                stopped = any(stop in self.tokenizer.decode(new) for stop in body.get("stop") or ())
                if not body.get("echo") and (new[-1] in ends or stopped):
                    return new, "stop"
        return new, "length"

    def _text(self, new: Sequence[int], body: Mapping[str, Any]) -> str:
        text = self.tokenizer.decode(new)
        for stop in [self.tokenizer.eos_token, *(body.get("stop") or ())]:
            text = text.partition(stop)[0]
        return str(text)

    def _logprobs(self, ids: Sequence[int], body: Mapping[str, Any]) -> dict[str, Any]:
        import torch

        with torch.inference_mode():
            each = self.models[body["model"]](input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
        tokens = [float(each[at - 1, ids[at]]) for at in range(1, len(ids))]
        best = [{str(int(each[at - 1].argmax())): float(each[at - 1].max())} for at in range(1, len(ids))]
        return {"token_logprobs": [None, *tokens], "top_logprobs": [None, *best]}


def handler_of(server: OpenAIServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._reply({})

        def do_POST(self) -> None:
            self._reply(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _reply(self, body: dict[str, Any]) -> None:
            server.asked.append((self.path, dict(self.headers), body))
            broken = server.fault(self.path, body)
            found = None if broken else server.answer(self.path, body)
            status, text = broken or (200, json.dumps(found))
            if broken is None and found is None:
                status, text = 404, json.dumps({"error": {"message": "The model does not exist."}})
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    return Handler


@pytest.fixture(scope="session")
def served_weights(tiny_model: Path, tiny_adapter: Path) -> dict[str, Any]:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(tiny_model).eval()
    other = AutoModelForCausalLM.from_pretrained(tiny_model)
    return {"plain": base, "tuned": PeftModel.from_pretrained(other, str(tiny_adapter)).eval()}


@pytest.fixture
def openai_server(
    served_weights: dict[str, Any], target: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OpenAIServer]:
    """The tiny model as `plain`, with the tiny adapter as `tuned`."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with serving(dict(served_weights), target.tokenizer) as server:
        yield server


@pytest.fixture
def other_server(served_weights: dict[str, Any], target: Any) -> Iterator[OpenAIServer]:
    """The adapted model alone, under the name that the base has elsewhere, as servers of one model have it."""
    with serving({"plain": served_weights["tuned"]}, target.tokenizer) as server:
        yield server


@contextlib.contextmanager
def serving(models: dict[str, Any], tokenizer: Any) -> Iterator[OpenAIServer]:
    server = OpenAIServer(models, tokenizer)
    listening = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(server))
    server.url = f"http://127.0.0.1:{listening.server_address[1]}/v1"
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()

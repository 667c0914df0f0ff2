"""A key in the environment goes to the host that it is for, and appears in no file, log, report or message."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

TICKETS = str(Path(__file__).resolve().parent.parent / "sample_data" / "tickets.jsonl")
CANARY = "canary-5ad1e-8842"
SECRETS = {
    name: f"sk-{CANARY}-{name}"
    for name in (
        "OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "WANDB_API_KEY", "AWS_SECRET_ACCESS_KEY",
        "AZURE_OPENAI_API_KEY", "GITHUB_TOKEN", "MY_OWN_KEY",
    )
} | {"HTTPS_PROXY": f"http://user:{CANARY}@127.0.0.1:9"}  # fmt: skip


@dataclass
class Server:
    """Answers as OpenAI and Anthropic do.

    rude       refuses and quotes the key, as real ones have
    elsewhere  where it sends its clients instead of answering
    """

    url: str = ""
    rude: bool = False
    elsewhere: str = ""
    headers: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            state.headers.append(dict(self.headers))
            key = self.headers.get("Authorization") or self.headers.get("X-Api-Key") or ""
            usage = {"prompt_tokens": 9, "completion_tokens": 9, "input_tokens": 9, "output_tokens": 9}
            text = f"Where has my order {len(state.headers)} gone?"
            body: dict[str, Any] = {
                "id": "1", "object": "chat.completion", "created": 0, "model": "a", "usage": usage,
                "type": "message", "role": "assistant", "content": [{"type": "text", "text": text}],
                "stop_reason": "end_turn",
                "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
            }  # fmt: skip
            if state.rude:
                body = {"error": {"type": f"bad {key}", "code": "invalid_key", "message": f"Incorrect key: {key}"}}
            data = json.dumps(body).encode()
            self.send_response(307 if state.elsewhere else 401 if state.rude else 200)
            if state.elsewhere:
                self.send_header("Location", state.elsewhere)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            return

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{http.server_port}"
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield state
    http.shutdown()
    http.server_close()


def assert_clean(folder: Path, *texts: str) -> None:
    assert not [text for text in texts if CANARY in text]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []


def run(guarded: Any, *arguments: str) -> Any:
    """In an environment full of keys, with every folder that a library may write to inside the test's own."""
    homes = {name: str(guarded.folder / "home") for name in ("HOME", "XDG_CACHE_HOME", "HF_HOME", "ASSAY_CACHE")}
    done = guarded.assay(*arguments, **SECRETS, **homes)
    assert guarded.attempted == ""
    return done


def test_audit_and_curate_write_no_key_anywhere(guarded: Any, tiny_model: Path) -> None:
    for verb in ("audit", "curate"):
        done = run(guarded, verb, TICKETS, "--model", str(tiny_model), "--limit", "40", "-o", verb, "--verbose")
        assert done.returncode == 0, done.stderr
        assert_clean(guarded.folder / "work" / verb, done.stdout, done.stderr)
    assert_clean(guarded.folder)


def synth(guarded: Any, server: Server, provider: str) -> Any:
    base = server.url if provider == "anthropic" else f"{server.url}/v1"
    key = ["--set", "synth.api_key_env=MY_OWN_KEY"] if provider == "openai_compatible" else []
    return run(
        guarded, "synth", TICKETS, "--provider", provider, "--model", "a", "-o", "more", "--limit", "20", "--verbose",
        "--set", f"synth.base_url={base}", "--set", "synth.methods={paraphrase: {count: 2}}",
        "--set", "synth.max_requests=4", "--set", "synth.max_retries=0", *key,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("provider", "sent"),
    [
        ("openai", {"OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"}),
        ("anthropic", {"ANTHROPIC_API_KEY"}),
        ("openai_compatible", {"MY_OWN_KEY"}),
    ],
)
def test_synth_sends_a_host_its_own_key_alone_and_writes_none(
    guarded: Any, server: Server, provider: str, sent: set[str]
) -> None:
    done = synth(guarded, server, provider)
    assert done.returncode in (0, 4), done.stderr
    assert server.headers
    for headers in server.headers:
        assert {name for name, key in SECRETS.items() for value in headers.values() if value.endswith(key)} == sent
    assert_clean(guarded.folder, done.stdout, done.stderr)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_server_that_quotes_the_key_in_its_refusal_is_not_quoted(guarded: Any, server: Server, provider: str) -> None:
    server.rude = True
    done = synth(guarded, server, provider)
    assert done.returncode != 0
    assert server.headers and "answered 401" in done.stdout + done.stderr
    assert_clean(guarded.folder, done.stdout, done.stderr)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_records_do_not_follow_a_server_that_points_to_another_host(
    guarded: Any, server: Server, provider: str
) -> None:
    server.elsewhere = "http://192.0.2.1/v1"
    done = synth(guarded, server, provider)
    assert done.returncode != 0
    assert server.headers and "answered 307" in done.stdout + done.stderr
    assert_clean(guarded.folder, done.stdout, done.stderr)

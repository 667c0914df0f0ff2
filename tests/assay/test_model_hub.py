"""Whatever the hub answers becomes one line that says what to do. The hub here is a server on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from assay.embedded import DEFAULT_MODEL
from assay.errors import ModelError
from assay.models import resolve

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """status and code of every answer; asked: the paths that were asked for."""

    status: int = 200
    code: str | None = None
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    state = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            body = json.dumps({"id": "a/b", "sha": COMMIT}).encode()
            self.send_response(state.status)
            if state.code:
                self.send_header("X-Error-Code", state.code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield state
    server.shutdown()
    server.server_close()


def refused(name: str, **options: Any) -> str:
    with pytest.raises(ModelError) as caught:
        resolve(name, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_commit_that_a_name_means_is_recorded(hub: Hub) -> None:
    ref = resolve("some-owner/some-model")
    assert (ref.path, ref.revision) == ("some-owner/some-model", COMMIT)
    assert hub.asked == ["/api/models/some-owner/some-model"]
    resolve("some-owner/some-model", revision="v2")
    assert hub.asked[1] == "/api/models/some-owner/some-model/revision/v2"


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "GatedRepo", ("is gated", "accept its terms", "hf auth login")),
        (404, "RepoNotFound", ("there is no model", "check the spelling")),
        (401, "RepoNotFound", ("there is no model", "hf auth login")),
        (401, None, ("refuses this account's token", "HF_TOKEN")),
        (500, None, ("did not answer", "check the network")),
    ],
)
def test_each_refusal_is_one_line_with_its_fix(hub: Hub, status: int, code: str | None, words: tuple[str, ...]) -> None:
    hub.status, hub.code = status, code
    line = refused("some-owner/some-model")
    assert all(word in line for word in (*words, "some-owner/some-model"))


def test_a_revision_that_is_not_there_is_named(hub: Hub) -> None:
    hub.status, hub.code = 404, "RevisionNotFound"
    assert "no revision 'v9'" in refused("some-owner/some-model", revision="v9")


def test_a_mistyped_embedded_name_is_recognised(hub: Hub) -> None:
    hub.status, hub.code = 404, "RepoNotFound"
    assert f"did you mean '{DEFAULT_MODEL}'?" in refused("smolm2-135m-instruct")
    assert "did you mean" not in refused("some-owner/some-model")


def test_a_hub_that_cannot_be_reached_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    assert "cannot be reached" in refused("some-owner/some-model")


def test_offline_the_hub_is_not_asked(hub: Hub) -> None:
    assert "not in the local cache" in refused("some-owner/some-model", offline=True)
    assert hub.asked == []

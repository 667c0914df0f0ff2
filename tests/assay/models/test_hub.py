"""Whatever the hub answers becomes one line that says what to do. The hub here is a server on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from assay.errors import ModelError
from assay.models import resolve
from assay.models.embedded import DEFAULT_MODEL

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """status and code of every answer of the API; files: what a repository holds; asked: the paths asked for."""

    status: int = 200
    code: str | None = None
    files: tuple[str, ...] = ("config.json",)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    state = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            status, code, body = state.status, state.code, json.dumps({"id": "a/b", "sha": COMMIT}).encode()
            if "/resolve/" in self.path:
                body = b"{}"
                if self.path.rpartition("/")[2] not in state.files:
                    status, code = 404, "EntryNotFound"
            self.send_response(status)
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", '"1"')
            if code:
                self.send_header("X-Error-Code", code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    template = f"http://127.0.0.1:{server.server_port}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
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
    assert hub.asked[0] == "/api/models/some-owner/some-model"
    assert {path for path in hub.asked if "resolve" in path} == {"/some-owner/some-model/resolve/main/config.json"}
    resolve("some-owner/some-model", revision="v2")
    assert "/api/models/some-owner/some-model/revision/v2" in hub.asked


@pytest.mark.parametrize("revision", [None, "v2", COMMIT])
def test_offline_the_commit_is_the_one_that_the_name_meant_when_it_was_asked(hub: Hub, revision: str | None) -> None:
    resolve("some-owner/some-model", revision=revision)
    asked = len(hub.asked)
    assert resolve("some-owner/some-model", revision=revision, offline=True).revision == COMMIT
    assert len(hub.asked) == asked


def test_a_repository_without_a_model_is_one_line(hub: Hub) -> None:
    hub.files = ("adapter_config.json",)
    assert "holds no model" in refused("some-owner/some-adapter")


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

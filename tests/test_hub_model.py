"""A model of the hub, from end to end: its commit is recorded, its weights are not fetched for an audit, and what was
fetched once serves offline. The hub is a server on loopback that holds a tiny model."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

TICKETS = str(Path(__file__).resolve().parent.parent / "sample_data" / "tickets.jsonl")
COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "some-owner/some-model"


@dataclass
class Hub:
    folder: Path
    url: str = ""
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def hub(tiny_model: Path, tmp_path: Path) -> Iterator[Hub]:
    state = Hub(tmp_path / "on-the-hub")
    shutil.copytree(tiny_model, state.folder)

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def _answer(self, with_body: bool) -> None:
            path = self.path.partition("?")[0]
            state.asked.append(path)
            _, _, name = path.partition(f"/{NAME}/resolve/")
            name = name.partition("/")[2]  # after the branch or commit
            if path.startswith(f"/api/models/{NAME}") and "/tree/" not in path:
                self._send(200, json.dumps({"id": NAME, "sha": COMMIT, "siblings": []}).encode(), with_body)
            elif name and (state.folder / name).is_file():
                self._send(200, (state.folder / name).read_bytes(), with_body)
            else:
                self._send(404, b"{}", with_body, code="EntryNotFound")

        def _send(self, status: int, body: bytes, with_body: bool, code: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            if code:
                self.send_header("X-Error-Code", code)
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield state
    server.shutdown()
    server.server_close()


def audit(guarded: Any, hub: Hub, *more: str) -> Any:
    return guarded.assay(
        "audit", TICKETS, "--model", NAME, "--limit", "30", "--json", *more,
        HF_ENDPOINT=hub.url, HF_HOME=str(guarded.folder / "hf"),
    )  # fmt: skip


def test_an_audit_fetches_no_weights_and_what_it_fetched_serves_offline(guarded: Any, hub: Hub) -> None:
    online = audit(guarded, hub)
    assert (online.returncode, guarded.attempted) == (0, ""), online.stderr
    fetched = {path.rpartition("/")[2] for path in hub.asked if "/resolve/" in path}
    assert {"config.json", "tokenizer.json"} <= fetched
    assert not [name for name in fetched if name.endswith((".safetensors", ".bin", ".py"))]
    asked = len(hub.asked)
    offline = audit(guarded, hub, "--offline")
    assert (offline.returncode, len(hub.asked)) == (0, asked), offline.stderr
    assert json.loads(offline.stdout)["fit"] == json.loads(online.stdout)["fit"]


def test_code_that_a_repository_brings_is_not_even_fetched(guarded: Any, hub: Hub) -> None:
    for name in ("config.json", "tokenizer_config.json"):
        values = json.loads((hub.folder / name).read_text())
        values["auto_map"] = {"AutoConfig": "evil.Evil", "AutoTokenizer": ["evil.Evil", "evil.Evil"]}
        values["model_type"] = "unheard_of"
        (hub.folder / name).write_text(json.dumps(values))
    (hub.folder / "evil.py").write_text("raise SystemExit(77)\n")
    done = audit(guarded, hub)
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("assay: ")]
    assert "none of it was run" in line
    assert not [path for path in hub.asked if path.endswith(".py")]

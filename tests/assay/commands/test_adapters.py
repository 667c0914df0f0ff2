"""`assay adapters` as it is typed; the hub is a server on loopback that the official client writes to."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from assay.cli import main
from assay.evaluate.evaluation_files import write
from assay.evaluate.release.release import gate_evaluation
from assay.findings import Verdict
from assay.storage import sha256_folder
from tests.assay.releases.test_versions import make_adapter
from tests.evaluate.conftest import SyntheticSuite, build_evaluation

TOKEN = "hf_" + "s" * 34


def assay(*arguments: Any) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    folder = make_adapter(tmp_path / "trained" / "adapter")
    (folder / "trained_records.parquet").write_bytes(b"hashes of prompts")
    return folder


@pytest.fixture
def gated(adapter: Path, tmp_path: Path) -> Path:
    """The folder of a certificate that says PASS of the adapter and verifies."""
    domain = SyntheticSuite(
        "support", n=200, p_base=0.2, gain=0.3, discordance=0.4, p_damaged=0.02, kind="suite", chance=None
    )
    found = build_evaluation(SyntheticSuite("arc_easy"), SyntheticSuite("grammar", n=600), domain)
    identity = {**found.identity, "adapter": sha256_folder(adapter)}
    settings = {"paths": {"adapter": "../trained/adapter"}}
    write(replace(found, identity=identity, settings=settings), tmp_path / "evaluated")
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nmargin: 0.03\n", encoding="utf-8")
    assert gate_evaluation(tmp_path / "evaluated", policy, tmp_path / "gated").verdict is Verdict.PASS
    return tmp_path / "gated"


@pytest.fixture
def typed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """(exit code, stdout, stderr) of `assay adapters ...` on a store of its own."""

    def run(*arguments: Any) -> tuple[int, str, str]:
        code = assay("adapters", *arguments, "--store", tmp_path / "store")
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_what_the_gate_lets_out_is_added_promoted_and_found(typed: Any, adapter: Path, gated: Path) -> None:
    assert typed("add", "support", adapter, "--certificate", gated)[:1] == (0,)
    code, said, _ = typed("promote", "support:1")
    assert (code, "support:1 is in use" in said) == (0, True)
    place = Path(typed("path", "support")[1].strip())
    assert (place / "adapter_model.safetensors").read_bytes() == b"weights"
    _, listed, _ = typed("--json")
    assert [(row["number"], row["verdict"], row["in_use"]) for row in json.loads(listed)] == [(1, "PASS", True)]


def test_a_certificate_that_does_not_verify_puts_nothing_in_use(typed: Any, adapter: Path, gated: Path) -> None:
    typed("add", "support", adapter, "--certificate", gated)
    items = gated.parent / "evaluated" / "items.parquet"
    items.write_bytes(items.read_bytes() + b"\0")
    code, _, said = typed("promote", "support:1")
    assert (code, "does not verify" in said) == (3, True)
    assert typed("path", "support")[0] == 2


def test_a_copy_that_was_changed_is_not_put_in_use(typed: Any, adapter: Path, gated: Path) -> None:
    typed("add", "support", adapter, "--certificate", gated)
    kept = next((gated.parent / "store" / "adapters" / "support" / "1" / "adapter").glob("*.safetensors"))
    kept.write_bytes(b"others")
    code, _, said = typed("promote", "support:1")
    assert (code, "its files are not those that were added" in said) == (3, True)


def test_the_card_of_a_version_has_the_gates_scores(typed: Any, adapter: Path, gated: Path, tmp_path: Path) -> None:
    typed("add", "support", adapter, "--certificate", gated)
    typed("card", "support:1", "-o", tmp_path / "README.md", "--license", "mit")
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    decision = json.loads((gated / "certificate.json").read_text(encoding="utf-8"))["decision"]
    assert "license: mit" in card
    for suite in decision["suites"]:
        assert f"| {suite['n']:,} | {suite['base'] * 100:.1f} | {suite['candidate'] * 100:.1f} |" in card


@dataclass
class Hub:
    """refuses: the status of every answer, or None."""

    url: str = ""
    refuses: int | None = None
    tokens: set[str | None] = field(default_factory=set)
    made: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """What of the hub's interface an upload needs; files that are not text go through its large file storage."""
    from huggingface_hub import constants

    state = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            state.tokens.add(self.headers.get("Authorization"))
            if state.refuses is not None:
                self._send(state.refuses, {"error": "no"})
            elif self.path == "/api/repos/create":
                state.made.append(json.loads(body))
                self._send(200, {"url": f"{state.url}/acme/support", "id": "acme/support"})
            elif self.path == "/api/validate-yaml":
                self._send(200, {"errors": [], "warnings": []})
            elif self.path.endswith("/preupload/main"):
                asked = json.loads(body)["files"]
                modes = [
                    {"path": each["path"], "uploadMode": _mode(each["path"]), "shouldIgnore": False} for each in asked
                ]
                self._send(200, {"files": modes})
            elif self.path.endswith("/info/lfs/objects/batch"):
                objects = [{**each, "actions": {"upload": {"href": f"{state.url}/put/{each['oid']}"}}}
                           for each in json.loads(body)["objects"]]  # fmt: skip
                self._send(200, {"transfer": "basic", "objects": objects})
            elif self.path.endswith("/commit/main"):
                for line in body.decode().splitlines():
                    entry = json.loads(line)
                    value = entry["value"]
                    if entry["key"] == "file":
                        state.files[value["path"]] = base64.b64decode(value["content"])
                    elif entry["key"] == "lfsFile":
                        state.files[value["path"]] = state.large[value["oid"]]
                self._send(
                    200,
                    {
                        "commitUrl": f"{state.url}/acme/support/commit/{0:040}",
                        "commitOid": "0" * 40,
                        "pullRequestUrl": None,
                        "hookOutput": "",
                    },
                )
            else:
                self._send(404, {})

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.large[hashlib.sha256(body).hexdigest()] = body
            self._send(200, {})

        def do_GET(self) -> None:
            self._send(404, {})

        def _send(self, status: int, value: Any) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(constants, "ENDPOINT", state.url)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    yield state
    server.shutdown()
    server.server_close()


def _mode(path: str) -> str:
    return "lfs" if path.endswith(".safetensors") else "regular"


def test_a_version_goes_up_with_its_card_and_without_its_records(
    typed: Any, adapter: Path, gated: Path, hub: Hub
) -> None:
    typed("add", "support", adapter, "--certificate", gated)
    code, said, err = typed("push", "support:1", "acme/support")
    assert code == 0, err
    assert "4 files are at" in said
    assert sorted(hub.files) == ["README.md", "adapter_config.json", "adapter_model.safetensors", "assay.json"]
    assert hub.files["adapter_model.safetensors"] == b"weights"
    assert b"PASS" in hub.files["README.md"]
    assert hub.made[0]["visibility"] == "private"
    assert TOKEN not in said + err and hub.tokens == {f"Bearer {TOKEN}"}


def test_a_dry_run_asks_the_hub_nothing(typed: Any, adapter: Path, hub: Hub) -> None:
    typed("add", "support", adapter)
    code, said, _ = typed("push", "support:1", "acme/support", "--dry-run")
    assert (code, "nothing was sent" in said, hub.tokens) == (0, True, set())


@pytest.mark.parametrize(
    ("status", "code", "words"), [(401, 2, "write to acme/support"), (403, 2, "write to acme/support")]
)
def test_a_refusal_of_the_hub_is_one_line_without_the_token(
    typed: Any, adapter: Path, hub: Hub, status: int, code: int, words: str
) -> None:
    typed("add", "support", adapter)
    hub.refuses = status
    ended, _, said = typed("push", "support:1", "acme/support")
    assert (ended, words in said, TOKEN in said, said.count("\n")) == (code, True, False, 1)


def test_an_environment_without_a_network_is_one_line(
    typed: Any, adapter: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    typed("add", "support", adapter)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    code, _, said = typed("push", "support:1", "acme/support")
    assert (code, said.count("\n"), hub.tokens) == (2, 1, set())
    assert "HF_HUB_OFFLINE is set" in said


def test_a_copy_that_was_changed_is_neither_named_nor_sent_nor_put_in_use(
    typed: Any, adapter: Path, gated: Path, hub: Hub
) -> None:
    typed("add", "support", adapter, "--certificate", gated)
    typed("promote", "support:1")
    kept = gated.parent / "store" / "adapters" / "support" / "1" / "adapter" / "adapter_config.json"
    kept.write_text('{"r": 4, "lora_alpha": 64}', encoding="utf-8")
    for arguments in (
        ("path", "support"),
        ("card", "support:1"),
        ("push", "support:1", "acme/support"),
        ("promote", "support:1", "--reason", "in a hurry"),
    ):
        code, _, said = typed(*arguments)
        assert (code, "support:1 is not what was added" in said) == (2, True), arguments
    assert hub.tokens == set()


def test_a_certificate_that_is_another_one_by_now_puts_nothing_in_use(typed: Any, adapter: Path, gated: Path) -> None:
    """As a later gate leaves it, which wrote into the same folder."""
    typed("add", "support", adapter, "--certificate", gated)
    path = gated / "certificate.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), "seed": 7}), encoding="utf-8")
    code, _, said = typed("promote", "support:1")
    assert (code, "its certificate is another one by now" in said) == (3, True)
    path.unlink()
    (gated.parent / "store" / "adapters" / "support" / "1" / "certificate.json").write_text("{}", encoding="utf-8")
    code, _, said = typed("promote", "support:1")
    assert (code, "the copy of its certificate is not the one that was added" in said) == (3, True)


def test_a_reason_stays_on_its_line_and_an_empty_one_is_none(typed: Any, adapter: Path, gated: Path) -> None:
    typed("add", "support", adapter)
    assert typed("promote", "support:1", "--reason", "")[0] == 3
    assert typed("promote", "support:1", "--reason", "a trial\nof two lines")[0] == 0
    _, said, _ = typed("history", "support")
    assert said.splitlines()[-1].endswith("support:1  a trial\\nof two lines")
    typed("add", "support", adapter, "--certificate", gated)
    items = gated.parent / "evaluated" / "items.parquet"
    items.write_bytes(items.read_bytes() + b"\0")
    assert typed("promote", "support:2", "--reason", "")[0] == 3


def test_a_version_in_use_whose_files_are_gone_is_listed_as_that(typed: Any, adapter: Path, gated: Path) -> None:
    typed("add", "support", adapter, "--certificate", gated)
    typed("promote", "support:1")
    shutil.rmtree(gated.parent / "store" / "adapters" / "support" / "1")
    code, said, _ = typed()
    assert (code, "support:1" in said, "its files are gone" in said) == (0, True, True)

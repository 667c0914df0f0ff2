"""llama.cpp's own converter: from the user's checkout, or out of the pinned source package of llama-cpp-python."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from assay.errors import ModelError, storage_error
from assay.models.embedded import cache_folder
from assay.storage import sha256_file, write_json

from .source_package import SourcePackage, check_package, extract, fetch

MODEL_SCRIPT = "convert_hf_to_gguf.py"
ADAPTER_SCRIPT = "convert_lora_to_gguf.py"
MANIFEST = "assay_converter.json"

PACKAGE = SourcePackage(
    project="llama-cpp-python",
    version="0.3.36",
    file="llama_cpp_python-0.3.36.tar.gz",
    sha256="832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e",
    mb=77,
    license="MIT",
)
WANTED = re.compile(
    r"vendor/llama\.cpp/(?P<name>convert_(?:hf|lora)_to_gguf\.py|conversion/\w+\.py|gguf-py/gguf/[\w/]+\.py|LICENSE)"
)


@dataclass(frozen=True)
class Converter:
    """A folder with both scripts. origin: for people, and for the manifest of an export."""

    folder: Path
    origin: str


def find_converter(
    chosen: Path | None, *, offline: bool, say: Callable[[str], None], package: SourcePackage = PACKAGE
) -> Converter:
    """The converter of a checkout or source package that the user names, else the pinned one, fetched once.

    Raises ModelError when what is named is neither, or when nothing is there and --offline forbids fetching.
    """
    if chosen is not None and not chosen.is_file():
        return _checkout(chosen)
    folder = cache_folder() / "llama.cpp" / f"{package.version}-{package.sha256[:12]}"
    converter = Converter(folder, f"llama.cpp of {package.project} {package.version}")
    if chosen is not None:
        check_package(chosen, package)
    if _is_whole(folder, package):
        return converter
    if chosen is None and offline:
        raise ModelError(
            "llama.cpp's converter is not here, and --offline forbids fetching it",
            fix=f"give --llama-cpp with a checkout of llama.cpp or {package.file}, or run once with a network",
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as scratch:
            _install(folder, Path(scratch), chosen, package, say)
    except OSError as error:
        raise storage_error(error, "keeping llama.cpp's converter") from error
    return converter


def _checkout(folder: Path) -> Converter:
    for script in (MODEL_SCRIPT, ADAPTER_SCRIPT):
        if not (folder / script).is_file():
            raise ModelError(
                f"has no {script}",
                where=str(folder),
                fix=f"name the folder of a llama.cpp checkout, or {PACKAGE.file} of {PACKAGE.project}",
            )
    return Converter(folder.resolve(), f"llama.cpp in {folder}")


def _is_whole(folder: Path, package: SourcePackage) -> bool:
    """Whether every file has the hash that it had when it came out of the pinned archive."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = manifest["files"]
        return manifest["package_sha256"] == package.sha256 and all(
            sha256_file(folder / name) == digest for name, digest in files.items()
        )
    except (OSError, ValueError, KeyError, AttributeError):
        return False


def _install(
    folder: Path, scratch: Path, chosen: Path | None, package: SourcePackage, say: Callable[[str], None]
) -> None:
    if chosen is None:
        say(
            f"fetching llama.cpp's converter ({package.license}): {package.mb} MB from the package index "
            f"({package.file}), 2 MB in {folder}"
        )
    archive = chosen if chosen is not None else fetch(package, scratch, say)
    fresh = scratch / "converter"
    files = extract(archive, WANTED, fresh)
    if MODEL_SCRIPT not in files or ADAPTER_SCRIPT not in files:
        raise ModelError(f"holds no {MODEL_SCRIPT} and {ADAPTER_SCRIPT}", where=str(archive))
    write_json(fresh / MANIFEST, {"package": package.file, "package_sha256": package.sha256, "files": files})
    if folder.exists():
        shutil.rmtree(folder)
    fresh.rename(folder)

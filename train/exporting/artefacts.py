"""What is exported: an adapter (how it was trained: `parity.provenance`), a model in a folder, or a GGUF file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from assay.chat import ChatTarget, load_target
from assay.errors import ModelError
from assay.models import ModelRef

Kind = Literal["adapter", "model", "gguf"]

ADAPTER_METADATA = {"assay.adapter": "adapter_model.safetensors", "assay.adapter_config": "adapter_config.json"}
"""Metadata of a GGUF file that name the adapter of a merge by the hashes of two of its files."""


def kind_of(path: Path) -> Kind:
    """Raises ModelError for what is none of them."""
    if path.is_file() and path.suffix == ".gguf":
        return "gguf"
    if (path / "adapter_config.json").is_file():
        return "adapter"
    if (path / "config.json").is_file():
        return "model"
    what = "is not there" if not path.exists() else "is neither an adapter, nor a model's folder, nor a GGUF file"
    fix = "name the folder with adapter_config.json or config.json, or a file that ends in .gguf"
    if (path / "adapter" / "adapter_config.json").is_file():
        fix = f"name {path / 'adapter'}"
    raise ModelError(what, where=str(path), fix=fix)


def read_model(folder: Path, *, offline: bool, say: Callable[[str], None]) -> ChatTarget:
    """The chat side of a model in a folder. Raises ModelError."""
    return load_target(str(folder), offline=offline, say=say)


def folder_of(ref: ModelRef, *, weights: bool, offline: bool) -> Path:
    """The files of a model on this disk; a hub model's are fetched where they are not there. Raises ModelError."""
    if isinstance(ref.path, Path):
        return ref.path
    from huggingface_hub import snapshot_download

    from assay.models.hub import hub_errors

    patterns = ["*.json", "*.model", "*.jinja", "merges.txt", "vocab.txt", *(["*.safetensors"] if weights else [])]
    with hub_errors(ref.name, ref.revision):
        return Path(
            snapshot_download(ref.path, revision=ref.revision, local_files_only=offline, allow_patterns=patterns)
        )


def template_sha256(template: str) -> str:
    """As `ChatTarget.template_sha256`."""
    return hashlib.sha256(template.encode("utf-8", "surrogatepass")).hexdigest()

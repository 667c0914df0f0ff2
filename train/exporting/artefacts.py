"""What is exported: an adapter, a model in a folder, or a GGUF file; and the chat side that belongs to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from assay.chat import ChatTarget, load_target
from assay.errors import ModelError
from assay.models import ModelRef, resolve

Kind = Literal["adapter", "model", "gguf"]


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


@dataclass(frozen=True)
class AdapterSource:
    """An adapter and the base that it was trained on. config: adapter_config.json."""

    folder: Path
    config: dict[str, Any]
    base: ModelRef
    target: ChatTarget


def read_adapter(folder: Path, base: str | None, *, offline: bool, say: Callable[[str], None]) -> AdapterSource:
    """The adapter with its base's chat side, in the template that lies beside it. Raises ModelError.

    base  in place of the one that the adapter's config names
    """
    config = read_json(folder / "adapter_config.json")
    name = base or config.get("base_model_name_or_path")
    if not isinstance(name, str) or not name:
        raise ModelError("names no base model", where=str(folder / "adapter_config.json"), fix="give it with --base")
    template = folder / "chat_template.jinja"
    revision = config.get("revision") if base is None else None
    try:
        target = load_target(
            name,
            revision=revision if isinstance(revision, str) else None,
            offline=offline,
            chat_template=str(template) if template.is_file() else None,
            say=say,
        )
    except ModelError as error:
        raise ModelError(
            error.what, where=error.where or name, fix=f"{error.fix or 'check the base'} (--base)"
        ) from error
    return AdapterSource(folder, config, target.ref, target)


def read_model(folder: Path, *, offline: bool, say: Callable[[str], None]) -> ChatTarget:
    """The chat side of a model in a folder. Raises ModelError."""
    return load_target(str(folder), offline=offline, say=say)


def folder_of(ref: ModelRef, *, weights: bool, offline: bool) -> Path:
    """The files of a model on this disk; a hub model's are fetched where they are not there. Raises ModelError."""
    if isinstance(ref.path, Path):
        return ref.path
    from huggingface_hub import snapshot_download

    from assay.model_hub import hub_errors

    patterns = ["*.json", "*.model", "*.jinja", "merges.txt", "vocab.txt", *(["*.safetensors"] if weights else [])]
    with hub_errors(ref.name, ref.revision):
        return Path(
            snapshot_download(ref.path, revision=ref.revision, local_files_only=offline, allow_patterns=patterns)
        )


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object. Raises ModelError."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError("cannot be read as JSON", where=str(path)) from error
    if not isinstance(value, dict):
        raise ModelError("should hold a JSON object", where=str(path))
    return value


def template_sha256(template: str) -> str:
    """As `ChatTarget.template_sha256`."""
    return hashlib.sha256(template.encode("utf-8", "surrogatepass")).hexdigest()


def resolve_base(name: str, *, offline: bool, say: Callable[[str], None]) -> ModelRef:
    return resolve(name, offline=offline, say=say)

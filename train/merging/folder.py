"""The folder of a merged model: weights, tokenizer, the template that was trained with, and the tokens that end turns.

It is written under another name, proved there, and renamed: a merge that fails leaves no folder that looks finished.
"""

from __future__ import annotations

import copy
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import SettingsError, storage_error
from assay.models import load_generation_config
from assay.records import Json
from assay.storage import sha256_folder, write_json

from ..adapter import RECORDS
from ..failures import storage_failures
from ..parity.provenance import CARD, TEMPLATE, Trained

if TYPE_CHECKING:
    from assay.chat import ChatTarget

TOKENIZER_MODELS = ("tokenizer.model", "spiece.model", "tekken.json")
"""What `save_pretrained` of a fast tokenizer leaves behind, and llama.cpp's converter looks for."""


def check_target(folder: Path) -> None:
    """Before anything is computed. Raises SettingsError where something lies there."""
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise SettingsError(
            "is there already and not empty", where=str(folder), fix="name another folder with -o, or remove it"
        )


@contextmanager
def unfinished(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` that takes its name when the block ends, and is removed when it raises.

    Raises StorageError.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    except OSError as error:
        raise storage_error(error, "making the folder") from error
    try:
        with storage_failures(scratch):
            yield scratch
            scratch.chmod(0o755)
            if folder.is_dir():
                folder.rmdir()
            scratch.rename(folder)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def write_model(model: Any, folder: Path, trained: Trained) -> None:
    """Everything but the card. Raises StorageError through `unfinished`."""
    from transformers import GenerationConfig

    target = trained.target
    settings = generation_settings(target)
    model.generation_config = GenerationConfig(
        eos_token_id=settings["eos_token_id"], pad_token_id=settings["pad_token_id"]
    )
    with _without_progress_bars():
        model.save_pretrained(str(folder))
    write_json(folder / "generation_config.json", settings)
    _as_readable_as_the_rest(folder)
    _write_tokenizer(folder, target)
    records = trained.folder / RECORDS
    if records.is_file():
        shutil.copyfile(records, folder / RECORDS)


def _as_readable_as_the_rest(folder: Path) -> None:
    """safetensors writes files that their owner alone may read; a server mostly runs as somebody else."""
    mode = stat.S_IMODE((folder / "config.json").stat().st_mode)
    for file in folder.glob("*.safetensors"):
        file.chmod(mode)


@contextmanager
def _without_progress_bars() -> Iterator[None]:
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def generation_settings(target: ChatTarget) -> dict[str, Json]:
    """The base's own, but for the tokens: all that end a turn, those that the template writes first, and a padding
    token that is none of them."""
    own = load_generation_config(target.ref)
    settings: dict[str, Json] = own.to_diff_dict() if own is not None else {}
    settings.pop("_from_model_config", None)
    return {**settings, "eos_token_id": list(target.stop_token_ids), "pad_token_id": target.pad_token_id}


def _write_tokenizer(folder: Path, target: ChatTarget) -> None:
    tokenizer: Any = copy.deepcopy(target.tokenizer)
    tokenizer.chat_template = (
        target.template
        if target.tool_template is None
        else {"default": target.template, "tool_use": target.tool_template}
    )
    tokenizer.save_pretrained(str(folder))
    if not isinstance(target.ref.path, Path):
        return
    for name in TOKENIZER_MODELS:
        if (target.ref.path / name).is_file() and not (folder / name).exists():
            shutil.copyfile(target.ref.path / name, folder / name)


def adapter_facts(trained: Trained) -> dict[str, Json]:
    """Which adapter, by the hash of every file."""
    kept = ("adapter_model.safetensors", "adapter_config.json", TEMPLATE, CARD)
    found: Mapping[str, str] = sha256_folder(trained.folder)
    return {
        "run": trained.run,
        "files": {name: found[name] for name in kept if name in found},
    }


def merged_card(trained: Trained, run: str | None, merge: Mapping[str, Json]) -> dict[str, Json]:
    """`assay.json`: what the adapter's says of base and data, and how the two became one."""
    card = trained.card
    return {
        "version": 1,
        "kind": "merged",
        "run": run or trained.run,
        "base": card.get("base", trained.target.name),
        "revision": card.get("revision", trained.target.revision),
        "weights_sha256": card.get("weights_sha256"),
        "template_sha256": trained.target.template_sha256,
        "tokenizer_sha256": trained.target.tokenizer_sha256,
        "data_digests": card.get("data_digests"),
        "max_length": trained.max_length,
        "training_records": RECORDS if (trained.folder / RECORDS).is_file() else None,
        "merge": {"adapters": [adapter_facts(trained)], **merge},
    }

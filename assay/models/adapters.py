"""Laying an adapter over a base model, and proving that it is really there."""

from __future__ import annotations

import contextlib
import json
import re
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from assay.errors import ModelError, missing_extra
from assay.models.devices import is_out_of_memory
from assay.models.hub import first_line

if TYPE_CHECKING:
    import torch
    from peft import PeftModel
    from transformers import PreTrainedModel


def load_adapter(model: PreTrainedModel | PeftModel, folder: Path, name: str) -> PeftModel:
    """The model with the adapter laid over it under `name`, switched on, not trainable.

    Give the base for the first adapter and the returned model for further ones. Raises ModelError when the
    adapter is of another architecture or shape, holds NaN or infinity or packed numbers, or is a pickle. Weights in 16
    bits are widened to float32.
    """
    try:
        import torch
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        with without_bitsandbytes(model):
            from peft import PeftModel
    except ImportError as error:
        raise missing_extra("train", error) from error
    where = str(folder)
    _check_adapter_folder(folder)
    try:
        saved = load_file(folder / "adapter_model.safetensors")
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelError(f"adapter_model.safetensors is damaged: {first_line(error)}", where=where) from error
    numbers = (torch.float32, torch.bfloat16, torch.float16, torch.float64)
    odd = next((key for key, tensor in saved.items() if tensor.dtype not in numbers), None)
    if odd is not None:
        raise not_numbers(odd, str(saved[odd].dtype).removeprefix("torch."), folder)
    broken = [key for key, tensor in saved.items() if not torch.isfinite(tensor).all()]
    if broken:
        what = f"{len(broken)} of {len(saved)} adapter tensors hold NaN or infinity ({broken[0]})"
        raise ModelError(what, where=where)
    make_room(model, [folder])
    try:
        with warnings.catch_warnings(), without_bitsandbytes(model):
            warnings.simplefilter("ignore")  # PEFT's warning about missing tensors is our error below
            if isinstance(model, PeftModel):
                model.load_adapter(str(folder), adapter_name=name, is_trainable=False)
                loaded = model
            else:
                loaded = PeftModel.from_pretrained(model, str(folder), adapter_name=name, is_trainable=False)
        _check_all_found_a_place(loaded, saved, name, folder)
    except (ModelError, ValueError, RuntimeError, KeyError, TypeError) as error:
        if isinstance(model, PeftModel) and name in model.peft_config:
            model.delete_adapter(name)
        if isinstance(error, ModelError) or is_out_of_memory(error):
            raise
        what = f"the adapter does not fit this base model: {_misfit(error)}"
        raise ModelError(what, where=where, fix=trained_on(folder)) from error
    loaded.set_adapter(name)
    return cast("PeftModel", loaded.eval())


@contextlib.contextmanager
def without_bitsandbytes(model: PreTrainedModel | PeftModel) -> Iterator[None]:
    """Within the block PEFT lays adapters over the model without bitsandbytes, where none of its layers needs that.

    PEFT imports it wherever it is installed, to look for quantised layers. It brings torch's compiler along, and with
    that takes more time than all else that PEFT does here.
    """
    if "bitsandbytes" in sys.modules or getattr(model, "is_quantized", False):
        yield
        return
    sys.modules["bitsandbytes"] = cast("Any", None)  # as Python marks what cannot be imported
    try:
        from peft import import_utils

        known = (import_utils.is_bnb_available, import_utils.is_bnb_4bit_available)
        for remembers in known:
            remembers.cache_clear()
        try:
            yield
        finally:
            for remembers in known:
                remembers.cache_clear()
    finally:
        del sys.modules["bitsandbytes"]


def make_room(model: PreTrainedModel | PeftModel, folders: Sequence[Path]) -> None:
    """Lengthens the embeddings of a base to hold the tokens that adapters bring along.

    Without the adapter a new token is the mean of all others: it is read as nothing in particular, and never said.
    Several adapters are given before the first of them is laid over the model: PEFT wraps its embeddings.
    Raises ModelError when that is too late.
    """
    import torch

    needed = max((_tokens_of(folder) for folder in folders), default=0)
    have = model.get_input_embeddings().weight.shape[0]
    if needed <= have:
        return
    if hasattr(model, "peft_config"):
        raise ModelError(
            f"the adapter has a token {needed - 1} and the model {have}, and another adapter lies over it already",
            where=str(folders[-1]),
            fix="lay the adapter with the new tokens over the base first",
        )
    model.resize_token_embeddings(needed, mean_resizing=False)
    with torch.no_grad():
        for layer in (model.get_input_embeddings(), model.get_output_embeddings()):
            if layer is not None:
                layer.weight[have:] = layer.weight[:have].float().mean(0).to(layer.weight.dtype)


def _tokens_of(folder: Path) -> int:
    """How long the embeddings must be for the tokens whose rows an adapter trains; 0 where it trains none."""
    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        indices = config.get("trainable_token_indices") or {}
    except (OSError, ValueError, AttributeError):
        return 0
    rows = [indices] if isinstance(indices, list) else list(indices.values())
    return max((int(index) + 1 for row in rows for index in row), default=0)


def new_tokens_of(folder: Path | None) -> tuple[str, ...]:
    """The tokens that an adapter of assay's adds to the vocabulary of its base, in the order of their ids."""
    try:
        card = json.loads(((folder or Path()) / "assay.json").read_text(encoding="utf-8"))
        return tuple(str(token) for token in card.get("new_tokens") or ())
    except (OSError, ValueError, AttributeError, TypeError):
        return ()


_OTHER_SHAPE = re.compile(r"size mismatch for (\S+): copying a param with shape \S*\[([\d, ]*)\]\S* from checkpoint,"
                          r" the shape in current model is \S*\[([\d, ]*)\]")  # fmt: skip


def _misfit(error: Exception) -> str:
    """The first tensor of another shape, where that is what torch complains of; else the first line."""
    found = _OTHER_SHAPE.search(str(error))
    if found is None:
        return first_line(error)
    key, theirs, ours = found.groups()
    return f"{key} is {theirs.replace(', ', ' x ')} there and {ours.replace(', ', ' x ')} here"


def _check_adapter_folder(folder: Path) -> None:
    where = str(folder)
    if not (folder / "adapter_config.json").is_file():
        raise ModelError("is not an adapter folder: no adapter_config.json", where=where)
    if (folder / "adapter_model.safetensors").is_file():
        return
    if any(folder.glob("adapter_model.bin")):
        raise ModelError(
            "the adapter's weights are a pickle, which can run code when opened; it was not opened",
            where=where,
            fix="save it again with peft, which writes safetensors",
        )
    raise ModelError("the adapter folder has no adapter_model.safetensors", where=where)


def _check_all_found_a_place(model: PeftModel, saved: Mapping[str, torch.Tensor], name: str, folder: Path) -> None:
    """PEFT only warns when tensors of the file meet no module, or modules of the model meet no tensor."""
    from peft import get_peft_model_state_dict

    expected = get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False)
    homeless = [key for key in saved if key not in expected and ".embed_tokens." not in key and ".lm_head." not in key]
    empty = [key for key in expected if key not in saved]
    if homeless or empty:
        raise ModelError(
            f"the adapter does not fit this base model: {len(homeless)} of its {len(saved)} tensors find no place, "
            f"{len(empty)} places get none ({(homeless or empty)[0]})",
            where=str(folder),
            fix=trained_on(folder),
        )


def base_of(folder: Path) -> str | None:
    """The base model that an adapter's config names. Raises ModelError when the config is not JSON."""
    path = folder / "adapter_config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"is not JSON: {first_line(error)}", where=str(path)) from error
    base = config.get("base_model_name_or_path") if isinstance(config, dict) else None
    return str(base) if base else None


def not_numbers(key: str, dtype: str, folder: Path) -> ModelError:
    """Of an adapter whose tensors are neither 16, 32 nor 64 bits of a floating-point number."""
    return ModelError(
        f"the adapter's weights are {dtype} ({key}), which says nothing of the numbers that they stand for",
        where=str(folder),
        fix="save it again in 16 or 32 bits",
    )


def trained_on(folder: Path) -> str:
    """What to do about an adapter of another base."""
    base = base_of(folder)
    return f"it was trained on {base}" if base else "load the base that it was trained on"


@dataclass(frozen=True)
class AdapterEvidence:
    """What shows that an adapter is really there.

    parameters            how many the adapter has
    nonzero               how many of those are not zero
    max_logit_difference  the largest difference of a logit, adapter on against off, over the probe
    """

    parameters: int
    finite: bool
    nonzero: int
    max_logit_difference: float


def prove_adapter(model: PeftModel, name: str, input_ids: Sequence[int]) -> AdapterEvidence:
    """Runs one probe with the adapter on and off. Leaves the adapter on.

    Raises ModelError when the adapter has no parameters, holds NaN, or changes no logit.
    """
    import torch
    from peft import get_peft_model_state_dict

    tensors = get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False)
    parameters = sum(tensor.numel() for tensor in tensors.values())
    nonzero = sum(int(torch.count_nonzero(tensor)) for tensor in tensors.values())
    finite = all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values())
    model.set_adapter(name)
    model.eval()
    probe = torch.tensor([list(input_ids)], device=model.device)
    with torch.inference_mode():
        with_adapter = model(input_ids=probe).logits.float()
        with model.disable_adapter():
            without = model(input_ids=probe).logits.float()
    if not bool(torch.isfinite(without).all()):
        raise ModelError("the base model gives NaN or infinite logits", fix="its weights are damaged: fetch it again")
    difference = float((with_adapter - without).abs().max())
    if not parameters:
        raise ModelError(f"the adapter '{name}' has no parameters")
    if not finite or difference != difference:
        raise ModelError(f"the adapter '{name}' holds or produces NaN", fix="train it again with a lower learning rate")
    if difference == 0.0:
        raise ModelError(
            f"the adapter '{name}' changes nothing: every logit is the base model's", fix="was it trained?"
        )
    return AdapterEvidence(parameters, finite, nonzero, difference)

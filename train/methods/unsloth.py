"""Unsloth's model in place of transformers': its kernels for norms, positions, MLPs, the adapter and the loss.

It patches transformers, PEFT and TRL when it is imported, and by default decides much that a recipe has decided: which
repository is loaded, where checkpoints of activations are kept, what the padding token is. What is passed here, set in
the environment and looked at afterwards is the answer to its source as installed (2026.10.9; decision 119).
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import io
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from assay.errors import ModelError, SettingsError, TrainingError
from assay.models import ModelRef, load_config, load_errors, refuse_pickles
from assay.models.hub import first_line

from ..recipe import Recipe

if TYPE_CHECKING:
    import torch
    from peft import LoraConfig, PeftModel
    from transformers import PreTrainedModel

ARCHITECTURES = ("gemma", "llama", "mistral", "qwen2", "qwen3")
"""Those that have a model of their own in it, and were held against transformers. gemma2 has one too, and was not; the
others are compiled by it from transformers' source, at run time."""


FAST_PATH = "_unsloth_fast_path"
"""What its versions of transformers' methods ask a module for; without it they call transformers'."""


def load_by_unsloth(ref: ModelRef, recipe: Recipe) -> PreTrainedModel:
    """The base as Unsloth loads it: from the repository and revision that were named, in the recipe's precision.

    Raises SettingsError for an architecture that it has no model of, ModelError, and TrainingError when what it loaded
    is not what the recipe says.
    """
    import torch

    config = load_config(ref)
    if config.model_type not in ARCHITECTURES:
        raise SettingsError(
            f"backend: unsloth is offered for {', '.join(ARCHITECTURES)}, and {ref.name} is {config.model_type}",
            fix="leave backend out",
        )
    refuse_pickles(ref)
    with _own_errors(ref), load_errors(ref, "the model"), quietly():
        model, _ = import_unsloth().FastLanguageModel.from_pretrained(
            model_name=str(ref.path),
            revision=ref.revision if ref.is_hub else None,
            local_files_only=not ref.is_hub,
            use_exact_model_name=True,  # else a name that it knows is taken for a 4-bit copy under its own
            max_seq_length=recipe.max_length,
            dtype=getattr(torch, recipe.dtype),
            load_in_4bit=recipe.load_in_4bit,
            device_map={"": recipe.device},
            use_gradient_checkpointing=_checkpointing(recipe),
            offload_embedding=False,
            fix_tokenizer=False,
            trust_remote_code=False,
            use_safetensors=True,
            random_state=recipe.seed,
        )
    _check_loaded(model, config.vocab_size, recipe)
    os.environ["UNSLOTH_IGNORED_TOKENIZER_NAMES"] = str(model.config._name_or_path)
    loaded: PreTrainedModel = model
    return loaded


def adapt(model: PreTrainedModel, config: LoraConfig, recipe: Recipe) -> PeftModel:
    """The adapter of `config` over a model of Unsloth's, by its own function, which puts in its kernels for adapters.

    Over an adapter that PEFT's function lays, each layer computes as PEFT does.
    """
    targets = config.target_modules
    adapted: PeftModel = import_unsloth().FastLanguageModel.get_peft_model(
        model,
        r=config.r,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules=targets if isinstance(targets, str) else sorted(targets or ()),
        exclude_modules=config.exclude_modules,
        use_rslora=config.use_rslora,
        init_lora_weights=config.init_lora_weights,
        use_gradient_checkpointing=_checkpointing(recipe),
        random_state=recipe.seed,
    )
    adapted.peft_config["default"].auto_mapping = config.auto_mapping  # it writes the class of the base there
    return adapted


def ready_to_train(model: Any) -> None:
    """Ends what Unsloth does for generation, where `model` is one of its models.

    Building a trainer and every `generate` leave its model with checkpointing off and on the kernels of inference,
    which write over what a backward pass reads.
    """
    for_training = getattr(model, "for_training", None)
    if for_training is not None:
        for_training(use_gradient_checkpointing=model._unsloth_gradient_checkpointing)


def by_transformers(model: Any, loss: Callable[[], torch.Tensor]) -> Callable[[], torch.Tensor]:
    """`loss` as transformers and PEFT compute it, over the same modules of a model of Unsloth's; other models as ever.

    Its kernels round to the precision of training whatever they are given, so that they cannot say how the loss changes
    along a gradient. What the two packages compute is also what everybody loads the adapter with.
    """

    def plainly() -> torch.Tensor:
        fast = [module for module in model.modules() if vars(module).get(FAST_PATH)]
        own = {module: vars(module).pop("forward") for module in fast if _is_unsloths(vars(module).get("forward"))}
        for module in fast:
            setattr(module, FAST_PATH, False)
        try:
            return loss()
        finally:
            for module in fast:
                setattr(module, FAST_PATH, True)
            for module, forward in own.items():
                module.forward = forward

    return plainly


@contextlib.contextmanager
def _own_errors(ref: ModelRef) -> Iterator[None]:
    """What Unsloth refuses, as one line; a want of memory passes through."""
    import torch

    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, AssertionError) as error:
        raise ModelError(
            f"Unsloth cannot load it: {first_line(error)}", where=ref.name, fix="leave backend out"
        ) from error


def _is_unsloths(forward: Any) -> bool:
    function = getattr(forward, "__func__", forward)
    return str(getattr(function, "__module__", "")).startswith("unsloth.")


def _checkpointing(recipe: Recipe) -> str | bool:
    """Its own kind keeps the activations of a layer in the memory of the processor."""
    return "unsloth" if recipe.gradient_checkpointing else False


def _check_loaded(model: Any, rows: int, recipe: Recipe) -> None:
    """rows: of the embedding, by the base's config. Raises TrainingError."""
    import torch

    fix = "leave backend out"
    found = int(model.get_input_embeddings().weight.shape[0])
    if found != rows:
        raise TrainingError(
            f"backend: unsloth made the vocabulary {found:,} tokens long, and the base has {rows:,}",
            fix=f"give the tokenizer a pad_token of its own, or {fix}",
        )
    if bool(getattr(model, "is_loaded_in_4bit", False)) != recipe.load_in_4bit:
        raise TrainingError(
            f"backend: unsloth loaded the base {'not ' if recipe.load_in_4bit else ''}in 4 bits", fix=fix
        )
    if model.dtype != getattr(torch, recipe.dtype):
        raise TrainingError(f"backend: unsloth loaded the base in {model.dtype}, not in {recipe.dtype}", fix=fix)


def import_unsloth() -> Any:
    """The package, with nothing reported to anybody, and nothing written to the folder that one works in.

    Raises SettingsError where it cannot be imported: it asks for versions, and a torch that sees the GPU.
    """
    os.environ["UNSLOTH_DISABLE_STATISTICS"] = "1"  # a download for each load, by which loads are counted
    os.environ["UNSLOTH_DISABLE_CPU_FALLBACK"] = "1"
    if "UNSLOTH_COMPILE_LOCATION" not in os.environ:
        folder = tempfile.mkdtemp(prefix="assay-unsloth-")
        os.environ["UNSLOTH_COMPILE_LOCATION"] = folder
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        with warnings.catch_warnings(), quietly():
            warnings.simplefilter("ignore")  # that transformers is there already: its models and trainers are not
            return importlib.import_module("unsloth")
    except Exception as error:
        raise SettingsError(
            f"backend: unsloth cannot be used: {first_line(error)}",
            fix="pip install -U unsloth unsloth_zoo, or leave backend out",
        ) from error


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Nothing of what it prints: its banners go to standard output, which is assay's result."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield

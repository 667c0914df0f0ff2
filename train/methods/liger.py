"""Liger's kernels in place of transformers' norms, rotary positions and feed-forward blocks with a gate.

transformers puts them in when the training loop begins: after the gradient was checked, for every model of the family
that the process loads from then on, and with a debug message where the family has none. Here they are in before the
check, asked whether they compute what they stand for, and out again when the run is over.

The projection on the vocabulary is not theirs: TRL's own fused head computes the loss with and without them, and
Liger's fused cross entropy would replace the forward pass that it lives in (decision 118).
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from assay.errors import AssayError, MissingExtraError, SettingsError, TrainingError
from assay.models import ModelRef, import_bitsandbytes, load_config
from assay.models.hub import first_line

from ..settings import TrainSettings

if TYPE_CHECKING:
    from types import ModuleType

    import torch
    from transformers import PreTrainedModel

ALIKE = {"float32": 1e-3, "bfloat16": 0.1, "float16": 0.1}
"""Length of the difference of two gradients, in that of one, which rounding explains."""


class Gradient(NamedTuple):
    """Of the loss of some records; vector is that of all parameters that train, in float32."""

    loss: float
    vector: torch.Tensor


def interpreted() -> bool:
    """Whether Triton was told to interpret its kernels, which it does on a processor too, a row at a time."""
    return os.environ.get("TRITON_INTERPRET") == "1"


def check_liger(settings: TrainSettings, ref: ModelRef) -> None:
    """Raises SettingsError where Liger has no kernels for the family, passes an adapter by, or cannot be imported."""
    if settings.lora_target_parameters:
        raise SettingsError(
            "use_liger_kernel with lora_target_parameters is not offered: Liger computes experts past their adapter",
            fix="leave one of them out",
        )
    config = load_config(ref)
    families = {str(config.model_type), str(config.get_text_config().model_type)}
    if not families & _patches().MODEL_TYPE_TO_APPLY_LIGER_FN.keys():
        raise SettingsError(
            f"use_liger_kernel: Liger {_version()} has no kernels for the architecture '{config.model_type}'",
            where=ref.name,
            fix="leave it out",
        )


@contextlib.contextmanager
def liger_kernels(model: PreTrainedModel, gradient: Callable[[], Gradient], dtype: str) -> Iterator[str]:
    """The model with Liger's kernels in it; yields what was replaced, and how little that changes, in words.

    What Liger replaces in modules of transformers is put back in the end, so that a model that is loaded afterwards is
    as it was before.

    model     beneath the adapter
    gradient  of some records, as the model is when it is called

    Raises SettingsError where nothing was replaced, and TrainingError where the kernels do not run here or compute
    something else.
    """
    plain = gradient()
    before = _definitions()
    try:
        # Granite's function would put Liger's cross entropy into torch itself unless it is told not to.
        _patches()._apply_liger_kernel_to_instance(model=model, fused_linear_cross_entropy=False, cross_entropy=False)
        replaced = [*_replaced_modules(model), *_replaced_functions(before)]
        if not replaced:
            raise SettingsError(
                f"use_liger_kernel: Liger {_version()} replaced nothing in this {type(model).__name__}",
                fix="leave it out",
            )
        try:
            fused = gradient()
        except AssayError:
            raise
        except Exception as error:  # of Triton's compiler, of a driver, of a shape that a kernel does not take
            raise _refused(f"its kernels do not run here: {first_line(error)}") from error
        difference = _difference(plain, fused)
        if not difference <= ALIKE[dtype]:
            raise _refused(
                f"its kernels compute something else than {type(model).__name__}: the loss of some records is "
                f"{fused.loss:.4g} and was {plain.loss:.4g}, their gradients differ by {difference:.2g} of their length"
            )
        yield _in_words(replaced, abs(fused.loss - plain.loss), difference)
    finally:
        _put_back(before)


def _in_words(replaced: list[str], loss: float, gradient: float) -> str:
    where = " in Triton's interpreter, which is slow" if interpreted() else ""
    return (
        f"Liger {_version()} computes {', '.join(replaced)}{where}; on some records the loss differs by {loss:.1e}, "
        f"the gradient by {gradient:.1e} of its length"
    )


def _patches() -> Any:
    with contextlib.suppress(MissingExtraError):
        import_bitsandbytes()  # else PEFT does, which Liger imports, and is not kept from asking the hub for a kernel
    # It warns of each way to compute a kernel that is not installed.
    logging.getLogger("liger_kernel").setLevel(logging.ERROR)
    try:
        return importlib.import_module("liger_kernel.transformers.monkey_patch")
    except ImportError as error:  # it asks for a transformers, and a Triton, of its time
        raise SettingsError(
            f"use_liger_kernel: liger-kernel cannot be used: {first_line(error)}",
            fix="pip install -U liger-kernel, or leave it out",
        ) from error


def _version() -> str:
    return importlib.metadata.version("liger-kernel")


def _definitions() -> Mapping[ModuleType, Mapping[str, Any]]:
    """What the modules of transformers' families define now."""
    names = [name for name in sys.modules if name.startswith("transformers.models.") and ".modeling_" in name]
    return {sys.modules[name]: dict(vars(sys.modules[name])) for name in names}


def _put_back(before: Mapping[ModuleType, Mapping[str, Any]]) -> None:
    for module, names in before.items():
        for name, value in names.items():
            if vars(module).get(name) is not value:
                setattr(module, name, value)


def _replaced_modules(model: PreTrainedModel) -> list[str]:
    """Of the model, counted by the name that Liger gives them: "5 RMSNorm"."""
    names: Counter[str] = Counter()
    for module in model.modules():
        forward = vars(module).get("forward")
        if getattr(getattr(forward, "__func__", None), "__module__", "").startswith("liger_kernel."):
            names[module._get_name().removeprefix("Liger")] += 1
    return [f"{count} {name}" for name, count in sorted(names.items())]


def _replaced_functions(before: Mapping[ModuleType, Mapping[str, Any]]) -> list[str]:
    rotary = [
        name
        for module, names in before.items()
        for name, value in names.items()
        if "rotary" in name and vars(module).get(name) is not value
    ]
    return ["rotary positions"] if rotary else []


def _difference(plain: Gradient, fused: Gradient) -> float:
    """The greater of that of the gradients and that of the losses, each as a share. No number where one is none."""
    if plain.vector.shape != fused.vector.shape:
        return float("inf")  # a kernel that passes an adapter by leaves it without a gradient
    apart = float((plain.vector - fused.vector).norm() / plain.vector.norm().clamp_min(1e-30))
    return max(apart, abs(plain.loss - fused.loss) / max(abs(plain.loss), 1e-3))


def _refused(why: str) -> TrainingError:
    return TrainingError(
        f"use_liger_kernel: with Liger {_version()} and this model {why}",
        fix="leave it out, or pip install -U liger-kernel",
    )

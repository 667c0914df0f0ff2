"""A share of the model on each device, by PyTorch's FSDP2 (`fully_shard`) through accelerate, on CPUs as on GPUs.

accelerate (1.15, `AcceleratorState`) reads the settings of FSDP for groups of accelerators alone; a group of CPU
processes it takes for data parallel, in silence. `fully_shard` itself needs no GPU, so that the state is set here, and
what trains on cards is what two processes of a laptop prove.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from assay.errors import SettingsError, TrainingError

if TYPE_CHECKING:
    import torch

    from ..settings import TrainSettings

ENABLED = "ACCELERATE_USE_FSDP"
NEEDED = (1, 15)
"""Of accelerate: earlier ones save the first process' slice of each adapter tensor alone (accelerate PR 4206)."""

SETTINGS: Mapping[str, Any] = {
    "fsdp_version": 2,
    "fsdp_auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
    "fsdp_reshard_after_forward": True,
    "fsdp_cpu_ram_efficient_loading": False,
    "fsdp_offload_params": False,
    "fsdp_state_dict_type": "FULL_STATE_DICT",
}
"""The layers of a transformer are sharded one by one; the wrap policy takes their class from the model."""


def environment() -> dict[str, str]:
    """What `accelerate launch` tells each process of `SETTINGS`."""
    said = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in SETTINGS.items()}
    return {ENABLED: "true", **{name.upper(): value for name, value in said.items()}}


def is_sharded() -> bool:
    """Whether this process was told to hold a share of the model."""
    return os.environ.get(ENABLED, "").lower() in ("true", "1")


def check_sharding(settings: TrainSettings) -> None:
    """Raises SettingsError for what cannot be trained in shares, or would not be saved whole."""
    import accelerate

    if str(settings.init_lora_weights).startswith("pissa"):
        raise SettingsError(
            f"init_lora_weights: {settings.init_lora_weights} is saved as the difference to its start, which is not "
            "offered with --strategy fsdp",
            fix="--strategy ddp, or another start",
        )
    if settings.new_tokens:
        raise SettingsError(
            "new_tokens trains single rows of an embedding, which PEFT and FSDP do not do together",
            fix="--strategy ddp, or leave new_tokens out",
        )
    found = tuple(int(part) for part in accelerate.__version__.split(".")[:2] if part.isdigit())
    if found < NEEDED:
        raise SettingsError(
            f"--strategy fsdp: accelerate {accelerate.__version__} saves a part of a sharded adapter as if it were all",
            fix="pip install 'accelerate>=1.15'",
        )


def use_fsdp(accelerator: Any) -> None:
    """Makes an accelerator of several processes shard what it prepares, and add gradients up in float32."""
    import torch
    from accelerate import PartialState
    from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin
    from torch.distributed.fsdp import MixedPrecisionPolicy

    state = accelerator.state
    if getattr(state, "fsdp_plugin", None) is None:
        for name, value in environment().items():
            os.environ.setdefault(name, value)  # `torchrun` by hand tells no more than that it is FSDP
        # AcceleratorState takes its kind from PartialState whenever one is made.
        state.distributed_type = PartialState().distributed_type = DistributedType.FSDP
        state.fsdp_plugin = FullyShardedDataParallelPlugin()
    half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(accelerator.mixed_precision)
    if half is not None:
        policy = MixedPrecisionPolicy(param_dtype=half, reduce_dtype=torch.float32, cast_forward_inputs=False)
        state.fsdp_plugin.mixed_precision_policy = policy


def whole_tensors(model: torch.nn.Module) -> dict[str, torch.Tensor] | None:
    """What trains, put together from the shares of all processes; None of a model that is not sharded.

    Every process has to call it. On the CPU, so that a card need not hold it.
    """
    from torch.distributed.tensor import DTensor

    parameters = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    if any(hasattr(parameter, "ds_id") for parameter in parameters.values()):
        return _whole_from_zero3(parameters)
    if not any(isinstance(parameter, DTensor) for parameter in parameters.values()):
        return None
    whole = {}
    for name, parameter in parameters.items():
        tensor = parameter.full_tensor() if isinstance(parameter, DTensor) else parameter
        whole[name] = tensor.detach().cpu()
    return whole


def _whole_from_zero3(parameters: Mapping[str, torch.nn.Parameter]) -> dict[str, torch.Tensor]:
    """By DeepSpeed's own gathering, which fills each parameter in for as long as the block lasts.

    Raises TrainingError where one stays empty: a share of it would be saved as if it were all.
    """
    zero: Any = importlib.import_module("deepspeed").zero
    with zero.GatheredParameters(list(parameters.values())):
        whole = {name: parameter.detach().cpu().clone() for name, parameter in parameters.items()}
    empty = next((name for name, tensor in whole.items() if not tensor.numel()), None)
    if empty is not None:
        raise TrainingError(f"DeepSpeed did not put {empty} together, so the adapter is not saved")
    return whole

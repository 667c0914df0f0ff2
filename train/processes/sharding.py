"""A share of the model on each device, by PyTorch's FSDP2 (`fully_shard`) through accelerate, on CPUs as on GPUs.

accelerate (1.15, `AcceleratorState`) reads the settings of FSDP for groups of accelerators alone; a group of CPU
processes it takes for data parallel, in silence. `fully_shard` itself needs no GPU, so that the state is set here, and
what trains on cards is what two processes of a laptop prove.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from assay.errors import SettingsError

if TYPE_CHECKING:
    import torch

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


def is_fsdp() -> bool:
    """Whether this process was told to hold a share of the model by FSDP."""
    return os.environ.get(ENABLED, "").lower() in ("true", "1")


def check_accelerate() -> None:
    """Raises SettingsError for one that would not save an adapter whole."""
    import accelerate

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


def whole_from_fsdp(parameters: Mapping[str, torch.nn.Parameter]) -> dict[str, torch.Tensor]:
    """Every process has to call it. On the CPU, so that a card need not hold it."""
    from torch.distributed.tensor import DTensor

    whole = {}
    for name, parameter in parameters.items():
        tensor = parameter.full_tensor() if isinstance(parameter, DTensor) else parameter
        whole[name] = tensor.detach().cpu()
    return whole

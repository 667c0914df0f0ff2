"""A share of the model (ZeRO 3), or of gradients and optimiser (ZeRO 2), on each device, by DeepSpeed.

Through accelerate, on CPUs as on GPUs. accelerate (1.15, `AcceleratorState`) reads the settings of DeepSpeed for groups
of accelerators alone; a group of CPU processes it takes for data parallel, in silence. DeepSpeed itself has an
accelerator that is a CPU, so that the state is set here, and what trains on cards is what two processes of a laptop
prove.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import logging
import os
import sys
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from assay.errors import SettingsError, TrainingError

if TYPE_CHECKING:
    import torch
    from trl import SFTTrainer

    from ..settings import TrainSettings

ENABLED = "ACCELERATE_USE_DEEPSPEED"
STAGE = "ACCELERATE_DEEPSPEED_ZERO_STAGE"
NEEDED = "0.19.8"
"""Of DeepSpeed: what was run. Earlier ones mix up precisions when they gather an adapter (DeepSpeed 8072, 8113)."""

STAGES: Mapping[int, str] = {
    2: "a share of gradients and optimiser on each device (DeepSpeed ZeRO 2)",
    3: "a share of the model on each device (DeepSpeed ZeRO 3)",
}


def config(stage: int) -> dict[str, Any]:
    """`deepspeed_config` of accelerate. What is "auto" is the recipe's: transformers fills it in from the trainer.

    zero3_init_flag would take the weights apart while they are read; see `prepare`.
    """
    return {
        "zero_stage": stage,
        "zero3_init_flag": False,
        "zero3_save_16bit_model": stage == 3,
        "offload_optimizer_device": "none",
        "offload_param_device": "none",
        "gradient_accumulation_steps": "auto",
        "gradient_clipping": "auto",
    }


def environment(stage: int, *, on_gpu: bool) -> dict[str, str]:
    """What `accelerate launch` tells each process of `config`; and on CPUs, that DeepSpeed is to stay on them."""
    names = {
        "zero_stage": STAGE,
        "zero3_init_flag": "ACCELERATE_DEEPSPEED_ZERO3_INIT",
        "zero3_save_16bit_model": "ACCELERATE_DEEPSPEED_ZERO3_SAVE_16BIT_MODEL",
        "offload_optimizer_device": "ACCELERATE_DEEPSPEED_OFFLOAD_OPTIMIZER_DEVICE",
        "offload_param_device": "ACCELERATE_DEEPSPEED_OFFLOAD_PARAM_DEVICE",
        "gradient_accumulation_steps": "ACCELERATE_GRADIENT_ACCUMULATION_STEPS",
        "gradient_clipping": "ACCELERATE_GRADIENT_CLIPPING",
    }
    told = {names[name]: str(value).lower() for name, value in config(stage).items()}
    return {ENABLED: "true", **told, **({} if on_gpu else {"DS_ACCELERATOR": "cpu"})}


def stage() -> int:
    """The ZeRO stage that this process was told, 0 where it is none of DeepSpeed's; accelerate's default is 2.

    Raises SettingsError.
    """
    if os.environ.get(ENABLED, "").lower() not in ("true", "1"):
        return 0
    told = os.environ.get(STAGE, "2")
    if not told.isdigit():
        raise SettingsError(f"{told} is no stage of ZeRO", where=STAGE, fix="2 or 3")
    return int(told)


def check_zero(settings: TrainSettings, stage: int) -> None:
    """Raises SettingsError where DeepSpeed is missing or older than what was tried, or does not take the settings."""
    from packaging.version import Version

    if stage not in STAGES:
        raise SettingsError(f"ZeRO stage {stage} is not offered", where=STAGE, fix="2 or 3")
    if importlib.util.find_spec("deepspeed") is None:
        raise SettingsError(
            "--strategy deepspeed: deepspeed is not installed",
            fix="DS_BUILD_OPS=0 pip install deepspeed, or --strategy fsdp",
        )
    found = importlib.metadata.version("deepspeed")
    if Version(found) < Version(NEEDED):
        raise SettingsError(
            f"--strategy deepspeed: deepspeed {found} is older than {NEEDED}, which was tried",
            fix=f"DS_BUILD_OPS=0 pip install 'deepspeed>={NEEDED}'",
        )
    if settings.device == "mps":
        raise SettingsError("--strategy deepspeed is for CPUs and CUDA GPUs, and device is mps", fix="--strategy ddp")


def use_zero(trainer: SFTTrainer) -> None:
    """Makes a trainer of several processes share out by DeepSpeed, with the precision that one process has.

    accelerate would turn on DeepSpeed's own bf16, which rounds the adapter to bfloat16 and keeps the float32 weights
    out of sight: what is saved is rounded. `torch_autocast` leaves it in float32, as one process does, and adds
    gradients up in float32 when no module is listed as safe for less.
    """
    import torch
    from accelerate import PartialState
    from accelerate.utils import DistributedType
    from transformers.integrations.deepspeed import propagate_args_to_deepspeed, unset_hf_deepspeed_config

    _quiet(on_gpu=trainer.args.device.type == "cuda")
    state = trainer.accelerator.state
    if getattr(state, "deepspeed_plugin", None) is None:
        plugin = trainer.args.deepspeed_plugin
        # AcceleratorState takes its kind from PartialState whenever one is made.
        state.distributed_type = PartialState().distributed_type = DistributedType.DEEPSPEED
        state.deepspeed_plugins = plugin
        plugin.select(_from_accelerator_state=True)
        trainer.is_deepspeed_enabled = True
        propagate_args_to_deepspeed(trainer.accelerator, trainer.args)
    settings = state.deepspeed_plugin.deepspeed_config
    for name in ("bf16", "fp16"):
        settings[name] = {"enabled": False}
    half = {"bf16": "bfloat16", "fp16": "float16"}.get(trainer.args.mixed_precision)
    if half is not None:
        settings["torch_autocast"] = {"enabled": True, "dtype": half, "lower_precision_safe_modules": []}
        # transformers evaluates the model past DeepSpeed's engine, which would compute in another precision.
        kind, dtype = trainer.args.device.type, getattr(torch, half)
        trainer.autocast_smart_context_manager = lambda cache_enabled=True: torch.autocast(kind, dtype=dtype)
    unset_hf_deepspeed_config()  # what asks for it takes the model for shared out, and it is whole until `prepare`


def prepare(trainer: SFTTrainer) -> None:
    """Sizes DeepSpeed's buffers by what trains, and takes the model apart (ZeRO 3); just before training.

    By itself DeepSpeed adds gradients up in a buffer of 5e8 numbers, 2 GB on each card whatever the adapter needs. The
    other two are what transformers puts for "auto".
    """
    from transformers.integrations.deepspeed import set_hf_deepspeed_config

    plugin = trainer.accelerator.state.deepspeed_plugin
    settings = plugin.deepspeed_config
    set_hf_deepspeed_config(plugin.hf_ds_config)
    width = trainer.model.config.get_text_config().hidden_size
    settings["zero_optimization"] |= {
        "reduce_bucket_size": sum(each.numel() for each in trainer.model.parameters() if each.requires_grad),
        "stage3_prefetch_bucket_size": int(0.9 * width * width),
        "stage3_param_persistence_threshold": 10 * width,
    }
    if stage() == 3:
        _share_out(trainer.model, trainer.args.device, settings)


def _share_out(model: torch.nn.Module, device: torch.device, settings: Mapping[str, Any]) -> None:
    """Takes a whole model on the processor apart, one parameter after the other, before a card gets it.

    `deepspeed.initialize` would put all of it onto every card first (DeepSpeed 5660), unless it finds it shared out.
    Reading the weights in shares (`zero3_init_flag`) does not go with 4-bit weights, nor with a gradient that is
    checked before the first step.
    """
    deepspeed: Any = importlib.import_module("deepspeed")
    deepspeed.init_distributed(auto_mpi_discovery=False, verbose=False)
    for buffer in model.buffers():
        buffer.data = buffer.data.to(device)
    for parameter in model.parameters():
        quantised = getattr(parameter, "quant_state", None)
        if quantised is not None:
            quantised.to(device)
    deepspeed.zero.Init(module=model, config_dict_or_path=dict(settings))


def whole(parameters: Mapping[str, torch.nn.Parameter]) -> dict[str, torch.Tensor]:
    """In float32 on the CPU, put together from the shares of the optimiser; ZeRO 2 leaves parameters whole.

    `GatheredParameters` would ask the parameters themselves, and after an evaluation some are still on their way to a
    forward pass that does not come ("Cannot partition a param in flight").

    Raises TrainingError where one is not put together: a share of it would be saved as if it were all.
    """
    put_together: Any = importlib.import_module("deepspeed.utils").safe_get_full_fp32_param
    found = {}
    with warnings.catch_warnings(action="ignore"):
        for name, parameter in parameters.items():
            tensor = put_together(parameter) if hasattr(parameter, "ds_id") else parameter
            if tensor is None or not tensor.numel():
                raise TrainingError(f"DeepSpeed did not put {name} together, so the adapter is not saved")
            found[name] = tensor.detach().cpu().clone()
    return found


def _quiet(*, on_gpu: bool) -> None:
    """What DeepSpeed logs goes to stderr, as stdout is for results; and on a CPU it compiles nothing.

    The kernel that it would build there adds up in shared memory at inference. Building takes a compiler and a minute,
    and one that is killed leaves a lock behind which the next run waits for without end.
    """
    if not on_gpu:
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    deepspeed: Any = importlib.import_module("deepspeed")
    if not on_gpu:
        deepspeed.ops.__compatible_ops__ = {}
    # accelerate warns that transformers accumulates gradients by itself, and DeepSpeed's setting is the recipe's.
    logging.getLogger("accelerate.accelerator").setLevel(logging.ERROR)
    logger = importlib.import_module("deepspeed.utils").logger
    logger.setLevel(logging.ERROR)
    for handler in logger.handlers:
        handler.setStream(sys.stderr)

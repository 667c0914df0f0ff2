"""From settings, data and hardware to the values that training uses, each with the ground it stands on."""

from __future__ import annotations

import dataclasses
import importlib.util
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.errors import SettingsError
from assay.models import cpu_computes_bf16
from assay.models.devices import computes_bf16, runs_flash_attention, unused_gpu

from .settings import PRESETS, TrainSettings

EFFECTIVE_BATCH = 16
LEARNING_RATE = 2e-4
SMALL_SET = 1000
"""Training records below which two epochs are the default instead of three."""

EVALUATIONS = 6
TOKENS_AT_ONCE = 8192
"""Padded tokens of one forward pass; what bounds activations, whatever the length of the records."""


@dataclass(frozen=True)
class Hardware:
    """device as torch names it; computes_bf16 in hardware, for emulation is slower than float32.

    flash_attention  whether flash-attn is installed beside a GPU
    """

    device: str
    computes_bf16: bool
    processes: int = 1
    flash_attention: bool = False

    @property
    def is_gpu(self) -> bool:
        return self.device.startswith("cuda")


@dataclass(frozen=True)
class Recipe:
    """Every value that training uses.

    grounds  {setting: "given" | "preset ..." | "the data" | "the hardware" | "default" ...}
    packed_length  tokens of a row of several records, 0 where each record is a row of its own
    packed_attention  flash_attention_2 takes the records' lengths; mask hides them from each other; empty: not packed
    steps    optimiser steps of the whole run
    general_ratio  share of general records among those that train
    """

    load_in_4bit: bool
    bnb_4bit_quant_type: str
    bnb_4bit_use_double_quant: bool
    dtype: str
    device: str
    lora_r: int
    lora_alpha: int
    lora_dropout: float
    lora_target_modules: str | tuple[str, ...]
    lora_target_parameters: str | tuple[str, ...]
    use_rslora: bool
    use_dora: bool
    init_lora_weights: bool | str
    new_tokens: tuple[str, ...]
    new_token_ids: tuple[int, ...]
    loraplus_lr_ratio: float
    neftune_noise_alpha: float
    learning_rate: float
    lr_scheduler_type: str
    warmup_steps: float
    weight_decay: float
    max_grad_norm: float
    optim: str
    num_train_epochs: float
    effective_batch_size: int
    per_device_train_batch_size: int
    per_device_eval_batch_size: int
    gradient_accumulation_steps: int
    gradient_checkpointing: bool
    max_length: int
    use_liger_kernel: bool
    backend: str
    packing: bool
    packed_length: int
    packed_attention: str
    assistant_only_loss: bool
    completion_only_loss: bool
    eval_steps: int
    early_stopping_patience: int
    pad_token_id: int
    seed: int
    report_to: str
    steps: int
    processes: int
    general_ratio: float = 0.0
    grounds: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {key: value for key, value in dataclasses.asdict(self).items() if key != "grounds"} | {
            "grounds": dict(self.grounds)
        }


class _Choices:
    """Takes the user's value where there is one, and notes where each came from."""

    def __init__(self, settings: TrainSettings) -> None:
        self.settings = settings
        self.grounds: dict[str, str] = {}

    def take(self, name: str, default: Any, ground: str = "default") -> Any:
        given = getattr(self.settings, name)
        self.grounds[name] = "given" if given is not None else ground
        return default if given is None else given


def resolve(
    settings: TrainSettings, *, records: int, longest: int, pad_token_id: int, hardware: Hardware, validated: bool
) -> Recipe:
    """records and longest (tokens) of what trains; validated says whether there is a validation set.

    Raises SettingsError when batch sizes do not fit together, or nothing would train.
    """
    choices = _Choices(settings)
    take = choices.take
    r = take("lora_r", PRESETS[settings.preset].lora_r, f"preset {settings.preset}")
    max_length = take("max_length", longest, "the data: its longest record")
    batch, per_device, accumulation = _batches(choices, records, min(max_length, longest), hardware.processes)
    epochs, ground = (2, f"fewer than {SMALL_SET} records") if records < SMALL_SET else (3, "default")
    epochs = take("num_train_epochs", epochs, ground)
    steps = math.ceil(math.floor(epochs * records) / batch)
    if not steps:
        raise SettingsError(
            f"num_train_epochs: {epochs:g} of {records:,} records is none", fix=f"{1 / records:.2g} is one record"
        )
    target = take("lora_target_modules", "all-linear")
    dtype, dtype_ground = precision(settings, hardware)
    switches = _switches(settings)
    recipe = Recipe(
        **{name: getattr(settings, name) for name in switches if name != "new_tokens"},
        dtype=dtype,
        device=hardware.device,
        lora_r=r,
        lora_alpha=take("lora_alpha", 2 * r, "twice lora_r"),
        lora_dropout=take("lora_dropout", *_dropout(settings)),
        lora_target_modules=target if isinstance(target, str) else tuple(target),
        new_tokens=tuple(settings.new_tokens),
        new_token_ids=(),
        learning_rate=take("learning_rate", LEARNING_RATE),
        lr_scheduler_type=take("lr_scheduler_type", "cosine"),
        warmup_steps=take("warmup_steps", *_warmup(steps)),
        weight_decay=take("weight_decay", 0.0),
        max_grad_norm=take("max_grad_norm", 1.0),
        optim=take("optim", "adamw_torch"),
        num_train_epochs=epochs,
        effective_batch_size=batch,
        per_device_train_batch_size=per_device,
        per_device_eval_batch_size=per_device,
        gradient_accumulation_steps=accumulation,
        gradient_checkpointing=take("gradient_checkpointing", hardware.is_gpu, "the hardware"),
        max_length=max_length,
        packed_length=0,
        packed_attention="",
        eval_steps=take("eval_steps", *_interval(settings, steps, epochs)),
        early_stopping_patience=take("early_stopping_patience", 3) if validated else 0,
        pad_token_id=pad_token_id,
        steps=steps,
        processes=hardware.processes,
    )
    grounds = {**choices.grounds, **switches, "dtype": dtype_ground, **_other_grounds(settings, validated=validated)}
    return dataclasses.replace(recipe, grounds=dict(sorted(grounds.items())))


def _other_grounds(settings: TrainSettings, *, validated: bool) -> dict[str, str]:
    """Of the values that no setting of their own decides."""
    found = {
        "device": "the hardware" if settings.device == "auto" else "given",
        "new_token_ids": "the vocabulary",
        "packed_length": "not packed",
        "packed_attention": "not packed",
        "per_device_eval_batch_size": "that of training, without packing",
        "pad_token_id": "given" if settings.pad_token else "never a token that ends a turn",
    }
    return found if validated else {**found, "early_stopping_patience": "there is no validation set"}


def _warmup(steps: int) -> tuple[float, str]:
    """The first step of a warm-up has the rate 0: a run of one step would learn nothing."""
    return (0.05, "default") if steps > 1 else (0.0, "the run is one step")


def _dropout(settings: TrainSettings) -> tuple[float, str]:
    """PEFT adds what an adapter learns of a single tensor to the tensor itself, and there is nothing to drop."""
    return (0.0, "none with lora_target_parameters") if settings.lora_target_parameters else (0.05, "default")


def _switches(settings: TrainSettings) -> dict[str, str]:
    """The ground of each value that is the setting itself."""
    usual = TrainSettings()
    names = {field.name for field in dataclasses.fields(Recipe)} & {field.name for field in dataclasses.fields(usual)}
    same = {name: getattr(settings, name) == getattr(usual, name) for name in names}
    return {name: "default" if same[name] else "given" for name in names if getattr(usual, name) not in (None, "auto")}


def _interval(settings: TrainSettings, steps: int, epochs: float) -> tuple[int, str]:
    """Steps between evaluations, and on what grounds."""
    if settings.eval_strategy == "epoch":
        return max(1, round(steps / epochs)), "eval_strategy: epoch"
    return max(1, math.ceil(steps / EVALUATIONS)), f"about {EVALUATIONS} a run"


def find_hardware(settings: TrainSettings) -> Hardware:
    """The device that will train. Raises SettingsError when one is asked for that is not there."""
    import torch

    wanted = settings.device
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if wanted == "mps" and not torch.backends.mps.is_available():
        raise SettingsError("device: mps is asked for, and this is no Apple GPU", fix="set device: auto")
    if wanted == "auto":
        on_mac = torch.backends.mps.is_available() and not settings.load_in_4bit
        wanted = "cuda" if torch.cuda.is_available() else "mps" if on_mac else "cpu"
    if wanted.startswith("cuda"):
        device = _card(wanted, processes)
        flash = importlib.util.find_spec("flash_attn") is not None and runs_flash_attention(device)
        return Hardware(device, computes_bf16(device), processes, flash)
    if wanted == "mps":
        return Hardware(wanted, True, processes)
    if wanted != "cpu":
        raise SettingsError(f"no device '{wanted}'", fix="auto, cpu, cuda, cuda:N or mps")
    return Hardware("cpu", cpu_computes_bf16(), processes)


def _card(wanted: str, processes: int) -> str:
    """`cuda` with its number: the first, or of several processes the one of each. Raises SettingsError."""
    import torch

    if not torch.cuda.is_available():
        found = unused_gpu()
        why = "" if found is None else f": {found.why}"
        fix = "install a CUDA build of torch and check `nvidia-smi`" if found is None else found.fix
        raise SettingsError(
            f"device: {wanted} is asked for, and no GPU can be used here{why}", fix=f"set device: auto, or {fix}"
        )
    kind, colon, number = wanted.partition(":")
    if kind != "cuda" or (colon and not number.isdecimal()):
        raise SettingsError(f"no device '{wanted}'", fix="auto, cpu, cuda, cuda:N or mps")
    first = "0" if processes == 1 else os.environ.get("LOCAL_RANK", "0")
    index, there = int(number or first), torch.cuda.device_count()
    if index >= there:
        known = "cuda:0 alone" if there == 1 else f"cuda:0 to cuda:{there - 1}"
        raise SettingsError(
            f"device: cuda:{index} is asked for, and there is {known}",
            fix="name one of them, or check CUDA_VISIBLE_DEVICES",
        )
    return f"cuda:{index}"


def precision(settings: TrainSettings, hardware: Hardware) -> tuple[str, str]:
    """On a CPU bfloat16 took 0.7 of float32's time where the processor computes it; elsewhere it is emulated."""
    if settings.dtype != "auto":
        return settings.dtype, "given"
    if hardware.computes_bf16:
        return "bfloat16", "the hardware computes bfloat16"
    return ("float16" if hardware.is_gpu else "float32"), "the hardware does not compute bfloat16"


def _batches(choices: _Choices, records: int, longest: int, processes: int) -> tuple[int, int, int]:
    """(records a step, records a device at once, accumulation); their product over the devices is the first."""
    settings = choices.settings
    per_device, accumulation = settings.per_device_train_batch_size, settings.gradient_accumulation_steps
    if per_device and accumulation:
        choices.grounds |= dict.fromkeys(("per_device_train_batch_size", "gradient_accumulation_steps"), "given")
        batch = per_device * accumulation * processes
        if settings.effective_batch_size not in (None, batch):
            raise SettingsError(
                f"effective_batch_size is {settings.effective_batch_size}, but per_device_train_batch_size "
                f"{per_device} x gradient_accumulation_steps {accumulation} x {processes} processes is {batch}",
                fix="leave one of them out",
            )
        choices.grounds["effective_batch_size"] = "given by its parts"
        return batch, per_device, accumulation
    batch = choices.take("effective_batch_size", max(processes, min(EFFECTIVE_BATCH, records)))
    if batch % processes:
        raise SettingsError(
            f"effective_batch_size {batch} cannot be shared by {processes} processes", fix="choose a multiple of them"
        )
    share = batch // processes
    if accumulation:
        fits = share % accumulation == 0
        per_device = share // accumulation
    elif per_device:
        fits = share % per_device == 0
    else:
        fits = True
        per_device = max(n for n in range(1, share + 1) if share % n == 0 and (n == 1 or n * longest <= TOKENS_AT_ONCE))
    if not fits:
        raise SettingsError(
            f"effective_batch_size {batch} over {processes} processes does not divide into the given parts",
            fix="choose per_device_train_batch_size and gradient_accumulation_steps whose product divides it",
        )
    choices.take("per_device_train_batch_size", None, f"at most {TOKENS_AT_ONCE} tokens at once")
    choices.take("gradient_accumulation_steps", None, "effective_batch_size is kept")
    return batch, per_device, share // per_device

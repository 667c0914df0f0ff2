"""What a user can say about training, in the names of TRL and PEFT.

None means "decide for me"; `assay.train.recipe` decides, and writes down on what grounds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from assay.errors import SettingsError, did_you_mean


@dataclass(frozen=True)
class Preset:
    """Defaults for one kind of task; lora_alpha is twice lora_r."""

    lora_r: int
    purpose: str


STARTS = ("gaussian", "pissa", "loftq")

PRESETS: Mapping[str, Preset] = {
    "formatting": Preset(8, "a fixed output format or style"),
    "general": Preset(16, "following general instructions"),
    "domain": Preset(16, "the knowledge and tasks of one domain"),
    "shift": Preset(32, "a larger change of behaviour or language"),
}


@dataclass(frozen=True)
class TrainSettings:
    """How to train an adapter.

    preset                  formatting | general | domain | shift: sets lora_r
    load_in_4bit            QLoRA (bitsandbytes NF4) when true, LoRA when false
    dtype                   auto | bfloat16 | float16 | float32; auto measures nothing and asks the hardware
    device                  auto | cpu | cuda | cuda:N | mps
    lora_target_modules     "all-linear", or names of modules
    lora_target_parameters  "experts", or names of tensors that hold the experts of a layer
    init_lora_weights       true | gaussian | pissa | pissa_niter_N (LoRA) | loftq (QLoRA): what an adapter starts from
    new_tokens              tokens to add to the vocabulary, or to train where they are in it: their embeddings alone
    loraplus_lr_ratio       LoRA+: the rate of B over that of A; 1 is plain LoRA (Hayou et al., arXiv:2402.12354)
    neftune_noise_alpha     noise on the embeddings while training; 0 is none (Jain et al., arXiv:2310.05914)
    warmup_steps            below 1 a share of all steps, else a number of steps
    effective_batch_size    records a step, the same whatever the devices
    max_length              in tokens; None takes the longest record of the data
    truncation              what happens to longer records: raise | drop | truncate
    validation              share of the records set aside, whole families, where the data names no split; 0 for none
    eval_strategy           steps | epoch: when the validation loss is taken; epoch sets eval_steps to one epoch
    eval_steps              steps between evaluations and between checkpoints; None makes about six a run
    early_stopping_patience evaluations without a better validation loss before training stops; 0 never stops
    general_data            files of general records, mixed in against forgetting
    general_ratio           share of general records among all that train; None is 0.3 where there is general data
    samples                 validation prompts whose answers are kept at every evaluation; 0 for none
    selection_suite         a domain suite whose generated score picks the best checkpoint, in place of the loss
    selection_items         items of it, at most, out of the half that selects; the gate leaves them out
    pad_token               the token that fills batches up; None takes one that never ends a turn
    use_liger_kernel        Liger's kernels for norms, rotary positions and MLPs, on a GPU
    backend                 trl | unsloth: whose model trains, on a GPU
    packing                 the records of a step share rows without padding, and do not read each other
    assistant_only_loss     false puts prompts into the loss too
    completion_only_loss    true leaves all but the last answer of a conversation out of the loss

    Raises SettingsError for values that cannot be meant.
    """

    preset: str = "domain"
    load_in_4bit: bool = True
    bnb_4bit_quant_type: Literal["nf4", "fp4"] = "nf4"
    bnb_4bit_use_double_quant: bool = True
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    device: str = "auto"
    lora_r: int | None = None
    lora_alpha: int | None = None
    lora_dropout: float | None = None
    lora_target_modules: str | tuple[str, ...] | None = None
    lora_target_parameters: str | tuple[str, ...] = ()
    use_rslora: bool = False
    use_dora: bool = False
    init_lora_weights: bool | str = True
    new_tokens: tuple[str, ...] = ()
    loraplus_lr_ratio: float = 1.0
    neftune_noise_alpha: float = 0.0
    learning_rate: float | None = None
    lr_scheduler_type: str | None = None
    warmup_steps: float | None = None
    weight_decay: float | None = None
    max_grad_norm: float | None = None
    optim: str | None = None
    num_train_epochs: float | None = None
    effective_batch_size: int | None = None
    per_device_train_batch_size: int | None = None
    gradient_accumulation_steps: int | None = None
    gradient_checkpointing: bool | None = None
    max_length: int | None = None
    truncation: Literal["raise", "drop", "truncate"] = "raise"
    use_liger_kernel: bool = False
    backend: Literal["trl", "unsloth"] = "trl"
    packing: bool = False
    assistant_only_loss: bool = True
    completion_only_loss: bool = False
    validation: float = 0.1
    eval_strategy: Literal["steps", "epoch", "no"] = "steps"
    eval_steps: int | None = None
    early_stopping_patience: int | None = None
    general_data: str | tuple[str, ...] = ()
    general_ratio: float | None = None
    pad_token: str | None = None
    samples: int = 3
    selection_suite: str = "none"
    selection_items: int = 50
    seed: int = 0
    report_to: str = "none"

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise SettingsError(f"no training preset '{self.preset}'", fix=did_you_mean(self.preset, PRESETS))
        if self.eval_strategy == "no":
            raise SettingsError(
                "eval_strategy: no would train without ever looking for overfitting",
                fix="set validation: 0 (curate.split.validation: 0 for the pipeline) if no record can be spared for it",
            )
        self._check_start()
        if self.backend == "unsloth":
            self._check_unsloth()
        if self.packing and self.neftune_noise_alpha:
            raise SettingsError(
                "neftune_noise_alpha scales its noise by the length of a row, and a packed row holds many records",
                fix="leave one of packing and neftune_noise_alpha out",
            )
        if self.completion_only_loss and not self.assistant_only_loss:
            raise SettingsError(
                "completion_only_loss trains on the last answer alone, assistant_only_loss: false on prompts too",
                fix="leave one of them out",
            )
        if self.loraplus_lr_ratio < 1:
            raise SettingsError(
                f"loraplus_lr_ratio is {self.loraplus_lr_ratio}, but B should learn at least as fast as A",
                fix="1 is plain LoRA; its authors use 16",
            )
        for name in (
            "lora_r", "lora_alpha", "learning_rate", "num_train_epochs", "effective_batch_size", "max_length",
            "per_device_train_batch_size", "gradient_accumulation_steps", "eval_steps", "max_grad_norm",
            "selection_items",
        ):  # fmt: skip
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise SettingsError(f"{name} is {value}, but should be above 0")
            if value == math.inf:
                raise SettingsError(f"{name} is {value}, but should be a number")
        for name in ("warmup_steps", "weight_decay", "early_stopping_patience", "neftune_noise_alpha", "samples"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise SettingsError(f"{name} is {value}, but should not be below 0")
        if not 0 <= self.seed < 2**32:
            raise SettingsError(f"seed is {self.seed}, but should be at least 0 and below {2**32}")
        if self.general_ratio is not None and not self.general_data:
            raise SettingsError(
                f"general_ratio is {self.general_ratio}, but there is no general_data to draw from",
                fix="name files of general records: general_data: [general.jsonl]",
            )
        if self.general_ratio is not None and not 0 <= self.general_ratio < 1:
            raise SettingsError(f"general_ratio is {self.general_ratio}, but should be at least 0 and below 1")
        if not 0 <= self.validation < 1:
            raise SettingsError(f"validation is {self.validation}, but should be at least 0 and below 1")
        if self.lora_dropout is not None and not 0 <= self.lora_dropout < 1:
            raise SettingsError(f"lora_dropout is {self.lora_dropout}, but should be at least 0 and below 1")

    def _check_unsloth(self) -> None:
        """What it decides by itself (NF4, double quantisation, autocast over float32), or was not tried with."""
        asked = {
            "use_dora": self.use_dora,
            "packing": self.packing,
            "new_tokens": self.new_tokens,
            "use_liger_kernel": self.use_liger_kernel,
            "lora_target_parameters": self.lora_target_parameters,
            f"init_lora_weights: {self.init_lora_weights}": self.init_lora_weights not in (True, "gaussian"),
            "bnb_4bit_quant_type: fp4": self.load_in_4bit and self.bnb_4bit_quant_type == "fp4",
            "bnb_4bit_use_double_quant: false": self.load_in_4bit and not self.bnb_4bit_use_double_quant,
            "dtype: float32": self.dtype == "float32",
        }
        if any(asked.values()):
            raise SettingsError(
                f"backend: unsloth is offered without {' and '.join(name for name, found in asked.items() if found)}",
                fix="leave one of the two out",
            )

    def _check_start(self) -> None:
        start = self.init_lora_weights
        known = isinstance(start, str) and (start in STARTS or re.fullmatch(r"pissa_niter_[1-9]\d*", start))
        if start is not True and not known:
            raise SettingsError(
                f"init_lora_weights: {str(start).lower()} is not offered",
                fix=did_you_mean(str(start), ["true", *STARTS, "pissa_niter_16"]),
            )
        if str(start).startswith("pissa") and self.load_in_4bit:
            raise SettingsError(
                f"init_lora_weights: {start} takes directions out of the base before it is quantised, so its adapter "
                "would fit a 4-bit base that nobody else has",
                fix="set load_in_4bit: false, or init_lora_weights: loftq",
            )
        if start == "loftq" and not self.load_in_4bit:
            raise SettingsError(
                "init_lora_weights: loftq starts from what 4 bits lost, and load_in_4bit is false",
                fix="leave it out, or take pissa",
            )
        if any(not token.strip() for token in self.new_tokens):
            raise SettingsError("new_tokens names a token of no characters")
        if str(start).startswith("pissa") and self.new_tokens:
            raise SettingsError(
                f"init_lora_weights: {start} with new_tokens is not offered: the adapter is saved as a difference, and "
                "embeddings have none",
                fix="leave one of them out",
            )
        if self.lora_target_parameters and (self.use_dora or self.lora_dropout or start not in (True, "gaussian")):
            raise SettingsError(
                "lora_target_parameters goes with plain LoRA alone, without dropout",
                fix="leave use_dora, lora_dropout and init_lora_weights out",
            )
        if start not in (True, "gaussian") and self.use_dora:
            raise SettingsError(
                f"init_lora_weights: {start} with use_dora is not offered: DoRA's magnitudes are those of a base whose "
                "adapter starts at zero",
                fix="leave one of them out",
            )

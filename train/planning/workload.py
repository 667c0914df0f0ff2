"""What one forward and backward pass is made of, whatever the model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ..recipe import Recipe
from .architecture import Lora

Method = Literal["qlora", "lora", "full"]
METHODS: tuple[Method, ...] = ("qlora", "lora", "full")
NAMES = {"qlora": "QLoRA", "lora": "LoRA", "full": "full"}
BYTES = {"bfloat16": 2, "float16": 2, "float32": 4}

EAGER_ATTENTION_UP_TO = 256
"""As `assay.train.trainer` has it: shorter batches use plain matrix products on a CPU."""


@dataclass(frozen=True)
class Workload:
    """batch rows of `sequence` tokens each at a time, `predicted` of all their positions projected on the vocabulary.

    padded         rows of unequal length share a batch, so that attention is given a mask
    eager          plain attention, which keeps every score
    checkpointing  the layers' inputs alone are kept, and the rest is computed again
    dropout        whether it is drawn: not in the check before the first step
    liger          Liger's norms and feed-forward blocks; the check before the first step goes through the others too
    """

    batch: int
    sequence: int
    predicted: int
    padded: bool
    eager: bool
    checkpointing: bool
    dropout: float
    liger: bool = False

    @property
    def tokens(self) -> int:
        return self.batch * self.sequence


@dataclass(frozen=True)
class Setup:
    """How a model trains: what memory and work depend on of a recipe.

    dtype    of the weights that are not quantised, and of the computation; file_bytes a weight in the file
    cuda     a GPU, else the CPU
    experts  `lora_target_parameters`
    check    the pass before the first step; None in full fine-tuning, which assay does not do
    """

    method: Method
    dtype: str
    file_bytes: int
    cuda: bool
    double_quant: bool
    rank: int
    targets: str | tuple[str, ...]
    dora: bool
    step: Workload
    check: Workload | None
    experts: str | tuple[str, ...] = ()

    @property
    def compute_bytes(self) -> int:
        return BYTES[self.dtype]

    @property
    def lora(self) -> Lora:
        return Lora(self.rank, self.targets, self.experts)


@dataclass(frozen=True)
class Lengths:
    """Of the records that train.

    longest    in tokens
    checked    records that the check before the first step goes through, and tokens of the longest of them
    predicted  share of tokens that are trained on
    """

    records: int
    tokens: int
    longest: int
    checked: tuple[int, int]
    predicted: float
    unequal: bool


def setup_of(recipe: Recipe, lengths: Lengths, method: Method, file_dtype: str = "bfloat16") -> Setup:
    """The recipe with another method. Full fine-tuning takes its batches over."""
    cuda = recipe.device.startswith("cuda")
    eager = not cuda and lengths.longest <= EAGER_ATTENTION_UP_TO
    sequence = min(recipe.max_length, lengths.longest)
    batch = recipe.per_device_train_batch_size
    step = Workload(
        batch=batch,
        sequence=sequence,
        predicted=max(1, round(batch * sequence * lengths.predicted)),
        padded=lengths.unequal and batch > 1,
        eager=eager,
        checkpointing=recipe.gradient_checkpointing,
        dropout=recipe.lora_dropout,
        liger=recipe.use_liger_kernel,
    )
    records, tokens = lengths.checked
    check = replace(
        step,
        batch=records,
        sequence=tokens,
        predicted=max(1, round(records * tokens * lengths.predicted)),
        padded=lengths.unequal and records > 1,
        checkpointing=False,
        dropout=0.0,
        liger=False,
    )
    return Setup(
        method=method,
        dtype=recipe.dtype,
        file_bytes=BYTES.get(file_dtype, 2),
        cuda=cuda,
        double_quant=recipe.bnb_4bit_use_double_quant,
        rank=recipe.lora_r,
        targets=recipe.lora_target_modules,
        dora=recipe.use_dora,
        step=step if method != "full" else replace(step, dropout=0.0),
        check=None if method == "full" else check,
        experts=recipe.lora_target_parameters,
    )


def lora_of(recipe: Recipe) -> Lora:
    return Lora(recipe.lora_r, recipe.lora_target_modules, recipe.lora_target_parameters)

"""What a user can say about merging an adapter into its base."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from assay.errors import SettingsError

Base: TypeAlias = Literal["full", "dequantized"]
Dtype: TypeAlias = Literal["bfloat16", "float16", "float32"]


@dataclass(frozen=True)
class MergeSettings:
    """How to merge.

    base     full: the base's own weights; dequantized: what its 4-bit weights stand for, which QLoRA trained against
    dtype    that the sums are rounded to, once, after they were taken in float32
    records  whose answers are weighed

    Raises SettingsError.
    """

    base: Base = "full"
    dtype: Dtype = "bfloat16"
    records: int = 32

    def __post_init__(self) -> None:
        if self.records < 1:
            raise SettingsError(f"records is {self.records}, but should be above 0")

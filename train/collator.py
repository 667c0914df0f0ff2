"""Rows of unequal length as one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.chat import IGNORED

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Collator:
    """Pads on the right: ids with `pad_token_id`, labels with -100, and masks both from attention.

    A packed row comes alone, and its position ids stand in for the mask.
    """

    pad_token_id: int

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        import torch

        if len(rows) == 1 and "position_ids" in rows[0]:
            return {name: torch.as_tensor(values).unsqueeze(0) for name, values in rows[0].items()}
        width = max(len(row["input_ids"]) for row in rows)
        shape = (len(rows), width)
        input_ids = torch.full(shape, self.pad_token_id, dtype=torch.long)
        labels = torch.full(shape, IGNORED, dtype=torch.long)
        attention_mask = torch.zeros(shape, dtype=torch.long)
        for index, row in enumerate(rows):
            length = len(row["input_ids"])
            input_ids[index, :length] = torch.as_tensor(row["input_ids"])
            labels[index, :length] = torch.as_tensor(row["labels"])
            attention_mask[index, :length] = 1
        return {"input_ids": input_ids, "labels": labels, "attention_mask": attention_mask}

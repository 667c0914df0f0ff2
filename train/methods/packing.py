"""Packing: the records of a step share rows, without padding and without reading each other.

What a step learns from is the same with and without packing: its records, in the same order, and the mean over
their trained tokens. Position ids that begin again at 0 tell transformers where a record begins, and it masks
attention accordingly (`masking_utils.find_packed_sequence_indices`; flash attention takes the lengths). An
architecture that does not is found by asking the model before the first step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.chat import IGNORED
from assay.errors import TrainingError

from ..order import training_order
from ..recipe import TOKENS_AT_ONCE, Recipe

if TYPE_CHECKING:
    import torch

    from ..rows import Row

MASKED_ROW = 512
"""Tokens of a row where isolation is a mask: what is masked is computed all the same, so long rows are slow."""

ALIKE = {"float32": 1e-4, "bfloat16": 0.03, "float16": 0.03}
"""Mean difference of logits, in their standard deviations, that rounding explains; a record that reads another
differs by 0.2 and more."""


@dataclass(frozen=True)
class Packs:
    """per_step: rows of every step but a short last one. rows: indices of records, row after row, in order of steps."""

    per_step: int
    rows: tuple[tuple[int, ...], ...]


def pack(lengths: Sequence[int], order: Sequence[int], batch: int, capacity: int, processes: int = 1) -> Packs:
    """Cuts `order` into steps of `batch` records, and each into the same number of rows of about equal length.

    A row holds at most `capacity` tokens, or one record. The number of rows is the smallest multiple of `processes`
    with which every step fits: a step's records, the longest first, go to the row that is the shortest so far.
    """
    steps = [order[start : start + batch] for start in range(0, len(order), batch)]
    per_step = processes
    while per_step < batch and not all(_fits(_deal(step, lengths, per_step), lengths, capacity) for step in steps):
        per_step += processes
    per_step = min(per_step, max(batch, processes))
    return Packs(per_step, tuple(tuple(row) for step in steps for row in _deal(step, lengths, per_step)))


def _deal(step: Sequence[int], lengths: Sequence[int], count: int) -> list[list[int]]:
    """The records of a step in at most `count` rows, none of them empty."""
    rows: list[list[int]] = [[] for _ in range(min(count, len(step)))]
    sums = [0] * len(rows)
    for index in sorted(step, key=lambda index: (-lengths[index], index)):
        shortest = min(range(len(rows)), key=lambda row: (bool(rows[row]), sums[row], row))
        rows[shortest].append(index)
        sums[shortest] += lengths[index]
    return rows


def _fits(rows: Sequence[Sequence[int]], lengths: Sequence[int], capacity: int) -> bool:
    return all(len(row) == 1 or sum(lengths[index] for index in row) <= capacity for row in rows)


def packs_of(recipe: Recipe, lengths: Sequence[int]) -> Packs:
    order = training_order(lengths, recipe.num_train_epochs, recipe.effective_batch_size, recipe.seed)
    return pack(lengths, order, recipe.effective_batch_size, recipe.packed_length, recipe.processes)


def with_packing(recipe: Recipe, lengths: Sequence[int], *, varlen: bool) -> Recipe:
    """The recipe with rows in place of records in a forward pass. varlen: attention takes the lengths of records."""
    capacity = max(max(lengths), TOKENS_AT_ONCE if varlen else MASKED_ROW)
    attention = "flash_attention_2" if varlen else "mask"
    recipe = dataclasses.replace(recipe, packed_length=capacity, packed_attention=attention)
    per_step = packs_of(recipe, lengths).per_step
    grounds = {
        **recipe.grounds,
        "packed_attention": "the hardware" if varlen else "no GPU with flash-attn",
        "packed_length": f"at most {TOKENS_AT_ONCE if varlen else MASKED_ROW} tokens, or the longest record",
        "per_device_train_batch_size": "packing: a row of several records",
        "gradient_accumulation_steps": "packing: the rows of a step",
    }
    return dataclasses.replace(
        recipe,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=per_step // recipe.processes,
        grounds=dict(sorted(grounds.items())),
    )


def packed_row(records: Sequence[Row]) -> dict[str, list[int]]:
    """One row of several records. No label asks what comes first in a record, of what stands before it."""
    ids: list[int] = []
    labels: list[int] = []
    positions: list[int] = []
    for record in records:
        ids += record.input_ids
        labels += [IGNORED, *record.labels[1:]]
        positions += range(len(record.input_ids))
    return {"input_ids": ids, "labels": labels, "position_ids": positions}


def check_isolation(logits: Callable[..., torch.Tensor], first: Row, second: Row, dtype: str) -> None:
    """Asks the model whether what stands before a record in its row changes anything for it.

    logits  of input_ids and position_ids, each of shape (1, tokens): (1, tokens, vocabulary)

    Raises TrainingError when it does, or when a record in a row is another than alone.
    """
    import torch

    start = len(first.input_ids)

    def of_second(before: Sequence[int]) -> torch.Tensor:
        ids = torch.tensor([[*before, *second.input_ids]])
        positions = torch.tensor([[*range(len(before)), *range(len(second.input_ids))]])
        return logits(input_ids=ids, position_ids=positions)[0, len(before) :].float()

    try:
        with torch.no_grad():
            alone = of_second([])
            beside = of_second(first.input_ids)
            other = of_second(([*second.input_ids] * start)[:start])
    except (TypeError, ValueError) as error:
        raise _refused(f"it takes no position ids ({str(error).splitlines()[0]})") from error
    spread = float(alone.std())
    for compared, what in (
        (other, "what stands before a record changes it"),
        (alone, "a record is another than alone"),
    ):
        difference = float((beside - compared).abs().mean()) / spread
        if not difference <= ALIKE[dtype]:
            raise _refused(f"{what} (its logits by {difference:.2g} of their spread)")


def _refused(why: str) -> TrainingError:
    return TrainingError(
        f"packing: with this architecture records in one row would read each other: {why}",
        fix="leave packing out: records of like length share a batch, which wastes as little",
    )


def as_items(records: Sequence[Any], packs: Packs) -> list[dict[str, list[int]]]:
    return [packed_row([records[index] for index in row]) for row in packs.rows]

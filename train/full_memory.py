"""Memory that is full while a model trains: one line that says what to change, and from where the same command goes on.

What is a little too large is most often a batch, so that comes first: with fewer records at a time a step has the same
records, and ends in the same place.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from assay.models.devices import is_out_of_memory, memory_full
from assay.runs import Run

from .checkpoints import Checkpoints
from .recipe import Recipe
from .watching.steps import read_log


@contextmanager
def memory_failures(recipe: Recipe, run: Run) -> Iterator[None]:
    """Raises OutOfMemoryError for memory that is full within the block; checkpoints that are whole stay."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        log = read_log(run.path / "log.jsonl")
        when = f"after step {log[-1].step} of {recipe.steps}" if log else "before the first step"
        kept = max((int(name.rpartition("-")[2]) for name in Checkpoints(run).listed), default=0)
        again = f"with more room the same command goes on from step {kept}" if kept else "`assay plan` says what fits"
        raise memory_full(error, when, f"{smaller(recipe)}; {again}") from error


def smaller(recipe: Recipe) -> str:
    """The setting that takes less and changes least of what is learned."""
    batch = recipe.per_device_train_batch_size
    if batch > 1:
        share = recipe.effective_batch_size // recipe.processes
        fewer = max(count for count in range(1, batch // 2 + 1) if share % count == 0)
        parts = f"train.per_device_train_batch_size={fewer}"
        if recipe.grounds.get("gradient_accumulation_steps") == "given":
            parts += f" train.gradient_accumulation_steps={share // fewer}"
        return f"try {parts} (it is {batch}), which leaves a step its {recipe.effective_batch_size} records"
    if not recipe.gradient_checkpointing:
        return "try train.gradient_checkpointing=true, which keeps less and computes it again"
    if recipe.packing:
        return "try train.packing=false, since a packed row holds several records"
    if not recipe.load_in_4bit and recipe.device != "mps":
        return "try train.load_in_4bit=true, which holds the base in a quarter of the memory"
    return f"try train.max_length below {recipe.max_length:,} with train.truncation=drop, or a smaller model"

"""The end of a run for people: its score, answers before and after, and one thing to try next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .advice import Advice
from .samples import FILE, before_and_after, read_samples


def ending(result: Mapping[str, Any], folder: Path, *, redact: bool) -> Iterator[str]:
    """Lines, each indented.

    result  `Trained.to_json()`; folder  of the run, where the samples are; redact  leaves their texts out
    """
    score, before = result.get("score"), result.get("score_before")
    if score is not None:
        started = f" (before training {before:.1%})" if before is not None else ""
        yield f"  score {score:.1%}{started} on the items that selected"
    taken = [] if redact else read_samples(folder / FILE)
    lines = before_and_after(taken, 0, int(result["best_step"]))
    if lines:
        yield ""
        yield f"  answers to unseen prompts, before training and at step {result['best_step']}"
        yield ""
        yield from lines[:-1]
    for number, advice in enumerate(result.get("advice") or ()):
        line = Advice(**advice).line
        if not number:
            yield ""
        yield f"  after that, perhaps: {line}" if number else f"  try next, and nothing else with it: {line}"

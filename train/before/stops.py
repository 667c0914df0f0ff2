"""Would the model learn to stop? The token that ends a turn at inference has to be among the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.chat import IGNORED
from assay.errors import TrainingError
from assay.models import load_config, load_generation_config

if TYPE_CHECKING:
    from assay.chat import ChatTarget

    from ..rows import Rows


def check_stops(rows: Rows, target: ChatTarget) -> tuple[str, ...]:
    """Warnings. Raises TrainingError when no label is a stop token, or none is one that generation stops at."""
    stops = set(target.stop_token_ids)
    found = [stops.intersection(row.labels) for row in rows.training]
    trained = set().union(*found)
    if not trained:
        raise TrainingError(
            f"no label is a token that ends a turn ({_names(stops, target)}), so the model would never learn to stop; "
            f"the answers end in {_names(_last_labels(rows), target)}",
            where=target.name,
            fix="the chat template should end each answer with a stop token: `assay audit --model --show ID` shows one",
        )
    known = stops_of_inference(target)
    if known and not trained & known:
        raise TrainingError(
            f"the answers end in {_names(trained, target)}, and generation stops at {_names(known, target)} alone: "
            "whoever serves the model would run on past every answer",
            where=target.name,
            fix=f"add {min(trained)} to eos_token_id in the model's generation_config.json",
        )
    without = sum(not some for some in found)
    if without:
        return (f"{without:,} of {len(found):,} training records have no stop token among their labels",)
    return ()


def stops_of_inference(target: ChatTarget) -> set[int]:
    """Where `generate`, and servers that read the same files, end an answer: those of generation_config.json, or of
    config.json without one; and the tokenizer's end of sequence."""
    named = load_generation_config(target.ref)
    value = getattr(named, "eos_token_id", None)
    if value is None:
        value = getattr(load_config(target.ref), "eos_token_id", None)
    ids = list(value) if isinstance(value, list | tuple) else [value]
    return {int(token) for token in (*ids, target.tokenizer.eos_token_id) if token is not None}


def _last_labels(rows: Rows) -> set[int]:
    last = (next((label for label in reversed(row.labels) if label != IGNORED), None) for row in rows.training)
    return {label for label in last if label is not None}


def _names(tokens: set[int], target: ChatTarget) -> str:
    names = [repr(target.tokenizer.convert_ids_to_tokens(token)) for token in sorted(tokens)]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

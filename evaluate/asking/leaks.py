"""Suite items that are in the data the adapter was trained on: by its `assay.json`, or by data that the user names."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import ModelError
from assay.suites import EvaluationText, PromptKeys, prompt_keys, prompt_text
from assay.text import normalize

from ..evaluation import Leak

if TYPE_CHECKING:
    from assay.dataset import Dataset


def adapter_card(adapter: Path) -> dict[str, Any] | None:
    """The adapter's `assay.json`; None when it has none. Raises ModelError when it is damaged."""
    path = adapter / "assay.json"
    if not path.is_file():
        return None
    card: Any = None
    with contextlib.suppress(OSError, ValueError):
        card = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(card, dict):
        raise ModelError("is not a JSON object", where=str(path), fix="restore it, or delete it to go on without")
    return card


def training_prompts(adapter: Path) -> list[tuple[str, PromptKeys]] | None:
    """(record id, keys of its prompt) of what the adapter was trained on; None when that is not known."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    named = (adapter_card(adapter) or {}).get("training_records")
    if not isinstance(named, str) or not (adapter / named).is_file():
        return None
    try:
        table = pq.read_table(adapter / named, columns=["record_id", "prompt_sha256", "normalised_prompt_sha256"])
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        raise ModelError(f"the training records cannot be read ({error})", where=str(adapter / named)) from error
    ids, *keys = (column.to_pylist() for column in table.columns)
    return [(record_id, PromptKeys(*pair)) for record_id, *pair in zip(ids, *keys, strict=True)]


def prompts_of(data: Dataset) -> list[tuple[str, PromptKeys]]:
    """(record id, keys) of every prompt of training data: of each conversation, the prompts of all its answers."""
    found = []
    for record in data.records():
        for position, message in enumerate(record.messages):
            if message.role == "assistant" and position:
                found.append((record.id, prompt_keys(prompt_text(record.messages[:position]))))
    return found


def find_leaks(training: Iterable[tuple[str, PromptKeys]], texts: Sequence[EvaluationText]) -> tuple[Leak, ...]:
    """Items whose prompt is the prompt of a training record: to the letter, or but for case and punctuation."""
    exact: dict[str, str] = {}
    normalised: dict[str, str] = {}
    for record_id, keys in training:
        exact.setdefault(keys.exact, record_id)
        normalised.setdefault(keys.normalised, record_id)
    leaks = []
    for item in texts:
        keys = prompt_keys(item.text)
        if not normalize(item.text):
            continue
        if keys.exact in exact:
            leaks.append(Leak(item.suite, item.item_id, exact[keys.exact], "exact"))
        elif keys.normalised in normalised:
            leaks.append(Leak(item.suite, item.item_id, normalised[keys.normalised], "normalised"))
    return tuple(leaks)

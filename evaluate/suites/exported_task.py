"""What the Python beside an exported suite needs: assay's scoring, and prompts as assay renders them.

lm-eval is imported at the top because the class extends one of its own; the module is imported by exported tasks only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lm_eval.api.task import ConfigurableTask

from ..scorer import make_scorer


class ConversationTask(ConfigurableTask):  # type: ignore[misc]
    """Items that are whole conversations, rendered by the model's chat template and by nothing else."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config={key: value for key, value in config.items() if key != "class"})

    def fewshot_context(self, doc: Mapping[str, Any], num_fewshot: int = 0, **given: Any) -> str:
        """Raises ValueError for a run that would put other prompts than assay does."""
        name = self.config.task
        if num_fewshot or given.get("system_instruction"):
            raise ValueError(f"the prompts of {name} are fixed: leave out --num_fewshot and --system_instruction")
        if not (given.get("apply_chat_template") and given.get("chat_template")):
            raise ValueError(f"the items of {name} are conversations: run lm_eval with --apply_chat_template")
        return str(given["chat_template"](json.loads(doc["messages"])))


def scoring(
    scorer: str, settings: Mapping[str, Any], folder: Path
) -> Callable[[Mapping[str, Any], Sequence[str]], dict[str, float]]:
    """A `process_results` that scores as assay does. A scorer's `file` is found in the folder.

    Raises UnknownNameError or SuiteError.
    """
    given = dict(settings)
    if isinstance(given.get("file"), str):
        given["file"] = str(folder / given["file"])
    ready = make_scorer(scorer, given, str(folder))

    def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
        context = json.loads(doc["context"]) if doc.get("context") else None
        return {scorer: ready(str(results[0]), str(doc["reference"]), f"item '{doc['id']}'", context)}

    return score

"""Is the template of training the one of inference, and the one that the data was curated for?"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import TrainingError

if TYPE_CHECKING:
    from assay.chat import ChatTarget
    from assay.runs import Manifest


def check_template(target: ChatTarget) -> None:
    """Raises TrainingError when the base brings another template than the one that is trained with, for whoever serves
    the adapter on that base asks by the base's; or when its folder holds two that differ, of which each program reads
    its own."""
    own = target.tokenizer.chat_template
    if isinstance(own, dict):
        own = own.get("default") or next(iter(own.values()), None)
    if own and str(own) != target.template:
        raise TrainingError(
            "the chat template to train with is not the one that the base's tokenizer brings, by which it would be "
            "asked at inference",
            where=target.name,
            fix="leave chat_template out, or write yours into the model's folder as chat_template.jinja",
        )
    if isinstance(target.ref.path, Path):
        _check_folder(target.ref.path)


def _check_folder(folder: Path) -> None:
    try:
        beside = (folder / "chat_template.jinja").read_text(encoding="utf-8")
        within = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8")).get("chat_template")
    except (OSError, ValueError, AttributeError):
        return
    if isinstance(within, str) and within.strip() != beside.strip():
        raise TrainingError(
            "chat_template.jinja and the chat_template in tokenizer_config.json differ: transformers would train with "
            "the first, and programs that read the second would ask by it",
            where=str(folder),
            fix="delete the one that is wrong",
        )


def check_curated_for(target: ChatTarget, curated: Iterable[Manifest]) -> None:
    """curated: the curate runs that wrote the data. Raises TrainingError when they judged it under another template."""
    judged = [run.data.get("facts") or {} for run in curated]
    known = {str(facts["template_sha256"]): facts for facts in judged if facts.get("template_sha256")}
    if not known or target.template_sha256 in known:
        return
    digest, facts = next(iter(known.items()))
    raise TrainingError(
        f"the data was curated for the chat template of {facts.get('model', 'another model')} ({digest[:12]}), and "
        f"{target.name} has another ({target.template_sha256[:12]}): masks, stop tokens and lengths were judged under "
        "the first",
        fix=f"curate it for this model: assay curate DATA --model {target.name} -o OUT",
    )


def check_curated(target: ChatTarget, store: Path, sources: Iterable[str]) -> None:
    """`check_curated_for`, of the runs of the store that wrote the files which `sources` name."""
    from assay.runs import RunStore

    from ..parents import curate_runs

    if (store / "runs").is_dir():
        runs = RunStore(store)
        check_curated_for(target, [runs.get(name) for name in curate_runs(sources, runs)])

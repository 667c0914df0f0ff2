"""What an evaluation is of: which base, adapter, template and data, by hash; and adapters that do not belong to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.chat import ChatTarget, extended
from assay.errors import ModelError
from assay.models import weights_sha256
from assay.models.adapters import base_of, new_tokens_of
from assay.storage import sha256_file
from assay.suites import FILES_OF_A_SCORER, Suite
from assay.suites.general import include_paths

from .asking.examination import digest
from .asking.leaks import adapter_card
from .evaluation import ModelName
from .models.foreign_adapters import check_kind
from .models.switched_model import Precision
from .settings import EvaluateSettings

if TYPE_CHECKING:
    from assay.dataset import Dataset

    from .models.served_models import ServedModels

CODE_AND_TEXT = (".yaml", ".yml", ".py", ".json", ".jsonl", ".csv", ".parquet", ".arrow", ".txt")
"""Files below a folder of tasks that a task may be made of."""


@dataclass(frozen=True)
class Models:
    """Whose answers are compared. candidate None scores the base alone.

    target    with the tokens that the candidate adds to its vocabulary; the base reads them as nothing in particular
    previous  the adapter of the last release
    training  what the candidate was trained on, for an adapter that does not say it itself
    served    where a server has them, once it was asked; target then says how prompts are made
    """

    target: ChatTarget
    candidate: Path | None = None
    previous: Path | None = None
    training: Dataset | None = None
    trust_remote_code: bool = False
    served: ServedModels | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "target", extended(self.target, new_tokens_of(self.candidate)))

    @cached_property
    def adapters(self) -> dict[ModelName, Path]:
        named: dict[ModelName, Path | None] = {"previous": self.previous, "candidate": self.candidate}
        return {name: path for name, path in named.items() if path is not None}

    @cached_property
    def adapter_files(self) -> dict[ModelName, dict[str, str]]:
        """{file: sha256} of each adapter's folder. Raises ModelError when a folder is not there."""
        return {name: _adapter_files(folder) for name, folder in self.adapters.items()}

    @cached_property
    def weights_sha256(self) -> str:
        """Of the base's weight files; a hub model must have been loaded before."""
        return weights_sha256(self.target.ref)


def _adapter_files(folder: Path) -> dict[str, str]:
    """Of everything in the folder: weights, config, template, and what it says of its data."""
    if not folder.is_dir():
        raise ModelError("there is no such adapter folder", where=str(folder))
    return {path.name: sha256_file(path) for path in sorted(folder.iterdir()) if path.is_file()}


def check_adapters(models: Models, say: Callable[[str], None]) -> None:
    """Base, tokenizer and template must be those of training: a template that differs is what ruins most.

    Raises ModelError where the adapter's assay.json says otherwise; without one it is said that nobody knows.
    """
    for name, folder in models.adapters.items():
        if not folder.is_dir():
            raise ModelError("there is no such adapter folder", where=str(folder))
        card = adapter_card(folder)
        check_kind(folder, models.target, say)
        new = new_tokens_of(folder)
        if new:
            say(
                f"note: {folder} adds {len(new)} tokens to the vocabulary ({new[0]}): the base is asked with them too, "
                "and has not learned them"
            )
        if card is None:
            if name != "candidate" or models.training is None:
                say(
                    f"note: {folder} has no assay.json: what the {name} was trained on is unknown, so leaks are too"
                    + ("; --training-data names it" if name == "candidate" else "")
                )
            _compare_base(folder, models.target, say)
            continue
        _check_base(card, folder, models)
        _check_template(card, folder, models.target)


def _compare_base(folder: Path, target: ChatTarget, say: Callable[[str], None]) -> None:
    """Of an adapter from elsewhere, whose config names its base as it was called there: a path, or a 4-bit copy."""
    named = base_of(folder) if (folder / "adapter_config.json").is_file() else None
    ours = {target.name, str(target.ref.path)}
    if named is None or named in ours:
        return
    if _plain_name(named) in map(_plain_name, ours):
        say(f"note: {folder} names {named} as its base, and is scored on {target.name}")
    else:
        say(f"WARNING: {folder} was trained on {named} by its own config, and is scored on {target.name}")


def _plain_name(name: str) -> str:
    """`unsloth/Llama-3-8B-bnb-4bit`, `/models/llama-3-8b/` and `meta-llama/Llama-3-8B` are one base."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2].casefold()
    return re.sub(r"(-unsloth)?(-bnb-[48]bit|-4bit|-gptq|-awq)?$", "", last)


def _check_base(card: Mapping[str, Any], folder: Path, models: Models) -> None:
    """By revision, by tokenizer, and by weights where the adapter recorded them and they lie in a folder."""
    target = models.target
    base = card.get("base")
    fix = f"evaluate with --model {base}"
    if card.get("revision") and target.revision and card["revision"] != target.revision:
        raise ModelError(
            f"was trained on {base} at {str(card['revision'])[:12]}, and this is {target.name} at "
            f"{target.revision[:12]}",
            where=str(folder),
            fix=fix,
        )
    if card.get("tokenizer_sha256") and card["tokenizer_sha256"] != target.tokenizer_sha256:
        raise ModelError(
            f"was trained on {base} with another tokenizer than that of {target.name}", where=str(folder), fix=fix
        )
    recorded = card.get("weights_sha256")
    if recorded and models.served is None and not target.ref.is_hub and recorded != models.weights_sha256:
        raise ModelError(f"was trained on other weights than those of {target.name}", where=str(folder), fix=fix)


def _check_template(card: Mapping[str, Any], folder: Path, target: ChatTarget) -> None:
    trained_with = card.get("template_sha256")
    if trained_with and trained_with != target.template_sha256:
        own = folder / "chat_template.jinja"
        raise ModelError(
            f"was trained with another chat template than that of {target.name}",
            where=str(folder),
            fix=f"give --chat-template {own}" if own.is_file() else "give that template with --chat-template",
        )


def training_run(adapter: Path) -> str | None:
    """The run that an adapter says it comes from."""
    run = (adapter_card(adapter) or {}).get("run")
    return run if isinstance(run, str) else None


def precision_of(models: Models, settings: EvaluateSettings) -> Precision:
    """As the candidate was trained, or else the last release, unless the settings say otherwise."""
    card: Mapping[str, Any] = {}
    for folder in models.adapters.values():
        card = adapter_card(folder) or card
    quantisation = card.get("quantisation")
    in_4bit = settings.load_in_4bit if settings.load_in_4bit is not None else quantisation is not None
    dtype = settings.dtype if settings.dtype != "auto" else str(card.get("dtype") or "auto")
    double = card.get("bnb_4bit_use_double_quant")
    return Precision(in_4bit, str(quantisation or "nf4"), True if double is None else bool(double), dtype)


def identity_of(models: Models, precision: Precision, dtype: str, device: str, seed: int) -> dict[str, Any]:
    """For `Evaluation.identity`. dtype and device are those that the loaded model has."""
    target = models.target
    return {
        "base": {
            "name": shown_name(target.name),
            "revision": target.revision,
            "weights_sha256": models.weights_sha256,
            "quantisation": precision.quantisation,
            "double_quantisation": precision.bnb_4bit_use_double_quant if precision.load_in_4bit else None,
            "dtype": dtype,
        },
        "adapter": models.adapter_files.get("candidate"),
        "previous": models.adapter_files.get("previous"),
        "tokenizer_sha256": target.tokenizer_sha256,
        "template_sha256": target.template_sha256,
        "device": device.partition(":")[0],
        "seed": seed,
    }


def shown_name(name: str) -> str:
    """A folder by its own name where its whole path was given: no report names a home directory."""
    return Path(name).name if Path(name).expanduser().is_absolute() else name


def input_digests(models: Models, suites: Sequence[Suite], settings: EvaluateSettings) -> dict[str, str]:
    """What an evaluation depends on beside its settings: names a run of it.

    The hub's models are named by their revision, those of a folder by their weights, and those of a server by what it
    says of them and what they make of a probe.
    """
    target = models.target
    return {
        "model": _named_by_content(models),
        "template": target.template_sha256,
        "tokenizer": target.tokenizer_sha256,
        "stop_tokens": ",".join(map(str, target.stop_token_ids)),
        "context": str(target.context_length),
        **{f"{name}:{file}": sha256 for name, files in models.adapter_files.items() for file, sha256 in files.items()},
        **({"training": models.training.digest} if models.training is not None else {}),
        **{f"suite:{suite.name}": suite.data_sha256 for suite in suites},
        **{f"suite file:{suite.name}": sha256_file(suite.path) for suite in suites},
        **{
            f"{key} of the scorer of {suite.name}": str(suite.scorer_settings[digest])
            for suite in suites
            for key, digest in FILES_OF_A_SCORER.items()
            if digest in suite.scorer_settings
        },
        **_tasks_inputs([Path(path) for path in include_paths(settings.include_path)]),
    }


def _named_by_content(models: Models) -> str:
    target = models.target
    if models.served is not None:
        return digest(models.served.known.to_json())
    return f"{target.name}@{target.revision if target.revision is not None else models.weights_sha256}"


def _tasks_inputs(folders: Sequence[Path]) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, folder in enumerate(folders):
        place = "task" if number == 0 else f"task of folder {number + 1}"
        found |= {f"{place}{name}": digest for name, digest in _task_inputs(folder).items()}
    return found


def _task_inputs(folder: Path) -> dict[str, str]:
    """YAML, code and data below the folder, and data that tasks name elsewhere."""
    from assay.suites.task_files import task_files

    files = {path for path in folder.rglob("*") if path.suffix in CODE_AND_TEXT and path.is_file()}
    named = {path for task in task_files(folder) for paths in task.data.values() for path in paths if path.is_file()}
    inside = {path.resolve() for path in files}
    found = {f":{path.relative_to(folder).as_posix()}": sha256_file(path) for path in sorted(files)}
    elsewhere = sorted(path for path in named if path not in inside)
    return found | {f" data:{number}:{path.name}": sha256_file(path) for number, path in enumerate(elsewhere)}

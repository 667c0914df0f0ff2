"""The command that would make a run of lm-eval again, with its samples kept."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .logs import LoggedRun

SEEDS = ("random_seed", "numpy_seed", "torch_seed", "fewshot_seed")
DEFAULT_SEEDS = (0, 1234, 1234, 1234)


def rerun_command(run: LoggedRun, tasks: Sequence[str]) -> str:
    """One line for a shell, of all that the results say about how they were made."""
    config = run.config
    parts = ["lm_eval", "--model", str(config.get("model") or "hf")]
    parts += ["--model_args", _joined(run.model_args)] if run.model_args else []
    parts += ["--tasks", ",".join(tasks)]
    folder = _folder(run, tasks)
    parts += ["--include_path", folder] if folder else []
    shots = {(run.results.get("n-shot") or {}).get(task) for task in tasks}
    if len(shots) == 1 and None not in shots:
        parts += ["--num_fewshot", str(shots.pop())]
    for name in ("batch_size", "device", "limit"):
        if config.get(name) is not None:
            parts += [f"--{name}", str(config[name])]
    parts += ["--gen_kwargs", _joined(config["gen_kwargs"])] if config.get("gen_kwargs") else []
    seeds = tuple(config.get(name) for name in SEEDS)
    if None not in seeds and seeds != DEFAULT_SEEDS:
        parts += ["--seed", ",".join(map(str, seeds))]
    if run.results.get("system_instruction"):
        parts += ["--system_instruction", str(run.results["system_instruction"])]
    if run.results.get("chat_template_sha"):
        parts.append("--apply_chat_template")
        parts += ["--fewshot_as_multiturn", str(bool(run.results.get("fewshot_as_multiturn"))).lower()]
    return shlex.join([*parts, "--output_path", _output(run), "--log_samples"])


def _joined(given: Any) -> str:
    """`name=value,...`, as lm-eval takes them; JSON where a value is no plain one."""
    if not isinstance(given, Mapping):
        return str(given)
    if any(isinstance(value, Mapping | list) for value in given.values()):
        return json.dumps(dict(given), ensure_ascii=False)
    return ",".join(f"{name}={value}" for name, value in given.items())


def _folder(run: LoggedRun, tasks: Sequence[str]) -> str | None:
    """Of task YAML that does not come with lm-eval; it looks into folders below, too."""
    sources = [str((run.configs[task].get("metadata") or {}).get("config_source") or "") for task in tasks]
    own = [source for source in sources if source and "lm_eval/tasks" not in Path(source).as_posix()]
    return os.path.commonpath([os.path.dirname(source) or "." for source in own]) or "." if own else None  # noqa: PTH120


def _output(run: LoggedRun) -> str:
    """Where the results lie now; a folder of one model stands in the folder that was asked for."""
    own_folder = run.path.parent.name == run.results.get("model_name_sanitized")
    return str(run.path.parent.parent if own_folder else run.path.parent)

"""Did two runs of lm-eval ask the same questions in the same way? What differs is named; nothing is compared then.

Everything but the weights must be the same. The weights are told apart by the arguments that name them, so a candidate
may be the base with `peft=`, or a merged model under another name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..wording import names
from .logs import LoggedRun

WHO = (
    *("pretrained", "peft", "delta", "model", "path", "engine", "revision", "subfolder", "tokenizer", "base_url"),
    *("lora_local_path", "enable_lora", "max_lora_rank", "max_loras"),
)
"""Arguments that say which weights are scored; revision and tokenizer are compared by themselves."""

HOW_FAST = (
    *("batch_size", "max_batch_size", "device", "device_map", "parallelize", "max_memory_per_gpu", "max_cpu_memory"),
    *("offload_folder", "gpu_memory_utilization", "tensor_parallel_size", "data_parallel_size", "swap_space"),
    *("num_concurrent", "max_retries", "timeout", "trust_remote_code", "token", "cache_dir", "dtype"),
)
"""Arguments that decide no answer but for rounding; the data type is compared as it was loaded."""

ROUNDING = ("batch_size", "device")

LOGGED = (
    "lm_eval_version",
    "transformers_version",
    "chat_template_sha",
    "system_instruction_sha",
    "fewshot_as_multiturn",
    "tokenizer_pad_token",
    "tokenizer_eos_token",
    "tokenizer_bos_token",
    "eot_token_id",
    "max_length",
)

CONFIG = ("model", "model_dtype", "limit", "gen_kwargs", "random_seed", "numpy_seed", "torch_seed", "fewshot_seed")

NOT_COMPARED = frozenset({"metadata", "dataset_kwargs", "task_alias", "tag"})
"""Of a task: where its data lies and what it is called in a table. What it holds is compared item by item."""


def run_differences(base: LoggedRun, other: LoggedRun) -> list[str]:
    """`limit (none and 100)` for everything that holds for all tasks."""
    pairs = {key: (base.results.get(key), other.results.get(key)) for key in LOGGED}
    pairs |= {key: (base.config.get(key), other.config.get(key)) for key in CONFIG}
    pairs |= dict(_arguments(base, other))
    if base.section is not None or other.section is not None:
        pairs |= dict(_identities(base.section or {}, other.section or {}))
    return [f"{key} ({_shown(a)} and {_shown(b)})" for key, (a, b) in pairs.items() if _plain(a) != _plain(b)]


def task_differences(base: LoggedRun, other: LoggedRun, task: str) -> list[str]:
    """`num_fewshot of facts (0 and 5)`, for one task that both have."""
    pairs: dict[str, tuple[Any, Any]] = {}
    for key, shown in (("versions", "version"), ("n-shot", "num_fewshot"), ("n-samples", "number of items")):
        pairs[shown] = (_of(base, key, task), _of(other, key, task))
    ours, theirs = base.configs[task], other.configs[task]
    for key in sorted(ours.keys() | theirs.keys()):
        if key not in NOT_COMPARED and key != "num_fewshot":
            pairs[key] = (ours.get(key), theirs.get(key))
    return [f"{key} of {task}{_both(a, b)}" for key, (a, b) in pairs.items() if _plain(a) != _plain(b)]


def item_differences(base: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]], task: str) -> list[str]:
    """Rows of one task after one filter: the same documents, asked with the same prompt, for the same target."""
    ours, theirs = {row["doc_id"]: row for row in base}, {row["doc_id"]: row for row in other}
    found = []
    for who, missing in (("base", theirs.keys() - ours.keys()), ("other run", ours.keys() - theirs.keys())):
        if missing:
            found.append(f"items of {task} that the {who} lacks ({_numbers(missing)})")
    both = [number for number in ours if number in theirs]
    for key in ("doc_hash", "prompt_hash", "target_hash", "arguments"):
        differ = [number for number in both if ours[number].get(key) != theirs[number].get(key)]
        if differ:
            found.append(f"{key} of {task} (items {_numbers(differ)})")
            break  # a document that differs has another prompt as well
    return found


def rounding_notes(base: LoggedRun, other: LoggedRun) -> list[str]:
    """What moves scores in their last digits only."""
    pairs = [(key, base.config.get(key), other.config.get(key)) for key in ROUNDING]
    differ = [f"{key} ({_shown(a)} and {_shown(b)})" for key, a, b in pairs if a != b]
    return [f"the two runs differ in {names(differ)}: rounding alone may have moved single items"] if differ else []


def _arguments(base: LoggedRun, other: LoggedRun) -> Iterator[tuple[str, tuple[Any, Any]]]:
    ours, theirs = base.model_args, other.model_args
    for key in sorted((ours.keys() | theirs.keys()) - {*WHO, *HOW_FAST}):
        yield f"model argument {key}", (ours.get(key), theirs.get(key))
    if ours.get("pretrained") == theirs.get("pretrained"):
        yield "revision of the base", (ours.get("revision"), theirs.get("revision"))
        yield "commit of the base", (base.config.get("model_sha"), other.config.get("model_sha"))
        yield "tokenizer", (ours.get("tokenizer"), theirs.get("tokenizer"))
    if not (base.config.get("model_dtype") and other.config.get("model_dtype")):
        yield "model argument dtype", (ours.get("dtype"), theirs.get("dtype"))


def _identities(base: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Of results that assay wrote: hashes of what lm-eval does not record."""
    ours, theirs = base.get("identity") or {}, other.get("identity") or {}
    for key in ("base", "tokenizer_sha256", "template_sha256"):
        yield key, (ours.get(key), theirs.get(key))
    yield "settings of assay", (_settings(base), _settings(other))


def _settings(section: Mapping[str, Any]) -> Any:
    given = section.get("settings") or {}
    return {
        key: given.get(key) for key in ("num_fewshot", "apply_chat_template", "limit", "batch_tokens", "max_length")
    }


def _of(run: LoggedRun, key: str, task: str) -> Any:
    return (run.results.get(key) or {}).get(task)


def _plain(value: Any) -> Any:
    """Without addresses of functions, and `True` as `true`: arguments come as text or as what they mean."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or value in ("", {}):
        return None
    return re.sub(r" at 0x[0-9a-f]+", "", str(value)).casefold() if isinstance(value, str | bool) else value


def _both(a: Any, b: Any) -> str:
    """Values where they are short; a prompt's whole text would bury what differs."""
    short = all(isinstance(value, str | int | float | None) and len(str(value)) <= 40 for value in (a, b))
    return f" ({_shown(a)} and {_shown(b)})" if short else _inside(a, b)


def _inside(a: Any, b: Any) -> str:
    """`effective 12 and 6` of two mappings."""
    if not (isinstance(a, Mapping) and isinstance(b, Mapping)):
        return ""
    keys = [key for key in a if a.get(key) != b.get(key)]
    return f" ({names([f'{key} {_shown(a.get(key))} and {_shown(b.get(key))}' for key in keys], 2)})" if keys else ""


def _shown(value: Any) -> str:
    text = "none" if value is None or value == "" else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _numbers(items: Any) -> str:
    return names([str(number) for number in sorted(items)])

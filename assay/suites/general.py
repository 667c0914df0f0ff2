"""The general suites that come with assay: three tiers of difficulty, and which of them suits a base.

A suite on which a base is at its ceiling proves as little as one on which it guesses, so the tier follows the number
of parameters: `bundled` chooses by the model's config, `bundled:medium` names one. docs/decisions/0067 gives the
reasons.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard, TypeVar

from assay.errors import SettingsError, did_you_mean

if TYPE_CHECKING:
    from assay.models import ModelRef

Settings = TypeVar("Settings", bound=Any)

BUNDLED = "bundled"
"""include_path that stands for the general suites that come with assay; `bundled:TIER` for one tier of them."""

IncludePath: TypeAlias = str | tuple[str, ...] | None
"""The setting: one folder or `bundled[:TIER]`, several, or none."""

TIERS = {"small": 0.1e9, "medium": 8e9, "large": 70e9}
"""The size of base, in parameters, that each tier is made for."""


@dataclass(frozen=True)
class GeneralSuites:
    """What of a tier is meant.

    tasks   names that lm-eval is to find: in `folder`, or among its own
    folder  of task YAML; None where no task of it is meant
    suites  YAML files in assay's own format
    """

    tier: str
    folder: Path | None
    tasks: tuple[str, ...]
    suites: tuple[Path, ...]


def include_paths(given: IncludePath) -> tuple[str, ...]:
    """Each that is given, once, in order."""
    return tuple(dict.fromkeys((given,) if isinstance(given, str) else given or ()))


def is_bundled(include_path: str | None) -> TypeGuard[str]:
    return include_path is not None and include_path.partition(":")[0] == BUNDLED


def named_tier(include_path: str) -> str | None:
    """The tier that `bundled:TIER` names; None for `bundled`. Raises SettingsError for a tier that does not exist."""
    _, colon, tier = include_path.partition(":")
    if not colon:
        return None
    if tier not in TIERS:
        raise SettingsError(
            f"there are no bundled suites '{tier}'", fix=did_you_mean(tier, TIERS) or f"tiers: {', '.join(TIERS)}"
        )
    return tier


def tier_for(parameters: float) -> str:
    """The tier whose size is nearest, by ratio."""
    return min(TIERS, key=lambda tier: max(TIERS[tier], parameters) / min(TIERS[tier], max(parameters, 1.0)))


def tier_of(include_path: str, ref: ModelRef, say: Callable[[str], None] = lambda _: None) -> str:
    """The tier that is named, else the one for the model, which is said. Raises SettingsError, ModelError."""
    from assay.models import load_config

    named = named_tier(include_path)
    if named is not None:
        return named
    parameters = parameters_of(load_config(ref))
    tier = tier_for(parameters)
    say(
        f"bundled suites for about {_size(TIERS[tier])}: the base has about {_size(parameters)} parameters "
        f"(`{BUNDLED}:{tier}`; others are {', '.join(f'`{BUNDLED}:{other}`' for other in TIERS if other != tier)})"
    )
    return tier


def general_suites(tier: str, names: Sequence[str] = ()) -> GeneralSuites:
    """All of a tier, or the ones that are named; other names are left to lm-eval."""
    from assay.suites.task_files import task_files

    folder = tier_folder(tier)
    own = {_name(path): path for path in own_suites(folder)}
    suites = tuple(path for name, path in own.items() if not names or name in names)
    tasks = tuple(name for name in names if name not in own)
    if names and not tasks:
        return GeneralSuites(tier, None, (), suites)
    return GeneralSuites(tier, folder if tasks or task_files(folder) else None, tasks, suites)


def with_included(settings: Settings, included: Sequence[str]) -> Settings:
    """`EvaluateSettings` in which each tier has become paths.

    included  folders, and `bundled:TIER`; a folder of tasks is left out where all names are those of bundled suites

    Raises SettingsError for `bundled` alone, which `with_tiers` makes a tier of.
    """
    found = {path: general_suites(_one_tier(path), settings.tasks) for path in included if is_bundled(path)}
    tasks = tuple(name for name in settings.tasks if all(name in general.tasks for general in found.values()))
    folders: list[str] = []
    for path in included if tasks or not settings.tasks else ():
        folder = found[path].folder if path in found else path
        folders += [str(folder)] if folder is not None else []
    return dataclasses.replace(
        settings,
        suites=(*settings.suites, *(str(path) for general in found.values() for path in general.suites)),
        tasks=tasks,
        include_path=folders[0] if len(folders) == 1 else tuple(folders) or None,
    )


def with_tiers(included: Sequence[str], tier: Callable[[str], str]) -> tuple[str, ...]:
    """`bundled` as `bundled:TIER`, each once. tier: which is meant, called for `bundled` alone"""
    named = (f"{BUNDLED}:{tier(path)}" if path == BUNDLED else path for path in included)
    return tuple(dict.fromkeys(named))


def _one_tier(included: str) -> str:
    named = named_tier(included)
    if named is None:
        raise SettingsError("which of the bundled suites is not said", fix=_tiers_in_words())
    return named


def _tiers_in_words() -> str:
    return ", ".join(f"{BUNDLED}:{name}" for name in TIERS)


@cache
def general_names(tier: str) -> tuple[str, ...]:
    """Of all suites and tasks of a tier. Read once a process: a gate asks for each suite, and loops ask many gates."""
    from assay.suites.task_files import task_files

    folder = tier_folder(tier)
    return tuple(sorted([*(task.name for task in task_files(folder)), *map(_name, own_suites(folder))]))


def tier_folder(tier: str) -> Path:
    return Path(__file__).resolve().parent.parent / "sample_data" / "general" / tier


def own_suites(folder: Path) -> list[Path]:
    """YAML files below the folder that are suites of assay's format, by path."""
    return [path for path in sorted(folder.rglob("*.yaml")) if _key(path, "data") is not None]


def _name(path: Path) -> str:
    return str(_key(path, "name"))


def _key(path: Path, key: str) -> str | None:
    """A top-level key of YAML that assay wrote itself, without parsing the whole."""
    lines = (line.partition(":") for line in path.read_text(encoding="utf-8").splitlines())
    return next((value.strip() for name, _, value in lines if name == key), None)


def parameters_of(config: Any) -> int:
    """About how many parameters a causal language model of this config has: embeddings, attention, feed-forward.

    Norms and biases are left out, all experts of a mixture count; for telling 0.1, 8 and 70 billion apart.
    """
    inner = getattr(config, "text_config", None) or config

    def known(*names: str, default: int = 0) -> int:
        return next((int(value) for name in names if isinstance(value := getattr(inner, name, None), int)), default)

    width = known("hidden_size", "n_embd", "d_model")
    layers = known("num_hidden_layers", "n_layer", "num_layers")
    heads = known("num_attention_heads", "n_head", default=1)
    key_heads = known("num_key_value_heads", default=heads)
    head = known("head_dim", default=width // max(heads, 1))
    hidden = known("intermediate_size", "n_inner", "ffn_dim", default=4 * width)
    experts = known("num_local_experts", "num_experts", "n_routed_experts", default=1)
    expert_hidden = known("moe_intermediate_size", default=hidden) if experts > 1 else hidden
    gated = 2 if getattr(inner, "model_type", "") in ("gpt2", "gpt_neox", "opt", "phi", "bloom") else 3
    attention = width * head * (2 * heads + 2 * key_heads)
    embeddings = known("vocab_size") * width * (1 if getattr(config, "tie_word_embeddings", True) else 2)
    return embeddings + layers * (attention + gated * width * expert_hidden * experts)


def tier_by_name(model: str) -> str:
    """The tier for a model that is not here yet, by the size in its name (`Qwen3-8B`); the smallest without one."""
    import re

    sizes = [float(number) for number in re.findall(r"(?<![\w.])(\d+(?:\.\d+)?)[bB](?![a-zA-Z])", model)]
    return tier_for(sizes[-1] * 1e9) if sizes else next(iter(TIERS))


def _size(parameters: float) -> str:
    billions = parameters / 1e9
    return f"{billions:.0f}B" if billions >= 10 else f"{billions:.1f}B".replace(".0B", "B")

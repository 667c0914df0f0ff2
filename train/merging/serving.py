"""The line by which vLLM serves several adapters of one base side by side, and what stands against it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.lineage import read_card
from assay.models.embedded import EMBEDDED, folder_of, is_installed

from ..parity.provenance import TEMPLATE

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""What `--max-lora-rank` of vLLM takes (`vllm/config/lora.py`); its default is 16."""

NOT_SERVED: Mapping[str, str] = {
    "use_dora": "DoRA",
    "modules_to_save": "whole modules",
    "trainable_token_indices": "trained tokens",
    "lora_bias": "biases",
}
"""Of an adapter's config, what vLLM's LoRA has no place for."""


@dataclass(frozen=True)
class Served:
    """One adapter: the name under which it answers, and its folder."""

    name: str
    folder: Path


def side_by_side(base: str, adapters: Sequence[Served]) -> list[str]:
    """For a terminal: a command for each chat template, since a server has one; and what cannot be served so."""
    out = []
    by_template: dict[str | None, list[tuple[Served, Mapping[str, Any]]]] = {}
    for one in adapters:
        config = _config(one.folder)
        more = next((what for key, what in NOT_SERVED.items() if config.get(key)), None)
        if more is not None:
            out.append(f"{one.name} is served by itself, merged: it has {more}, which vLLM lays over no base")
            continue
        template = read_card(one.folder).get("template_sha256")
        by_template.setdefault(template, []).append((one, config))
    groups = [group for group in by_template.values() if len(group) > 1]
    for group in groups:
        out.append(f"side by side: {_command(base, group)}")
    if groups and len(by_template) > 1:
        out.append("adapters of another chat template need a server of their own: each answers in its own alone")
    held = {str(found) for group in groups for one, _ in group if (found := read_card(one.folder).get("quantisation"))}
    if held:
        out.append(f"trained over the base in {', '.join(sorted(held))}: over its own weights they answer otherwise")
    return out


def _command(base: str, group: Sequence[tuple[Served, Mapping[str, Any]]]) -> str:
    highest = max(_rank(config) for _, config in group)
    rank = next((known for known in RANKS if known >= highest), highest)
    words = ["vllm", "serve", place_of(base), "--enable-lora", "--max-lora-rank", str(rank)]
    template = group[0][0].folder / TEMPLATE
    if template.is_file():
        words += ["--chat-template", str(template)]
    words += ["--lora-modules", *(f"{one.name}={one.folder}" for one, _ in group)]
    return shlex.join(words)


def place_of(base: str) -> str:
    """By what another program finds the base: an embedded model by its folder in the cache."""
    known = EMBEDDED.get(base)
    return str(folder_of(known)) if known is not None and is_installed(known) else base


def _rank(config: Mapping[str, Any]) -> int:
    ranks = [config.get("r"), *dict(config.get("rank_pattern") or {}).values()]
    return max((int(rank) for rank in ranks if isinstance(rank, int)), default=0)


def _config(folder: Path) -> Mapping[str, Any]:
    try:
        found = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}

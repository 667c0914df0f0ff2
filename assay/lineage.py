"""From an adapter back to its data, and forward to the evaluations that let it out."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.errors import ModelError, RunError
from assay.runs import Manifest, RunStore

CARD = "assay.json"


@dataclass(frozen=True)
class Step:
    """One run of the walk. depth 0 is the run that trained the adapter; its parents stand one deeper."""

    depth: int
    manifest: Manifest

    @property
    def line(self) -> str:
        data = self.manifest.data
        return f"{'  ' * self.depth}{self.manifest.run}  ({self.manifest.outcome}, {data.get('started')})"


@dataclass(frozen=True)
class Lineage:
    """back: the training run, and depth first all it came from. forward: all that was made of it."""

    card: dict[str, Any]
    back: tuple[Step, ...]
    forward: tuple[Manifest, ...]


def read_card(adapter: Path) -> dict[str, Any]:
    """`assay.json` of an adapter folder. Raises ModelError when it is missing or no JSON."""
    card: Any = None
    with contextlib.suppress(OSError, ValueError):
        card = json.loads((adapter / CARD).read_text(encoding="utf-8"))
    if not isinstance(card, dict):
        raise ModelError(
            f"no readable {CARD} in the adapter's folder: where it comes from is unknown",
            where=str(adapter),
            fix="only adapters that `assay train` wrote have a lineage",
        )
    return card


def lineage(adapter: Path, store: RunStore) -> Lineage:
    """Raises ModelError without a card, RunError where a link is broken."""
    card = read_card(adapter)
    run = card.get("run")
    if not run:
        raise RunError("the adapter names no run", where=str(adapter / CARD), fix="it was trained outside a store")
    back = tuple(_walk(str(run), store, 0, set()))
    return Lineage(card, back, tuple(_descendants(str(run), store.manifests())))


def store_of(adapter: Path) -> RunStore | None:
    """The store whose run wrote the adapter; None for an adapter that was moved out of it."""
    runs = adapter.resolve().parent.parent
    return RunStore(runs.parent) if runs.name == "runs" else None


def _descendants(run: str, manifests: Sequence[Manifest]) -> list[Manifest]:
    """Runs that came of `run`, nearest first, each once."""
    found: list[Manifest] = []
    generation = {run}
    while generation:
        known = {manifest.run for manifest in found}
        children = [m for m in manifests if generation & set(m.parents) and m.run not in known]
        found += children
        generation = {manifest.run for manifest in children}
    return found


def _walk(run: str, store: RunStore, depth: int, seen: set[str]) -> Iterator[Step]:
    if run in seen:
        return
    seen.add(run)
    manifest = store.get(run)
    yield Step(depth, manifest)
    for parent in manifest.parents:
        yield from _walk(parent, store, depth + 1, seen)

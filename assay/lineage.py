"""From an adapter back to its data, and forward to the evaluations that let it out."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.errors import ModelError, NoSuchRunError, RunError
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
class Origins:
    """Who wrote the records that trained.

    writers  counts the synthetic ones by model; readers those of them that people read, by person
    parents  are the seeds' ids
    general  counts the records that were mixed in from other files; the rest is about those of the data alone
    """

    data: Path
    human: int
    synthetic: int
    writers: Mapping[str, int]
    parents: frozenset[str]
    readers: Mapping[str, int] = field(default_factory=dict)
    general: int = 0


@dataclass(frozen=True)
class Lineage:
    """back: the training run, and depth first all it came from. forward: all that was made of it.

    origins  None where the records are not in the store any more
    """

    card: dict[str, Any]
    back: tuple[Step, ...]
    forward: tuple[Manifest, ...]
    origins: Origins | None


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
    forward = tuple(descendants(str(run), store.manifests()))
    return Lineage(card, back, forward, _origins(adapter, card, [step.manifest for step in back]))


def _origins(adapter: Path, card: Mapping[str, Any], back: Sequence[Manifest]) -> Origins | None:
    """The trained records of the data, found in the nearest curate run that holds them all."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    records = adapter / str(card.get("training_records"))
    if not records.is_file():
        return None
    table = pq.read_table(records)
    rows_trained = len(table)
    if "role" in table.column_names:  # adapters of earlier versions have none
        table = table.filter(pc.not_equal(table["role"], "general"))
    trained = set(table["row_id"].to_pylist())
    for manifest in back:
        path = manifest.path / "data.parquet"
        if manifest.stage != "curate" or not path.is_file():
            continue
        curated = pq.read_table(path, columns=["row_id", "origin", "parents", "meta"])
        rows = [row for row in curated.to_pylist() if row["row_id"] in trained]
        if len(rows) == len(trained):
            synthetic = [row for row in rows if row["origin"] == "synthetic"]
            return Origins(
                data=path,
                human=len(rows) - len(synthetic),
                synthetic=len(synthetic),
                writers=Counter(str(_generation(row).get("model")) for row in synthetic),
                parents=frozenset(parent for row in synthetic for parent in row["parents"]),
                readers=Counter(who for row in synthetic if (who := _generation(row).get("reviewer"))),
                general=rows_trained - len(table),
            )
    return None


def _generation(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """What generation noted of a row; {} where it noted nothing."""
    noted = json.loads(row["meta"]).get("synth")
    return noted if isinstance(noted, dict) else {}


def store_of(adapter: Path) -> RunStore | None:
    """The store whose run wrote the adapter; None for an adapter that was moved out of it."""
    runs = adapter.resolve().parent.parent
    return RunStore(runs.parent) if runs.name == "runs" else None


def descendants(run: str, manifests: Sequence[Manifest]) -> list[Manifest]:
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
    try:
        manifest = store.get(run)
    except NoSuchRunError as error:
        fix = "`assay runs export` on the machine that has it, `assay runs import` here"
        raise RunError(f"a link is broken: no run '{run}' in this store", where=error.where, fix=fix) from error
    yield Step(depth, manifest)
    for parent in manifest.parents:
        yield from _walk(parent, store, depth + 1, seen)

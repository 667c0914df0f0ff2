"""The queue of a run, by what its folder holds."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.errors import NoSuchRunError, SourceError
from assay.records import Record

from .queue import Queue
from .sample import Placed


@dataclass(frozen=True, eq=False)
class Opened:
    """placed: the records of a generated set with their strata; None for a curated one."""

    queue: Queue
    placed: Sequence[Placed] | None = None


def open_run(folder: Path, seeds: Sequence[str] = (), *, offline: bool = False) -> Opened:
    """Of a run of synth or curate, or the folder that -o named. seeds: files of data that generation started from.

    Raises SourceError.
    """
    from assay.stages import curate_queue, synth_queue

    if (folder / "accepted.parquet").is_file():
        queue = synth_queue(folder, seed_records(folder, seeds, offline=offline), folder.resolve().name)
        return Opened(queue, queue.placed)
    if (folder / "held.parquet").is_file():
        return Opened(curate_queue(folder))
    if (folder / "findings.parquet").is_file():
        fix = "an audit keeps no records: `assay curate DATA -o OUT`, then `assay review OUT`"
        raise SourceError("was audited, not curated", where=str(folder), fix=fix)
    fix = "name a run of synth or curate, or the folder that -o named"
    raise SourceError("holds nothing that waits for a person", where=str(folder), fix=fix)


def seed_records(folder: Path, named: Sequence[str] = (), *, offline: bool = False) -> dict[str, Record]:
    """Records that generation may have started from: those named, those beside the run, those of the run before it."""
    from assay.dataset import Dataset
    from assay.runs import RunStore
    from assay.sources import ReadSettings, read

    found: dict[str, Record] = {}
    if named:
        found |= {record.id: record for record in read(tuple(named), ReadSettings(), offline=offline).records()}
    paths = [folder / "seeds.parquet"]
    with contextlib.suppress(NoSuchRunError):
        run = RunStore(folder.resolve().parent.parent).get(folder.resolve().name)
        paths += [folder.resolve().parent / parent / "data.parquet" for parent in run.parents]
    for path in paths:
        if path.is_file():
            found |= {record.id: record for record in Dataset.read_parquet(path).records()}
    return found

"""Training as a run: what is unchanged is not trained again, what was killed goes on, and OUT gets a copy."""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.config import to_json
from assay.console import DEFAULT_CONFIG, Options
from assay.errors import storage_error
from assay.locks import OF_LOCKS
from assay.runs import Run, RunStore
from assay.storage import write_json

from .before.shown import EXAMPLES_FILE, say_examples, three
from .checkpoints import FACT
from .identity import input_digests
from .inputs import Inputs
from .parents import curate_runs
from .processes.group import Group, join
from .processes.strategy import check_strategy, sharing
from .stage import train
from .trained import Trained
from .watching.samples import FILE as SAMPLES
from .watching.selecting import read_selection

if TYPE_CHECKING:
    from assay.chat import ChatTarget

    from .prepared import Prepared

NOT_COPIED = ("manifest.json", *OF_LOCKS, FACT)
TEXTS = (SAMPLES, EXAMPLES_FILE)
"""Files with text of records."""


@dataclass(frozen=True)
class Outcome:
    """path: the run's folder. result: `Trained.to_json()`, with the run's id."""

    path: Path
    result: Mapping[str, Any]
    reused: bool


def run_train(inputs: Inputs, sources: Iterable[str], options: Options) -> Outcome:
    """Trains within the run store and copies what came of it to --output.

    Raises RunError, StorageError, and what the stage raises.
    """
    check_strategy(inputs.settings, sharing())
    group = join(inputs.settings.device)
    if not group.is_first:
        return _take_part(inputs, group)
    target, store = inputs.target, RunStore(inputs.store)
    selection = read_selection(inputs.settings, target, (options.config or DEFAULT_CONFIG).parent)
    digests = input_digests(inputs.data, inputs.general, target, target.ref, selection)
    with store.open("train", to_json(inputs.settings), digests, curate_runs(sources, store)) as run:
        look = functools.partial(_show, target=target, options=options, run=run)
        reused = group.same(lambda: run.complete)
        if reused:
            options.say(f"train: unchanged since {run.id}, not trained again")
        else:
            trained = train(
                inputs.data, inputs.settings, run.path, target, target.ref,
                general=inputs.general, run=run, say=options.say, look=look, selection=selection, group=group,
            )  # fmt: skip
            run.facts |= trained.to_json()
        known = {field.name for field in fields(Trained)}
        result = {key: value for key, value in run.facts.items() if key in known} | {"run": run.id}
    result["adapter"] = str(run.path / "adapter")
    if options.output is not None:
        _copy(run.path, options.output, redact=options.redact)
        result["adapter"] = str(options.output / "adapter")
    return Outcome(run.path, result, reused)


def _show(prepared: Prepared, *, target: ChatTarget, options: Options, run: Run) -> None:
    """Three records as they train: said, and kept with the run."""
    say_examples(prepared, target, options)
    shown = [example.to_json(redact=options.redact) for example in three(prepared.rows, target)]
    write_json(run.path / EXAMPLES_FILE, {"examples": shown})


def _take_part(inputs: Inputs, group: Group) -> Outcome:
    """What every process but the first does: it computes, and what it writes is thrown away."""
    if group.same(lambda: False):
        return Outcome(Path(), {}, True)
    with tempfile.TemporaryDirectory(prefix="assay-") as name:
        scratch = Run("train", "", Path(name), {}, {}, (), False)
        trained = train(
            inputs.data, inputs.settings, scratch.path, inputs.target, inputs.target.ref,
            general=inputs.general, run=scratch, group=group,
        )  # fmt: skip
    return Outcome(Path(), trained.to_json(), False)


def _copy(run: Path, out: Path, *, redact: bool) -> None:
    """Everything but checkpoints and manifest; an adapter that stands in OUT is replaced.

    redact leaves out what is text of records. Raises StorageError.
    """
    try:
        for item in sorted(run.iterdir()):
            if item.name in NOT_COPIED or (redact and item.name in TEXTS) or item.name.startswith("."):
                continue
            place = out / item.name
            if item.is_dir():
                shutil.rmtree(place, ignore_errors=True)
                shutil.copytree(item, place)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(item, place)
    except OSError as error:
        raise storage_error(error, f"copying the adapter; it is whole in {run / 'adapter'}") from error

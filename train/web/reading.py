"""A training as its run tells it: manifest, log and samples, whatever is there of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from assay.locks import is_held
from assay.runs import Manifest, library_versions, sources_digest
from assay.web.site import Site, read_json

from ..before.shown import EXAMPLES_FILE
from ..watching.samples import FILE as SAMPLES
from ..watching.samples import Sample, read_samples
from ..watching.steps import StepLog, last_validation_loss, read_log, validation_losses

State = Literal["running", "stopped", "done", "failed"]

STOPPED_BY = ("KeyboardInterrupt", "Terminated")
"""What a run's error is called where a person ended it."""

STEPS_TIMED = 30
"""The last steps that tell how long the others take."""


@dataclass(frozen=True)
class TrainingRun:
    """One run; what a file does not tell is None, {} or empty."""

    manifest: Manifest

    @property
    def name(self) -> str:
        return self.manifest.run

    @property
    def path(self) -> Path:
        return self.manifest.path

    @cached_property
    def state(self) -> State:
        """A run whose manifest says "running" and that no living process holds was killed."""
        outcome = self.manifest.outcome
        if is_held(self.path):
            return "running"
        if outcome == "done":
            return "done"
        return "stopped" if outcome == "running" or self.error in STOPPED_BY else "failed"

    @property
    def error(self) -> str:
        return str(self.manifest.data.get("error") or "")

    @property
    def facts(self) -> Mapping[str, Any]:
        return _mapping(self.manifest.data.get("facts"))

    @cached_property
    def recipe(self) -> Mapping[str, Any]:
        """Without its grounds. Of an unfinished run it stands in the manifest alone."""
        return {name: value for name, value in self._recipe.items() if name != "grounds"}

    @property
    def grounds(self) -> Mapping[str, str]:
        return _mapping(self._recipe.get("grounds"))

    @cached_property
    def _recipe(self) -> Mapping[str, Any]:
        return read_json(self.path / "recipe.json") or _mapping(self.facts.get("recipe"))

    @property
    def inputs(self) -> Mapping[str, str]:
        return _mapping(self.manifest.data.get("inputs"))

    @property
    def model(self) -> str:
        """As it was named, without its revision."""
        return str(self.inputs.get("model", "")).rpartition("@")[0] or str(self.inputs.get("model", ""))

    @property
    def method(self) -> str:
        if not self.recipe:
            return ""
        return "QLoRA" if self.recipe.get("load_in_4bit") else "LoRA"

    @property
    def rank(self) -> int | None:
        return self.recipe.get("lora_r")

    @cached_property
    def log(self) -> Sequence[StepLog]:
        return read_log(self.path / "log.jsonl")

    @property
    def steps(self) -> int | None:
        """Of the whole run, as planned."""
        return self.recipe.get("steps")

    @property
    def step(self) -> int:
        """The last one that was trained."""
        if self.state == "done":
            return int(self.facts.get("steps") or 0)
        return self.log[-1].step if self.log else 0

    @property
    def before(self) -> float | None:
        """Validation loss, as the next."""
        known = self.facts.get("validation_loss_before")
        if self.state == "done" and known is not None:
            return float(known)
        first = validation_losses(self.log)[:1]
        return first[0][1] if first and first[0][0] == 0 else None

    @property
    def after(self) -> float | None:
        """Of the step that is kept; of an unfinished run the last."""
        known = self.facts.get("validation_loss")
        if self.state == "done" and known is not None:
            return float(known)
        last = last_validation_loss(self.log)
        return None if last == self.before and len(validation_losses(self.log)) < 2 else last

    @property
    def checkpoint(self) -> int:
        """The step that the same command goes on from."""
        names = [str(name).rpartition("-")[2] for name in _mapping(self.facts.get("checkpoints"))]
        return max((int(number) for number in names if number.isdigit()), default=0)

    @cached_property
    def goes_on(self) -> bool:
        """Whether the same command would be this run: assay's sources and the libraries are those it began with."""
        code = _mapping(self.manifest.data.get("code"))
        same_sources = code.get("sources_sha256") == sources_digest()
        return same_sources and self.manifest.data.get("packages") == library_versions()

    @property
    def seconds_left(self) -> float | None:
        """By the last steps, the evaluations among them."""
        timed = self.log[-STEPS_TIMED:]
        steps = self.steps
        if steps is None or len(timed) < 2:
            return None
        first, last = timed[0], timed[-1]
        if last.step <= first.step or last.seconds <= first.seconds:
            return None
        return (steps - last.step) * (last.seconds - first.seconds) / (last.step - first.step)

    @cached_property
    def samples(self) -> Sequence[Sample]:
        return read_samples(self.path / SAMPLES)

    @property
    def counts(self) -> Mapping[str, int]:
        return _mapping(self.facts.get("counts"))

    @property
    def mixture(self) -> Mapping[str, Any]:
        return _mapping(self.facts.get("mixture"))

    @cached_property
    def lengths(self) -> Lengths | None:
        found: Lengths | None = _stamped(self.path / "trained_records.parquet", _lengths)
        return found

    @cached_property
    def left_out(self) -> Sequence[tuple[str, int]]:
        """(reason, rows) of what does not train."""
        return _stamped(self.path / "ledger.parquet", _left_out) or ()

    @property
    def curated(self) -> tuple[str, ...]:
        """The curate runs that its data is of."""
        return tuple(parent for parent in self.manifest.parents if parent.startswith("curate-"))

    @cached_property
    def data(self) -> tuple[str, ...]:
        """Names of its data: curate runs, else files."""
        if self.curated:
            return self.curated
        general = {str(_mapping(file).get("name")) for file in self.mixture.get("files", ())}
        files = _stamped(self.path / "ledger.parquet", _files) or ()
        return tuple(Path(name).name for name in files if name not in general)

    @property
    def examples(self) -> Sequence[Mapping[str, Any]]:
        """The records that were shown before the first step, as `Masked.to_json` has them."""
        found = read_json(self.path / EXAMPLES_FILE).get("examples")
        return [_mapping(item) for item in found] if isinstance(found, list) else []

    @property
    def tokens_per_step(self) -> float | None:
        """Of the records, without padding, on average: what the terminal counts tokens a second by."""
        lengths, steps, epochs = self.lengths, self.steps, self.recipe.get("num_train_epochs")
        return lengths.tokens * epochs / steps if lengths is not None and steps and epochs else None


@dataclass(frozen=True)
class Lengths:
    """Of the records that train, and how many validate. Tokens of one epoch."""

    training: int
    validation: int
    tokens: int
    trained_tokens: int


def training_runs(site: Site) -> list[TrainingRun]:
    """Newest first."""
    return [TrainingRun(manifest) for manifest in site.runs("train")]


def training_run(site: Site, name: str) -> TrainingRun | None:
    """None for a run of another stage, and for an opened folder. Raises NoSuchRunError."""
    manifest = site.manifest(name)
    return TrainingRun(manifest) if manifest is not None and manifest.stage == "train" else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _stamped(path: Path, read: Any) -> Any:
    """Read again only where the file has changed; None where it cannot be read."""
    try:
        return _read(path, path.stat().st_mtime_ns, read)
    except (OSError, ValueError, KeyError):
        return None


@lru_cache(maxsize=256)
def _read(path: Path, changed: int, read: Any) -> Any:
    return read(path)


def _lengths(path: Path) -> Lengths:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=["split", "tokens", "trained_tokens"])
    training = table.filter(pc.equal(table.column("split"), "train"))
    tokens, trained = (pc.sum(training.column(name)).as_py() or 0 for name in ("tokens", "trained_tokens"))
    return Lengths(training.num_rows, table.num_rows - training.num_rows, tokens, trained)


def _left_out(path: Path) -> Sequence[tuple[str, int]]:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=["fate", "reasons"])
    gone = table.filter(pc.invert(pc.is_in(table.column("fate"), value_set=_kept())))
    counted = pc.value_counts(pc.list_flatten(gone.column("reasons"))).to_pylist()
    return tuple(sorted(((one["values"], one["counts"]) for one in counted), key=lambda pair: (-pair[1], pair[0])))


def _kept() -> Any:
    import pyarrow as pa

    return pa.array(["kept", "repaired"])


def _files(path: Path) -> tuple[str, ...]:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=["source_file"])
    return tuple(sorted(str(name) for name in pc.unique(table.column("source_file")).to_pylist()))

"""A run to be described to another trainer: its recipe, its model, and the records that train."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.chat import ChatTarget
from assay.console import Options
from assay.dataset import Dataset
from assay.errors import SettingsError, SourceError
from assay.project import concatenate
from assay.records import Record

from ..parity.provenance import RECIPE, read_card, read_json, read_trained

TRAINED, CURATED = "trained_records.parquet", "data.parquet"
SPLITS = ("train", "validation")


@dataclass(frozen=True)
class DescribedRun:
    """recipe: the fields of `Recipe`, by name. records and rows are {"train": ..., "validation": ...}.

    model  what another tool finds the base by: a hub id, or an absolute folder
    rows   token ids and labels as assay trains on them, in the order of the records; empty where there are no records
    notes  what the reader should know whatever the tool
    """

    recipe: Mapping[str, Any]
    model: str
    revision: str | None
    target: ChatTarget
    records: Mapping[str, Sequence[Record]]
    rows: Mapping[str, Sequence[tuple[list[int], list[int]]]]
    notes: tuple[str, ...]

    @property
    def pad_token(self) -> str:
        return str(self.target.tokenizer.convert_ids_to_tokens(int(self.recipe["pad_token_id"])))

    @property
    def stop_text(self) -> str:
        return str(self.target.tokenizer.convert_ids_to_tokens(self.target.stop_token_ids[0]))


def read_run(source: Path, data: tuple[str, ...], options: Options) -> DescribedRun:
    """A settings file, or what `assay train` left: its folder, or the adapter in it.

    data  in place of what the settings, or the run's manifest, name

    Raises SettingsError, SourceError, ModelError, TrainingError.
    """
    if source.is_file():
        return _of_settings(source, data, options)
    folder = _run_of(source, options)
    if not folder.exists():
        raise SettingsError(
            "is not there", where=str(folder), fix="name assay.yaml, or the folder that assay train left"
        )
    return _of_folder(folder, data, options)


def _run_of(source: Path, options: Options) -> Path:
    """The folder that a run left: that of the store for an adapter that is named as `assay adapters` does."""
    from ..merging.command import named_adapter, store_of_options

    adapter = named_adapter(options, source)
    if adapter == source or not (run := read_card(adapter).get("run")):
        return adapter
    return store_of_options(options).root / "runs" / str(run)


def _of_settings(source: Path, data: tuple[str, ...], options: Options) -> DescribedRun:
    import dataclasses

    from ..inputs import read_inputs
    from ..prepared import prepare

    inputs = read_inputs(data, "auto", None, dataclasses.replace(options, config=source))
    prepared = prepare(inputs.data, inputs.settings, inputs.target, inputs.general)
    rows = {
        "train": {row.row_id: (row.input_ids, row.labels) for row in prepared.rows.training},
        "validation": {row.row_id: (row.input_ids, row.labels) for row in prepared.rows.validation},
    }
    both = concatenate([inputs.data, *(file.data for file in inputs.general)])
    return _described(prepared.recipe.to_json(), inputs.target, both, rows, prepared.notes)


def _of_folder(source: Path, data: tuple[str, ...], options: Options) -> DescribedRun:
    run = source if (source / RECIPE).is_file() else source.parent
    if not (run / RECIPE).is_file():
        raise SettingsError(
            f"holds no {RECIPE}, so it is not known how it was trained",
            where=str(source),
            fix="name the folder that assay train left, or its assay.yaml",
        )
    recipe = read_json(run / RECIPE)
    adapter = read_trained(run / "adapter", offline=options.offline, say=options.say)
    found = data or _curated(run)
    if not found:
        note = "the records are not exported, since the run does not say where they are; give them with --data"
        return _described(recipe, adapter.target, None, {}, (note,))
    dataset = _read(found, options)
    return _described(recipe, adapter.target, dataset, _trained_rows(run, dataset, recipe, adapter.target), ())


def _curated(run: Path) -> tuple[str, ...]:
    """The data of the curate run that a run of the store names as its parent."""
    try:
        parents = json.loads((run / "manifest.json").read_text(encoding="utf-8")).get("parents") or []
    except (OSError, ValueError, AttributeError):
        return ()
    paths = [run.parent / str(parent) / CURATED for parent in parents]
    return tuple(str(path) for path in paths if path.is_file())


def _read(data: tuple[str, ...], options: Options) -> Dataset:
    from assay.sources import ReadSettings, read

    return read(data, ReadSettings(), offline=options.offline)


def _trained_rows(
    run: Path, dataset: Dataset, recipe: Mapping[str, Any], target: ChatTarget
) -> dict[str, dict[str, tuple[list[int], list[int]]]]:
    """Ids and labels of the records that the run lists. Raises SourceError when the data has not all of them."""
    import pyarrow.parquet as pq

    from ..rows import encode_rows
    from ..settings import TrainSettings

    table = pq.read_table(run / TRAINED, columns=["row_id", "split"])
    split_of = dict(zip(table["row_id"].to_pylist(), table["split"].to_pylist(), strict=True))
    records = {record.row_id: record for record in dataset.records() if record.row_id in split_of}
    if len(records) < len(split_of):
        raise SourceError(
            f"{len(split_of) - len(records)} of the {len(split_of)} records that trained are not in this data",
            fix="give with --data all that the run was given, general data too",
        )
    import dataclasses

    chosen = Dataset.from_records(
        dataclasses.replace(record, split=split_of[row_id]) for row_id, record in records.items()
    )
    settings = TrainSettings(
        max_length=int(recipe["max_length"]),
        truncation="truncate",
        assistant_only_loss=bool(recipe["assistant_only_loss"]),
        completion_only_loss=bool(recipe.get("completion_only_loss", False)),
    )
    rows = encode_rows(chosen, settings, target)
    return {
        "train": {row.row_id: (row.input_ids, row.labels) for row in rows.training},
        "validation": {row.row_id: (row.input_ids, row.labels) for row in rows.validation},
    }


def _described(
    recipe: Mapping[str, Any],
    target: ChatTarget,
    dataset: Dataset | None,
    rows: Mapping[str, Mapping[str, tuple[list[int], list[int]]]],
    notes: tuple[str, ...],
) -> DescribedRun:
    by_id = {record.row_id: record for record in dataset.records()} if dataset is not None else {}
    ref = target.ref
    model = str(ref.path.absolute()) if isinstance(ref.path, Path) else ref.path
    if ref.embedded:
        notes = (*notes, f"{ref.name} comes with assay; the path is that of this machine's cache")
    return DescribedRun(
        recipe=recipe,
        model=model,
        revision=ref.revision if ref.is_hub else None,
        target=target,
        records={split: [by_id[row_id] for row_id in rows.get(split, {})] for split in SPLITS},
        rows={split: list(rows.get(split, {}).values()) for split in SPLITS},
        notes=notes,
    )

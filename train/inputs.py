"""What `assay train` is given on the command line, read and checked before anything is loaded."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.console import DEFAULT_CONFIG, Options
from assay.errors import SettingsError, SourceError

from .mixing import GeneralFile, read_general
from .settings import TrainSettings

if TYPE_CHECKING:
    from assay.chat import ChatTarget
    from assay.dataset import Dataset


@dataclass(frozen=True)
class Inputs:
    """Arguments of the stage function, and the folder of the run store. general: what settings.general_data names."""

    data: Dataset
    settings: TrainSettings
    target: ChatTarget
    store: Path
    general: tuple[GeneralFile, ...] = ()


def read_inputs(data: tuple[str, ...], input_format: str, model: str | None, options: Options) -> Inputs:
    """Without DATA or model, those of the settings file. Raises SettingsError, SourceError, ModelError."""
    from assay.chat import load_target

    settings = options.settings(TrainSettings, "train")
    if options.seed is not None:
        settings = dataclasses.replace(settings, seed=options.seed)
    top = options.document().data
    name = model or top.get("model_name_or_path")
    if not name:
        raise SettingsError("no model was named", fix="add --model smollm2-135m-instruct, a hub id or a folder")
    read = _read(data, input_format, options)
    for note in read.notes:
        options.say(note)
    if len(read) == 0:
        where = str(read.faults[0].source) if read.faults else ", ".join(data) or None
        raise SourceError("no valid row", where=where, fix="`assay audit` says what is wrong with each")
    if read.faults:
        options.say(
            f"note: {len(read.faults)} rows could not be read and do not train; the first is "
            f"{read.faults[0].source}: {read.faults[0].message}"
        )
    general = read_general(settings.general_data, _root(options), offline=options.offline)
    for note in (note for file in general for note in file.data.notes):
        options.say(note)
    target = load_target(
        str(name),
        revision=top.get("revision") if model is None else None,
        offline=options.offline,
        trust_remote_code=bool(top.get("trust_remote_code", False)),
        say=options.say,
    )
    return Inputs(read, settings, target, _root(options) / str(top.get("store", ".assay")), general)


def check_reviewed(inputs: Inputs, sources: tuple[str, ...], options: Options) -> None:
    """Records that a model generated do not train before people have read enough of them. Raises NotAcceptedError,
    SourceError, SettingsError."""
    from assay.reviews.journal import reviews_in, usual_journal
    from assay.reviews.rule import check_data, required_acceptance

    required = required_acceptance(options.document())
    reviews = reviews_in(usual_journal(_root(options)))
    check_data(inputs.data, reviews, required, ", ".join(sources) or "the data")
    for file in inputs.general:
        check_data(file.data, reviews, required, file.name)


def named_sources(data: tuple[str, ...], options: Options) -> tuple[str, ...]:
    """DATA as it was given; without it, what the settings file names, with its folder before it."""
    from assay.project import load_project

    if data or not (options.config or DEFAULT_CONFIG).is_file():
        return data
    project = load_project(options.document(), _root(options))
    return tuple(str(project.path(source.path)) for source in project.settings.data)


def _read(data: tuple[str, ...], input_format: str, options: Options) -> Dataset:
    from assay.project import load_project
    from assay.sources import ReadSettings, read

    if data:
        return read(data, ReadSettings(format=input_format, limit=options.limit), offline=options.offline)
    if not (options.config or DEFAULT_CONFIG).is_file():
        raise SettingsError("no data was named", fix="write `assay train DATA`, or list the data in assay.yaml")
    project = load_project(options.document(), _root(options))
    return project.read_data(offline=options.offline, limit=options.limit)


def _root(options: Options) -> Path:
    return (options.config or DEFAULT_CONFIG).parent

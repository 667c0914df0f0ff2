"""assay.yaml as a whole: the sections of the stages, and where the data is."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.config import Document, parse
from assay.errors import SettingsError
from assay.suites.general import TIERS, general_suites, include_paths, is_bundled, named_tier, tier_folder, with_tiers

if TYPE_CHECKING:
    from assay.dataset import Dataset

SECTIONS = {
    "curate": "assay.curate.settings:CurateSettings",
    "synth": "assay.synth.settings:SynthSettings",
    "train": "assay.train.settings:TrainSettings",
    "evaluate": "assay.evaluate.settings:EvaluateSettings",
}

NO_PREVIOUS = "none"
"""gate.previous, and --previous, where a candidate is held against the base alone."""


@dataclass(frozen=True)
class DataSource:
    """One entry of `data`. path is relative to the settings file; the rest is as in `assay.sources.ReadSettings`."""

    path: str
    format: str = "auto"
    columns: Mapping[str, str] = field(default_factory=dict)
    preference: bool = False


@dataclass(frozen=True)
class GateSection:
    """policy is a path; previous an adapter's folder, the certificate of a release, or none.

    Without `previous` the last adapter of the store that passed on the same base is the one.
    """

    policy: str = "policy.yaml"
    previous: str | None = None


@dataclass(frozen=True)
class ProjectSettings:
    """The top of assay.yaml; the sections of the stages are typed by the stages themselves."""

    version: int = 1
    model_name_or_path: str = "smollm2-135m-instruct"
    revision: str | None = None
    trust_remote_code: bool = False
    store: str = ".assay"
    data: tuple[DataSource, ...] = ()
    curate: Mapping[str, Any] = field(default_factory=dict)
    synth: Mapping[str, Any] = field(default_factory=dict)
    train: Mapping[str, Any] = field(default_factory=dict)
    evaluate: Mapping[str, Any] = field(default_factory=dict)
    gate: GateSection = GateSection()


@dataclass(frozen=True)
class Project:
    """Settings that were read and checked, before anything runs.

    root      folder that relative paths start from
    sections  one settings object a stage
    notices   aliases that were met
    """

    settings: ProjectSettings
    root: Path
    sections: Mapping[str, Any]
    notices: tuple[str, ...]

    def path(self, name: str) -> Path:
        """A path of the settings file; absolute ones stay."""
        return self.root / name

    @property
    def store(self) -> Path:
        return self.path(self.settings.store)

    @property
    def suite_paths(self) -> list[Path]:
        """Own suites, and those of the bundled ones that are suites of assay's format."""
        section = self.sections["evaluate"]
        general = [path for tier in self._tiers for path in general_suites(tier, section.tasks).suites]
        return [*(self.path(name) for name in section.suites), *general]

    @property
    def included(self) -> tuple[str, ...]:
        """Folders of lm-eval tasks as paths, and `bundled[:TIER]` as it stands."""
        given = include_paths(self.sections["evaluate"].include_path)
        return tuple(path if is_bundled(path) else str(self.path(path)) for path in given)

    @property
    def task_folders(self) -> list[Path]:
        """Folders of lm-eval tasks, of the bundled ones those of all tiers until one is chosen."""
        folders = [self._folders(path) if is_bundled(path) else [Path(path)] for path in self.included]
        return list(dict.fromkeys(folder for found in folders for folder in found))

    @staticmethod
    def _folders(included: str) -> list[Path]:
        tier = named_tier(included)
        return [tier_folder(name) for name in (TIERS if tier is None else (tier,))]

    @property
    def _tiers(self) -> tuple[str, ...]:
        named = [named_tier(path) for path in self.included if is_bundled(path)]
        return tuple(dict.fromkeys(name for tier in named for name in (TIERS if tier is None else (tier,))))

    @property
    def previous_adapter(self) -> Path | str | None:
        """The adapter of the last release, or `none`, where one is named. Raises SettingsError when it is not there."""
        given = self.settings.gate.previous
        if given in (None, NO_PREVIOUS):
            return given
        from assay.releases.adapter_names import adapter_folder

        path = adapter_folder(given, self.store, self.root)
        if path.is_file():
            path = path.parent / _adapter_of(path)
        if not (path / "adapter_config.json").is_file():
            raise SettingsError(
                "gate.previous is no adapter", where=str(path), fix="name its folder, or its certificate.json"
            )
        return path

    def read_data(self, *, offline: bool = False, limit: int | None = None) -> Dataset:
        """All sources as one data set. Raises SourceError."""
        from assay.sources import ReadSettings, read

        parts = [
            read(
                [str(self.path(source.path)) if self.path(source.path).exists() else source.path],
                ReadSettings(source.format, source.columns, source.preference, limit),
                offline=offline,
            )
            for source in self.settings.data
        ]
        return concatenate(parts)


def _adapter_of(certificate: Path) -> str:
    """Where a certificate says that its adapter is, from the certificate's folder."""
    import json

    try:
        return str(json.loads(certificate.read_text(encoding="utf-8"))["paths"]["adapter"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError("gate.previous is no certificate that names an adapter", where=str(certificate)) from error


def bundled(name: str) -> Path:
    """A file or folder of the sample data that comes with assay."""
    return Path(__file__).resolve().parent / "sample_data" / name


def concatenate(parts: list[Dataset]) -> Dataset:
    """Rows, faults and notes of several data sets, in order."""
    import pyarrow as pa

    from assay.dataset import Dataset
    from assay.records import arrow_schema

    tables = [part.table for part in parts] or [arrow_schema().empty_table()]
    return Dataset(
        pa.concat_tables(tables),
        tuple(fault for part in parts for fault in part.faults),
        tuple(note for part in parts for note in part.notes),
    )


def load_project(document: Document, root: Path) -> Project:
    """Checks every section before anything runs. Raises SettingsError."""
    settings, notices = parse(ProjectSettings, document)
    if settings.version != 1:
        raise SettingsError(f"version {settings.version} is not known", where=document.file, fix="this assay reads 1")
    if not settings.data:
        raise SettingsError("names no data", where=document.file, fix="add data: [{path: your.jsonl}]")
    sections = {}
    for name, target in SECTIONS.items():
        module, _, cls = target.partition(":")
        section = document.section(name)
        sections[name], found = parse(getattr(importlib.import_module(module), cls), section)
        notices += found
    sections["curate"] = sections["curate"].beside(root)
    return Project(settings, root, sections, notices)


def with_tier(project: Project, tier: str) -> Project:
    """The same project with the bundled suites of one tier, where the settings say `bundled` alone."""
    section = project.sections["evaluate"]
    named = with_tiers(include_paths(section.include_path), lambda _: tier)
    section = dataclasses.replace(section, include_path=named[0] if len(named) == 1 else named)
    return dataclasses.replace(project, sections={**project.sections, "evaluate": section})


def with_seed(project: Project, seed: int) -> Project:
    """The same project with one seed for all stages."""
    sections = {
        name: dataclasses.replace(section, seed=seed) if hasattr(section, "seed") else section
        for name, section in project.sections.items()
    }
    return dataclasses.replace(project, sections=sections)

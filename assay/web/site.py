"""What the pages show: a run store, folders opened besides it, and the journal that decisions go to."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.errors import NoSuchRunError
from assay.reviews.journal import usual_journal
from assay.reviews.who import user
from assay.runs import Manifest, RunStore

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,120}")


@dataclass(frozen=True)
class Site:
    """store    the run store
    journal  the file of decisions, which `curate` replays
    project  the folder that commands are started in: of assay.yaml, where there is one
    folders  {name in an address: folder}, what `-o` named; a name of a run means that run
    who      the name that decisions are written under
    seeds    files of data that generation started from, shown beside what it wrote
    """

    store: RunStore
    journal: Path
    project: Path = field(default_factory=Path.cwd)
    folders: Mapping[str, Path] = field(default_factory=dict)
    who: str = field(default_factory=user)
    seeds: tuple[str, ...] = ()

    @property
    def applying(self) -> str:
        """What to type in the project so that the decisions are applied: which journal, where curate would not look."""
        usual = self.project / usual_journal(self.project)
        found = self.journal.resolve() == usual.resolve()
        return "assay curate" if found else f"assay curate --reviews {shlex.quote(self.journal_name)}"

    @property
    def journal_name(self) -> str:
        """The file of decisions as seen from the project; its whole path where it lies elsewhere."""
        journal, project = self.journal.resolve(), self.project.resolve()
        return str(journal.relative_to(project)) if journal.is_relative_to(project) else str(journal)

    @property
    def unwritable(self) -> str:
        """Why no decision could be written, in a line, or ""."""
        folder = next(path for path in (self.journal.parent, *self.journal.absolute().parents) if path.is_dir())
        needed = [self.journal] if self.journal.exists() else []
        for path in (*needed, folder):
            if not os.access(path, os.W_OK):
                return f"Decisions cannot be written: {path} is read-only. What is here can be looked at."
        return ""

    def runs(self, stage: str | None = None) -> list[Manifest]:
        """Newest first; of one stage, or all."""
        return [manifest for manifest in self.store.manifests() if stage in (None, manifest.stage)]

    def latest(self, stage: str, holding: str) -> Manifest | None:
        """The newest run of a stage that ended well and has this file."""
        done = (run for run in self.runs(stage) if run.outcome == "done" and (run.path / holding).is_file())
        return next(done, None)

    def folder(self, name: str) -> Path:
        """Of a run or an opened folder, never outside them. Raises NoSuchRunError."""
        if name in self.folders:
            return self.folders[name]
        runs = self.store.root / "runs"
        path = runs / name
        if not _NAME.fullmatch(name) or not path.is_dir() or path.resolve().parent != runs.resolve():
            raise NoSuchRunError(f"no run '{name}'", where=str(self.store.root), fix="`assay runs` lists them")
        return path

    def file(self, name: str, relative: str) -> Path:
        """A file that a run wrote. Raises NoSuchRunError for one that is not there or lies outside the run."""
        folder = self.folder(name)
        path = folder / relative
        inside = path.resolve().is_relative_to(folder.resolve()) and path.is_file()
        if not inside:
            raise NoSuchRunError(f"run '{name}' has no file '{relative}'", where=str(folder))
        return path

    def manifest(self, name: str) -> Manifest | None:
        """None for an opened folder, which has none."""
        if name in self.folders:
            return None
        self.folder(name)
        return self.store.get(name)

    def data_runs(self) -> list[str]:
        """Names of what holds curated records: opened folders first, then runs, newest first."""
        opened = [name for name, folder in self.folders.items() if (folder / "data.parquet").is_file()]
        return opened + [run.run for run in self.runs("curate") if (run.path / "data.parquet").is_file()]


def read_json(path: Path) -> dict[str, Any]:
    """{} where the file is missing or no JSON object: a page says "not there" instead of failing."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}

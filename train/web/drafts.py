"""Trainings that were put together in the browser: their settings, what was found out before, and their process.

`<store>/training/<digest of the settings>/`:

    settings.yaml  what the settings file will hold
    form.json      what was chosen, to choose again from
    looking/       the process that looks at data and model, and look.json, which it found
    running/       the process that trains
    started.json   the settings file in the project's folder
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import re
import shlex
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from assay.errors import NoSuchRunError, RunError, StorageError, storage_error
from assay.locks import held, holder, is_held
from assay.storage import write_json, write_text
from assay.web.site import Site, read_json

from .found import Found
from .output import last_lines
from .process import ENDED, LOG, start, wait_until_begun

_NAMED = re.compile(r"\btrain-[0-9a-f]{12}\b")
_ID = re.compile(r"[0-9a-f]{12}")
FORM, SETTINGS, STARTED, LOOK = "form.json", "settings.yaml", "started.json", "look.json"
LOOKING, STARTING, RUNNING = "looking", "starting", "running"
MOST_FILES = 10_000


@dataclass(frozen=True)
class Draft:
    """One of them, as it is on disk."""

    folder: Path
    project: Path

    @property
    def id(self) -> str:
        return self.folder.name

    @cached_property
    def text(self) -> str:
        """Of the settings file where there is one: it may have been edited since."""
        for path in (self.project / self.file if self.file else None, self.folder / SETTINGS):
            try:
                if path is not None:
                    return path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                continue
        return ""

    @property
    def touched(self) -> float:
        """When it was put together or looked at last."""
        files = [self.folder / name for name in (SETTINGS, FORM, f"{LOOKING}/{LOOK}")]
        return max((path.stat().st_mtime for path in files if path.is_file()), default=0.0)

    @cached_property
    def form(self) -> Mapping[str, str]:
        return {str(name): str(value) for name, value in read_json(self.folder / FORM).items()}

    @cached_property
    def look(self) -> Mapping[str, Any]:
        """`look.Found`; {} before there is one. The audit comes last."""
        found = read_json(self.folder / LOOKING / LOOK)
        return {**dataclasses.asdict(Found()), **found} if found else {}

    @property
    def is_looking(self) -> bool:
        return is_held(self.folder / LOOKING)

    @property
    def looked(self) -> str:
        return last_lines(self.folder / LOOKING / LOG, 12)

    @cached_property
    def file(self) -> str:
        return str(read_json(self.folder / STARTED).get("file") or "")

    @property
    def started(self) -> bool:
        return bool(self.file)

    @cached_property
    def run(self) -> str:
        """The run that it is, or will be; "" before that was found out.

        It is another than was foretold where data, model or assay changed in between, and noted once it is seen.
        """
        noted = read_json(self.folder / STARTED).get("run")
        foretold = str(self.look.get("run") or "")
        if not self.started or noted:
            return str(noted or foretold)
        seen = self._seen_run(foretold)
        if seen:
            write_json(self.folder / STARTED, {"file": self.file, "run": seen})
        return seen or foretold

    def _seen_run(self, foretold: str) -> str:
        """Which run the process holds, or has named; "" before it has opened one."""
        process, runs = self.process(), self.folder.resolve().parent.parent / "runs"
        if process is None:
            named = _NAMED.findall(self.output)
            return named[-1] if named and (runs / named[-1]).is_dir() else ""
        candidates = [runs / foretold] if foretold else []
        candidates += sorted(runs.glob("train-*"), key=lambda path: path.stat().st_mtime, reverse=True)[:20]
        return next((path.name for path in candidates if holder(path) == process), "")

    @cached_property
    def state(self) -> str:
        if is_held(self.folder / RUNNING):
            return "running"
        code = read_json(self.folder / RUNNING / ENDED).get("code")
        return {None: "stopped", 0: "done", 130: "stopped"}.get(code, "failed")

    @property
    def output(self) -> str:
        return last_lines(self.folder / RUNNING / LOG)

    @property
    def log(self) -> Path:
        return self.folder / RUNNING / LOG

    @property
    def command(self) -> str:
        """For a shell."""
        return f"cd {shlex.quote(str(self.project.resolve()))}\nassay train -c {shlex.quote(self.file)}"

    def begin_to_look(self) -> None:
        (self.folder / LOOKING / LOOK).unlink(missing_ok=True)
        since = time.time()
        place = self.folder / LOOKING
        start(place, self.project, "assay.train.web.look", [str(self.folder.resolve()), str(self.project.resolve())])
        wait_until_begun(place, since)

    def begin(self) -> None:
        """Writes the settings file, once, and trains by it; nothing where it is training. Raises StorageError."""
        with contextlib.suppress(RunError), held(self.folder / STARTING, "the start of this training"):
            if not is_held(self.folder / RUNNING):
                self._begin()

    def _begin(self) -> None:
        name = self.file
        if not name or not (self.project / name).is_file():
            name = _write_new(self.project, (self.folder / SETTINGS).read_text(encoding="utf-8"))
        write_json(self.folder / STARTED, {"file": name})
        since = time.time()
        start(self.folder / RUNNING, self.project, "assay.cli", ["train", "-c", name])
        wait_until_begun(self.folder / RUNNING, since)

    def process(self) -> int | None:
        """That trains, or is about to."""
        return holder(self.folder / RUNNING)


@dataclass(frozen=True)
class Drafts:
    """Those of a store."""

    site: Site

    @property
    def root(self) -> Path:
        return self.site.store.root / "training"

    def all(self) -> list[Draft]:
        """Newest first."""
        found = [path for path in self.root.glob("*") if _ID.fullmatch(path.name) and (path / SETTINGS).is_file()]
        found.sort(key=lambda path: (path / SETTINGS).stat().st_mtime, reverse=True)
        return [self._of(path) for path in found]

    def get(self, name: str) -> Draft:
        """Raises NoSuchRunError."""
        folder = self.root / name
        if not _ID.fullmatch(name) or not (folder / SETTINGS).is_file():
            raise NoSuchRunError(f"no training '{name}' was put together here", where=str(self.root))
        return self._of(folder)

    def of_run(self, run: str) -> Draft | None:
        """The one that was started and is this run."""
        return next((draft for draft in self.all() if draft.started and draft.run == run), None)

    def keep(self, text: str, form: Mapping[str, str]) -> Draft:
        """The same settings are the same draft. Raises StorageError."""
        name = hashlib.sha256(text.encode()).hexdigest()[:12]
        write_text(self.root / name / SETTINGS, text)
        write_json(self.root / name / FORM, dict(form))
        return self.get(name)

    def forget(self, before: float) -> None:
        """Those that were never started and that nobody came back to since (`time.time`)."""
        for draft in self.all():
            if draft.touched < before and not draft.started and not draft.is_looking:
                with contextlib.suppress(RunError, OSError), held(draft.folder / STARTING, "this training"):
                    if not self._of(draft.folder).started:
                        shutil.rmtree(draft.folder)

    def _of(self, folder: Path) -> Draft:
        return Draft(folder, self.site.project)


def _write_new(project: Path, text: str) -> str:
    """assay-train-N.yaml, of the first number whose file is not there; nothing is written over. Raises StorageError."""
    for number in range(1, MOST_FILES):
        name = f"assay-train-{number}.yaml"
        try:
            with (project / name).open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            continue
        except OSError as error:
            raise storage_error(error, f"writing {name} into {project}") from error
        return name
    raise StorageError(f"there are {MOST_FILES:,} files assay-train-N.yaml", where=str(project), fix="remove some")

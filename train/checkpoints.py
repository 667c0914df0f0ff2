"""Which checkpoints may be resumed: those whose every file has the hash that the run's manifest lists.

A trainer's checkpoint holds pickles. One that was half-written when the process was killed, or that came from
elsewhere, is not in the list, or does not match it, and is set aside.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from assay.runs import Run
from assay.storage import sha256_folder

from .processes.group import ALONE, Group
from .processes.sharding import is_sharded

FACT = "checkpoints"
SHARDED = "pytorch_model_fsdp.bin"
"""What a checkpoint of FSDP holds, and no other does."""

NAME = re.compile(r"checkpoint-(\d+)")


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoint folder of a run.

    place  where it is, when several processes write into that of the first
    """

    run: Run
    place: Path | None = None
    group: Group = ALONE

    @property
    def folder(self) -> Path:
        return self.place or self.run.path / FACT

    @property
    def listed(self) -> Mapping[str, Mapping[str, str]]:
        """{checkpoint: {file: sha256}}"""
        found: Mapping[str, Mapping[str, str]] = self.run.facts.get(FACT, {})
        return found

    def record(self, step: int) -> None:
        """Lists the checkpoint of this step in the manifest, once it is whole, and forgets those that are gone."""
        self.group.wait()  # each process writes a file of its own into it
        if self.group.is_first:
            self._list(f"checkpoint-{step}")
        self.group.wait()

    def _list(self, name: str) -> None:
        kept = {other: files for other, files in self.listed.items() if (self.folder / other).is_dir()}
        self.run.facts[FACT] = {**kept, name: sha256_folder(self.folder / name)}
        self.run.write_manifest("running")

    def latest(self, say: Callable[[str], None]) -> Path | None:
        """The newest checkpoint that is as it was listed; every other one is set aside, with a line."""
        return self.group.same(lambda: self._latest(say))

    def _latest(self, say: Callable[[str], None]) -> Path | None:
        whole: list[Path] = []
        for path in self._found():
            problem = self._problem(path)
            if problem is None:
                whole.append(path)
                continue
            aside = path.with_name(f"ignored-{path.name}")
            shutil.rmtree(aside, ignore_errors=True)
            path.rename(aside)
            say(f"note: {path.name} is not used: {problem}")
        return whole[-1] if whole else None

    def clear(self) -> None:
        """After the adapter is saved nothing needs them."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.run.facts.pop(FACT, None)

    def _found(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        numbered = [(int(match[1]), path) for path in self.folder.iterdir() if (match := NAME.fullmatch(path.name))]
        return [path for _, path in sorted(numbered)]

    def _problem(self, path: Path) -> str | None:
        listed = self.listed.get(path.name)
        if listed is None:
            return "the manifest does not list it, so it was not finished"
        if (SHARDED in listed) != is_sharded():
            return f"it was saved {'with' if SHARDED in listed else 'without'} --strategy fsdp"
        actual = sha256_folder(path)
        changed = sorted(name for name in listed.keys() | actual.keys() if listed.get(name) != actual.get(name))
        return f"{changed[0]} is not what was saved" if changed else None

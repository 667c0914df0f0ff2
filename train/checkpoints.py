"""Which checkpoints may be resumed: those whose every file has the hash that the run's manifest lists.

A trainer's checkpoint holds pickles. One that was half-written when the process was killed, or that came from
elsewhere, is not in the list, or does not match it, and is set aside.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.runs import Run
from assay.storage import sha256_folder

from .processes.group import ALONE, Group
from .processes.strategy import of_checkpoint, sharing

FACT = "checkpoints"
NAME = re.compile(r"checkpoint-(\d+)")
TRAINER_STATE = "trainer_state.json"


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

    def of_step(self, step: int) -> Path:
        return self.folder / f"checkpoint-{step}"

    def record(self, step: int, best: int | None = None) -> None:
        """Lists the checkpoint of this step in the manifest, once it is whole, and only then removes older ones: the
        one of the best step stays beside it, or the one before where it is the best itself."""
        self.group.wait()  # each process writes a file of its own into it
        if self.group.is_first:
            self._list(f"checkpoint-{step}")
            kept = (self.of_step(step), self.of_step(best or step))
            older = [path for path in self._found() if path not in kept]
            for path in older if kept[0] != kept[1] else older[:-1]:
                shutil.rmtree(path, ignore_errors=True)
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
            problem = self._problem(path) or _without_its_best(path, whole)
            if problem is None:
                whole.append(path)
                continue
            aside = path.with_name(f"ignored-{path.name}")
            shutil.rmtree(aside, ignore_errors=True)
            path.rename(aside)
            say(f"note: {path.name} is not used: {problem}")
        return whole[-1] if whole else None

    def clear(self) -> None:
        """After the adapter is saved nothing needs them. The run is done before they go: killed between, it would
        begin anew."""
        self.run.facts.pop(FACT, None)
        self.run.write_manifest("done")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _found(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        numbered = [(int(match[1]), path) for path in self.folder.iterdir() if (match := NAME.fullmatch(path.name))]
        return [path for _, path in sorted(numbered)]

    def _problem(self, path: Path) -> str | None:
        listed = self.listed.get(path.name)
        if listed is None:
            return "the manifest does not list it, so it was not finished"
        if not sharing().reads(of_checkpoint(listed)):
            return f"it was saved {of_checkpoint(listed).saved}"
        actual = sha256_folder(path)
        changed = sorted(name for name in listed.keys() | actual.keys() if listed.get(name) != actual.get(name))
        return f"{changed[0]} is not what was saved" if changed else None


def best_step(checkpoint: Path) -> int | None:
    """The best step that a checkpoint knows of, whose adapter is kept at the end."""
    found = state_of(checkpoint).get("best_global_step")
    return found if isinstance(found, int) and found else None


def state_of(checkpoint: Path) -> Mapping[str, Any]:
    """What the trainer noted in it; {} where it noted nothing."""
    try:
        state = json.loads((checkpoint / TRAINER_STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def had_stopped(checkpoint: Path, patience: int) -> bool:
    """Whether early stopping ended the run at this checkpoint, which the trainer forgets when it goes on from it."""
    noted = state_of(checkpoint).get("stateful_callbacks", {}).get("EarlyStoppingCallback", {})
    counted = noted.get("attributes", {}).get("early_stopping_patience_counter", 0) if isinstance(noted, dict) else 0
    return bool(patience) and int(counted) >= patience


def _without_its_best(path: Path, whole: Sequence[Path]) -> str | None:
    """Why a checkpoint is of no use although it is whole: the adapter that would be kept lies in another, which is
    gone. The trainer would keep that of the last step in its place, and say nothing."""
    best = best_step(path)
    if best is None or any(other.name == f"checkpoint-{best}" for other in (path, *whole)):
        return None
    return f"the adapter that was best until then, of step {best}, is not there"

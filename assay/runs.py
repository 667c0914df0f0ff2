"""Runs: one folder each, named by what went in, with a manifest that says what came out.

`runs/<stage>-<digest>/manifest.json`. The digest covers stage, settings, inputs, assay's own sources and the
versions of the libraries that compute; so an unchanged stage is not run again, and a killed one resumes in
its own folder.
"""

from __future__ import annotations

import hashlib
import json
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from assay.errors import AssayError, NoSuchRunError
from assay.locks import OF_LOCKS, held
from assay.storage import sha256_file, write_json
from assay.version import __version__

COMPUTING_LIBRARIES = (
    "accelerate",
    "bitsandbytes",
    "lm-eval",
    "numpy",
    "peft",
    "pyarrow",
    "tokenizers",
    "torch",
    "transformers",
    "trl",
)


@dataclass
class Run:
    """An open run. `facts` is free for what only this stage knows (seed, device, template hash, ...).

    path  the run's folder; a stage writes its outputs there
    """

    stage: str
    digest: str
    path: Path
    settings: Mapping[str, Any]
    inputs: Mapping[str, str]
    parents: tuple[str, ...]
    complete: bool
    facts: dict[str, Any] = field(default_factory=dict)
    started: float = field(default_factory=time.time)

    @property
    def id(self) -> str:
        return self.path.name

    def write_manifest(self, outcome: str, error: str | None = None) -> None:
        """outcome: "running", "done", or "failed"; outputs are hashed unless the run goes on."""
        outputs = {} if outcome == "running" else _output_digests(self.path)
        write_json(
            self.path / "manifest.json",
            {
                "stage": self.stage,
                "run": self.id,
                "outcome": outcome,
                "error": error,
                "settings": dict(self.settings),
                "inputs": dict(self.inputs),
                "parents": list(self.parents),
                "outputs": outputs,
                "facts": self.facts,
                "code": {"version": __version__, "sources_sha256": sources_digest(), **_git_state()},
                "packages": library_versions(),
                "platform": platform.platform(),
                "python": platform.python_version(),
                "started": _iso(self.started),
                "sequence": int(self.started * 1e9),
                "seconds": round(time.time() - self.started, 3),
            },
        )


@dataclass(frozen=True)
class Manifest:
    """A manifest as it was read back."""

    path: Path
    data: Mapping[str, Any]

    @property
    def run(self) -> str:
        return str(self.data["run"])

    @property
    def stage(self) -> str:
        return str(self.data["stage"])

    @property
    def outcome(self) -> str:
        return str(self.data["outcome"])

    @property
    def parents(self) -> tuple[str, ...]:
        return tuple(self.data["parents"])

    @property
    def verdict(self) -> str:
        """That a gate came to; "" for another run, or one that did not end well."""
        if self.stage != "gate" or self.outcome != "done":
            return ""
        facts = self.data.get("facts")
        noted = facts.get("verdict") if isinstance(facts, dict) else None
        return str(noted or _decided(self.path / "decision.json"))

    @property
    def order(self) -> tuple[str, int]:
        """Later runs have a greater one. Of runs of one second the manifest's `sequence` tells, nanoseconds of the
        start; in one of before, which has none, when it was written last."""
        sequence = self.data.get("sequence")
        if not isinstance(sequence, int):
            try:
                sequence = (self.path / "manifest.json").stat().st_mtime_ns
            except OSError:
                sequence = 0
        return str(self.data.get("started")), sequence


@dataclass(frozen=True)
class RunStore:
    """The folder that holds `runs/`; by default `.assay/` in the working directory."""

    root: Path = Path(".assay")

    @contextmanager
    def open(
        self,
        stage: str,
        settings: Mapping[str, Any],
        inputs: Mapping[str, str],
        parents: Sequence[str] = (),
    ) -> Iterator[Run]:
        """One run under its lock. `run.complete` says that it was done before and that its outputs still match.

        The manifest says "running" while the block runs, "done" after it, "failed" when it raised.
        Raises RunError when another process holds the run.
        """
        digest = run_digest(stage, settings, inputs)
        path = self.root / "runs" / f"{stage}-{digest[:12]}"
        with held(path, "this run"):
            facts = _recorded_facts(path)
            run = Run(stage, digest, path, settings, inputs, tuple(parents), _is_complete(path), facts)
            if run.complete:
                yield run
                return
            run.write_manifest("running")
            try:
                yield run
            except BaseException as error:
                run.write_manifest("failed", _error_line(error))
                raise
            run.write_manifest("done")

    def manifests(self) -> list[Manifest]:
        """Every run of the store, newest first; damaged manifests are left out."""
        found = []
        for path in (self.root / "runs").glob("*/manifest.json"):
            manifest = _read(path)
            if manifest is not None:
                found.append(manifest)
        return sorted(found, key=lambda manifest: manifest.order, reverse=True)

    def get(self, run_id: str) -> Manifest:
        """Raises NoSuchRunError."""
        manifest = _read(self.root / "runs" / run_id / "manifest.json")
        if manifest is None:
            raise NoSuchRunError(f"no run '{run_id}'", where=str(self.root), fix="`assay runs` lists them")
        return manifest


def _read(path: Path) -> Manifest | None:
    """None for what is no manifest, or a damaged one."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(data, dict) and all(isinstance(data.get(name), str) for name in ("run", "stage", "outcome"))
    return Manifest(path.parent, data) if whole and isinstance(data.get("parents"), list) else None


def _decided(decision: Path) -> str:
    """The verdict of a gate's decision, "" where none can be read."""
    try:
        data = json.loads(decision.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(data.get("verdict") or "") if isinstance(data, dict) else ""


def run_digest(stage: str, settings: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """sha256 that names a run."""
    body = {
        "stage": stage,
        "settings": settings,
        "inputs": inputs,
        "sources": sources_digest(),
        "versions": library_versions(),
    }
    return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()


@cache
def sources_digest() -> str:
    """sha256 over assay's own Python sources and prompt files."""
    digest = hashlib.sha256()
    package = Path(__file__).resolve().parent
    stages = [package / stage for stage in ("curate", "synth", "train", "evaluate")]
    for folder in (package, *stages):
        for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.jinja")]):
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@cache
def library_versions() -> dict[str, str]:
    """Versions of the installed libraries that compute."""
    found = {}
    for name in COMPUTING_LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _recorded_facts(path: Path) -> dict[str, Any]:
    """What an interrupted run had noted, such as the hashes of its checkpoints; {} for a first run."""
    try:
        facts = json.loads((path / "manifest.json").read_text(encoding="utf-8")).get("facts")
    except (OSError, json.JSONDecodeError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _is_complete(path: Path) -> bool:
    try:
        manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return False
    if manifest.get("outcome") != "done":
        return False
    outputs: dict[str, str] = manifest.get("outputs", {})
    return all((path / name).is_file() and sha256_file(path / name) == digest for name, digest in outputs.items())


def _output_digests(path: Path) -> dict[str, str]:
    """Of every file but the manifest, the locks, and trainer checkpoints (their hashes are in `facts`)."""
    out = {}
    for item in sorted(path.rglob("*")):
        relative = item.relative_to(path)
        if item.is_file() and item.name not in ("manifest.json", *OF_LOCKS) and relative.parts[0] != "checkpoints":
            out[relative.as_posix()] = sha256_file(item)
    return out


def _git_state() -> dict[str, Any]:
    """Commit and whether the tree was dirty, where assay runs from a checkout."""
    import subprocess

    top = Path(__file__).resolve().parent.parent
    if not (top / ".git").exists():
        return {"commit": None, "dirty": None}

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(top), *arguments], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    return {"commit": git("rev-parse", "HEAD") or None, "dirty": bool(git("status", "--porcelain"))}


def _error_line(error: BaseException) -> str:
    return str(error) if isinstance(error, AssayError) else type(error).__name__


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))

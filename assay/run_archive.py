"""Runs in one file, to carry them from the machine that computed to the one that decides.

A zip of whole run folders with all they came from, so that lineage and certificates hold where they are unpacked. What
does not match its manifest to the byte is not taken in.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from assay.errors import RunError, SourceError, storage_error
from assay.locks import OF_LOCKS
from assay.runs import RunStore
from assay.storage import sha256_file, write_atomically

MANIFEST = "manifest.json"
LEFT_OUT = ("checkpoints",)
"""Folders of a run that only a training under way needs."""

_RUN = re.compile(r"[a-z]+-[0-9a-f]{12}")


@dataclass(frozen=True)
class Imported:
    """Names of runs. known: those that the store had already, to the byte."""

    new: tuple[str, ...]
    known: tuple[str, ...]


def export_runs(store: RunStore, names: Sequence[str], file: Path) -> list[str]:
    """Writes the runs, and all they came from, into a zip; their names. Raises RunError, StorageError."""
    wanted = list(dict.fromkeys(run for name in names for run in _with_parents(store, name, ())))
    for name in wanted:
        if store.get(name).outcome != "done":
            raise RunError(f"{name} is not finished", where=str(store.root), fix="run its command again to the end")

    def write(handle: object) -> None:
        with zipfile.ZipFile(handle, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
            for name in wanted:
                folder = store.get(name).path
                for path in _files(folder):
                    archive.write(path, f"{name}/{path.relative_to(folder).as_posix()}")

    write_atomically(file, write)
    return wanted


def import_runs(store: RunStore, file: Path) -> Imported:
    """Takes every run of the zip into the store: all of them, or none.

    Raises SourceError for what is no archive of runs or does not match its manifests, RunError where the store has
    another run of the same name, StorageError.
    """
    store.root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store.root, prefix=".import-") as scratch:
        names = _unpack(file, Path(scratch))
        known = [name for name in names if _is_known(store, name, Path(scratch) / name)]
        new = [name for name in names if name not in known]
        try:
            (store.root / "runs").mkdir(exist_ok=True)
            for name in new:
                shutil.rmtree(store.root / "runs" / name, ignore_errors=True)
                (Path(scratch) / name).rename(store.root / "runs" / name)
        except OSError as error:
            raise storage_error(error, "moving runs into the store") from error
    return Imported(tuple(new), tuple(known))


def _with_parents(store: RunStore, name: str, below: tuple[str, ...]) -> Iterator[str]:
    """Parents first. Raises RunError for a link that is broken."""
    if name in below:
        return
    for parent in store.get(name).parents:
        yield from _with_parents(store, parent, (*below, name))
    yield name


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and not path.is_symlink() and relative.parts[0] not in (*LEFT_OUT, *OF_LOCKS):
            yield path


def _unpack(file: Path, scratch: Path) -> list[str]:
    """Run folders, each checked against its manifest."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = sorted({_run_of(entry, file) for entry in archive.namelist()})
            archive.extractall(scratch)
    except FileNotFoundError as error:
        raise SourceError("there is no such file", where=str(file)) from error
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise SourceError(f"is no archive of runs ({error})", where=str(file)) from error
    except OSError as error:
        raise storage_error(error, "unpacking runs") from error
    if not names:
        raise SourceError("holds no run", where=str(file), fix="`assay runs export` writes one")
    for name in names:
        _check(scratch / name, name, file)
    return names


def _run_of(entry: str, file: Path) -> str:
    """The run that an entry belongs to; refused are paths that would leave its folder."""
    parts = PurePosixPath(entry).parts
    if len(parts) < 2 or not _RUN.fullmatch(parts[0]) or ".." in parts or "\\" in entry or entry.startswith("/"):
        raise SourceError(f"holds '{entry[:80]}', which is no file of a run", where=str(file))
    return parts[0]


def _check(folder: Path, name: str, file: Path) -> None:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        outputs = dict(manifest["outputs"])
        sound = manifest["run"] == name and manifest["outcome"] == "done"
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{name} has no readable manifest", where=str(file)) from error
    if not sound:
        raise SourceError(f"{name} is no finished run by its manifest", where=str(file))
    found = {path.relative_to(folder).as_posix(): path for path in _files(folder)}
    found.pop(MANIFEST, None)
    if found.keys() != outputs.keys():
        odd = sorted(found.keys() ^ outputs.keys())[0]
        raise SourceError(f"{name} and its manifest do not name the same files ({odd})", where=str(file))
    for path, digest in outputs.items():
        if sha256_file(found[path]) != digest:
            raise SourceError(f"{path} of {name} is not what its manifest says", where=str(file), fix="export it again")


def _is_known(store: RunStore, name: str, folder: Path) -> bool:
    """Whether the store has the very same run. Raises RunError where it has another one of that name, finished."""
    present = store.root / "runs" / name / MANIFEST
    if not present.is_file():
        return False
    ours, theirs = (json.loads(path.read_text(encoding="utf-8")) for path in (present, folder / MANIFEST))
    if ours.get("outcome") != "done":
        return False
    if ours.get("outputs") != theirs.get("outputs"):
        raise RunError(
            f"the store has another run {name}: same inputs, other results",
            where=str(store.root),
            fix="import into another --store and compare the two",
        )
    return True

"""What a path names: a file, a folder, a glob, a saved data set, an entry of dataset_info.json, a Hub id."""

from __future__ import annotations

import glob
import json
import re
from dataclasses import dataclass
from pathlib import Path

from assay.containers.files import SUFFIXES, file_rows
from assay.containers.raw import suffixes, unreadable
from assay.errors import SourceError
from assay.sources import llamafactory
from assay.sources.parts import Part
from assay.sources.row_reader import Layout
from assay.storage import sha256_file

HUB_SCHEME = "hf://datasets/"
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
SAVED_STATE = "state.json"
SAVED_SPLITS = "dataset_dict.json"
CURATED = "data.parquet"
GENERATED = "accepted.parquet"
LEDGER = "ledger.parquet"
NOT_DATA = (llamafactory.NAME, SAVED_STATE, SAVED_SPLITS)


@dataclass(frozen=True)
class Located:
    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()


def locate(given: str, layout: Layout, *, offline: bool = False) -> Located:
    """The parts that a path names, in a fixed order. Raises SourceError when there are none."""
    path = Path(given)
    if path.is_dir():
        return _folder(path, None, layout)
    if path.exists():
        return _file(path, None, layout)
    if any(mark in given for mark in "*?["):
        return _glob(given, layout)
    base, separator, name = given.rpartition(":")
    if separator and Path(base).is_dir():
        return _folder(Path(base), name, layout)
    if separator and Path(base).is_file():
        return _file(Path(base), name, layout)
    if given.startswith(HUB_SCHEME) or _may_be_hub_id(given):
        from assay.sources.hub import hub_part

        return Located((hub_part(given.removeprefix(HUB_SCHEME), layout, offline=offline),))
    raise SourceError("no such file or folder", where=given, fix="check the path")


def _may_be_hub_id(given: str) -> bool:
    """owner/name, with nothing that speaks for a mistyped path: what is no Hub id must not be sent to the Hub."""
    base = given.partition(":")[0]
    return (
        HUB_ID.fullmatch(base) is not None
        and not Path(base).parent.exists()
        and base[0] != "."
        and suffixes(Path(base))[0] not in SUFFIXES
    )


def _file(path: Path, name: str | None, layout: Layout) -> Located:
    if llamafactory.is_dataset_info(path):
        return _dataset_info(path, name, layout)
    if name is not None:
        raise SourceError("is one file, without parts to name", where=f"{path}:{name}", fix="leave the name out")
    return Located((file_part(path, layout),))


def file_part(path: Path, layout: Layout, limit: int | None = None) -> Part:
    """One file as a part."""
    name = str(path).encode("utf-8", "backslashreplace").decode()
    return Part(
        name=name,
        layout=layout,
        rows=lambda: file_rows(path, name, layout.is_row),
        digest=lambda: sha256_file(path),
        path=path,
        limit=limit,
    )


def _glob(pattern: str, layout: Layout) -> Located:
    found = [Path(match) for match in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207
    files = [path for path in found if path.is_file() and path.name not in NOT_DATA]
    if not files:
        raise SourceError("no file matches", where=pattern, fix="check the pattern")
    return Located(tuple(file_part(path, layout) for path in files))


def _folder(path: Path, name: str | None, layout: Layout) -> Located:
    if (path / SAVED_SPLITS).is_file():
        return _saved_splits(path, name, layout)
    if (path / llamafactory.NAME).is_file() and llamafactory.is_dataset_info(path / llamafactory.NAME):
        if name is not None:
            return _dataset_info(path / llamafactory.NAME, name, layout)
        return _described_folder(path, layout)
    if name is not None:
        raise SourceError("has no parts to name", where=f"{path}:{name}", fix="leave the name out")
    if (path / SAVED_STATE).is_file():
        return Located(_saved(path, layout))
    if (path / CURATED).is_file() and (path / LEDGER).is_file():
        note = f"{path}: what `assay curate` wrote; {CURATED} is read, the ledger and what was held back are not"
        return Located((file_part(path / CURATED, layout),), (note,))
    if (path / GENERATED).is_file() and (path / LEDGER).is_file():
        note = f"{path}: what `assay synth` wrote; {GENERATED} is read, its other files are not"
        return Located((file_part(path / GENERATED, layout),), (note,))
    return Located(tuple(file_part(file, layout) for file in _data_files(path)))


def _data_files(path: Path) -> list[Path]:
    try:
        files = [
            file
            for file in sorted(path.rglob("*"))
            if suffixes(file)[0] in SUFFIXES
            and file.name not in NOT_DATA
            and not any(part.startswith(".") for part in file.relative_to(path).parts)
            and file.is_file()
        ]
    except OSError as error:
        raise unreadable(Path(error.filename or path), error) from error
    if not files:
        raise SourceError(
            "no data file in this folder", where=str(path), fix=f"assay reads {', '.join(SUFFIXES)}, also .gz and .zst"
        )
    return files


def _described_folder(path: Path, layout: Layout) -> Located:
    """Every data file of a folder, with the columns that a dataset_info.json gives to those it lists."""
    try:
        found, note = llamafactory.entries(path / llamafactory.NAME, None, layout)
    except SourceError:
        return Located(tuple(file_part(file, layout) for file in _data_files(path)))
    listed = {entry.path: entry for entry in found}
    parts = []
    for file in _data_files(path):
        entry = listed.get(file)
        parts.append(file_part(file, entry.layout, entry.num_samples) if entry else file_part(file, layout))
    return Located(tuple(parts), (note,))


def _dataset_info(path: Path, name: str | None, layout: Layout) -> Located:
    found, note = llamafactory.entries(path, name, layout)
    parts: list[Part] = []
    for entry in found:
        files = _data_files(entry.path) if entry.path.is_dir() else [entry.path]
        parts += [file_part(file, entry.layout, entry.num_samples) for file in files]
    return Located(tuple(parts), (note,) if name is None else ())


def _saved(path: Path, layout: Layout) -> tuple[Part, ...]:
    """The files of a data set that `datasets.Dataset.save_to_disk` wrote."""
    try:
        files = [path / item["filename"] for item in json.loads((path / SAVED_STATE).read_bytes())["_data_files"]]
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise SourceError(f"is not a saved data set ({error!r})", where=str(path / SAVED_STATE)) from error
    if not files:
        raise SourceError("is a saved data set without files", where=str(path))
    return tuple(file_part(file, layout) for file in files)


def _saved_splits(path: Path, name: str | None, layout: Layout) -> Located:
    """One split of a saved DatasetDict: the named one, else `train`, else the only one."""
    try:
        splits = [str(split) for split in json.loads((path / SAVED_SPLITS).read_bytes())["splits"]]
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise SourceError(f"is not a saved DatasetDict ({error!r})", where=str(path / SAVED_SPLITS)) from error
    wanted = name or ("train" if "train" in splits else splits[0] if len(splits) == 1 else None)
    if wanted not in splits:
        what = f"has no split '{name}'" if name else "has several splits and none is called train"
        raise SourceError(what, where=str(path), fix=f"name one: {path}:{splits[0] if splits else 'SPLIT'}")
    others = [split for split in splits if split != wanted]
    note = f"{path}: split {wanted}; {', '.join(others)} not read ({path}:{others[0]} reads it)" if others else ""
    return Located(_saved(path / wanted, layout), (note,) if note else ())

"""LLaMA-Factory's dataset_info.json: which files there are, and how each names its columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assay.errors import SourceError, did_you_mean
from assay.formats import FORMATS
from assay.formats.mapping import column_mapping
from assay.formats.tags import Tags
from assay.sources.row_reader import Layout

NAME = "dataset_info.json"
PLACES = ("file_name", "hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name")
COLUMN_NAMES = {
    "prompt": "prompt",
    "query": "input",
    "response": "answer",
    "history": "history",
    "messages": "messages",
    "system": "system",
    "tools": "tools",
    "chosen": "chosen",
    "rejected": "rejected",
    "kto_tag": "label",
}


@dataclass(frozen=True)
class Entry:
    """One data set of the file whose data lie on this machine."""

    name: str
    path: Path
    layout: Layout
    num_samples: int | None


def is_dataset_info(path: Path) -> bool:
    """Whether a file is LLaMA-Factory's; the one that `save_to_disk` writes has the same name."""
    if path.name != NAME or not path.is_file():
        return False
    try:
        data = json.loads(path.read_bytes())
    except (ValueError, OSError, RecursionError):
        return False
    return (
        isinstance(data, dict)
        and bool(data)
        and all(isinstance(entry, dict) and any(place in entry for place in PLACES) for entry in data.values())
    )


def entries(path: Path, wanted: str | None, base: Layout) -> tuple[list[Entry], str]:
    """The entries whose file is here, or the one that is wanted, and a note about the rest. Raises SourceError."""
    data: dict[str, dict[str, Any]] = json.loads(path.read_bytes())
    if wanted is not None and wanted not in data:
        raise SourceError(f"has no data set '{wanted}'", where=str(path), fix=did_you_mean(wanted, data))
    chosen = {wanted: data[wanted]} if wanted is not None else data
    found = [_entry(name, entry, path, base) for name, entry in chosen.items() if _is_here(entry, path.parent)]
    if not found:
        missing = chosen[wanted].get("file_name") if wanted is not None else None
        what = f"'{missing}', which '{wanted}' names, is not here" if missing else "no data set has its file here"
        raise SourceError(what, where=str(path), fix="put the file beside it, or give a Hub id instead")
    left = len(chosen) - len(found)
    return found, f"{path}: {len(found)} data sets" + (f"; {left} more have no file here" if left else "")


def _is_here(entry: Mapping[str, Any], folder: Path) -> bool:
    name = entry.get("file_name")
    try:
        return isinstance(name, str) and bool(name) and (folder / name).exists()
    except OSError:  # a name that no file can have
        return False


def _entry(name: str, entry: Mapping[str, Any], path: Path, base: Layout) -> Entry:
    try:
        layout = _layout(entry, base)
        samples = entry.get("num_samples")
        return Entry(name, path.parent / entry["file_name"], layout, None if samples is None else int(samples))
    except (TypeError, ValueError, AttributeError) as error:
        raise SourceError(f"the entry '{name}' is malformed ({error})", where=str(path)) from error


def _layout(entry: Mapping[str, Any], base: Layout) -> Layout:
    """What the user said outright counts more than the entry."""
    if base.format is not None or base.mapping is not None:
        return base
    columns = {
        COLUMN_NAMES[key]: str(column) for key, column in (entry.get("columns") or {}).items() if key in COLUMN_NAMES
    }
    sharegpt = entry.get("formatting", "alpaca") in ("sharegpt", "openai")
    ranking = bool(entry.get("ranking"))
    layout = replace(base, mapping=column_mapping(columns, _format_name(sharegpt, ranking, columns)))
    tags = entry.get("tags") or {}
    if tags:
        places = {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"}
        turns = tuple(columns.get(place, default) for place, default in places.items())
        layout = replace(layout, tags=Tags.of(tags, turns))
    return layout


def _format_name(sharegpt: bool, ranking: bool, columns: Mapping[str, str]) -> str:
    if ranking or "chosen" in columns:
        return FORMATS["preference"].name
    if "label" in columns:
        return FORMATS["kto"].name
    return FORMATS["sharegpt"].name if sharegpt else FORMATS["alpaca"].name

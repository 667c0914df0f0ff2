"""What a manifest says, in rows that a person can read, and what lies in the run's folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.lineage import Origins, lineage
from assay.runs import Manifest

from ..site import Site, read_json

MOST_ROWS = 120
"""Of one result file; the file itself has the rest."""
LARGEST = 2_000_000
"""Bytes of a result file that is shown."""
LONGEST = 400
PARITY = "parity.json"
OF_RUNS = ("manifest.json",)


@dataclass(frozen=True)
class Row:
    name: str
    value: str


@dataclass(frozen=True)
class Section:
    """open: shown without a press"""

    title: str
    rows: tuple[Row, ...]
    opened: bool = False


@dataclass(frozen=True)
class CheckRow:
    name: str
    outcome: str
    sentence: str


@dataclass(frozen=True)
class Parity:
    """What `assay parity` or `assay merge` found, artefact against what was gated."""

    outcome: str
    shipped: str
    gated: str
    checks: tuple[CheckRow, ...]


def sections(manifest: Manifest) -> list[Section]:
    """Settings, inputs, and what it ran on. A key that an older version did not write is left out."""
    data = manifest.data
    code, facts = data.get("code"), data.get("facts")
    ran = {
        "started (UTC)": str(data.get("started", "")).replace("T", " ").removesuffix("Z"),
        "seconds": data.get("seconds"),
        "outcome": data.get("outcome"),
        "error": data.get("error"),
        "seed": _seed(data),
        "device": _device(facts),
        "platform": data.get("platform"),
        "Python": data.get("python"),
    }
    if isinstance(code, Mapping):
        dirty = "" if code.get("dirty") is None else "with uncommitted changes" if code["dirty"] else "as committed"
        ran["assay"] = code.get("version")
        ran["code"] = ", ".join(part for part in (str(code.get("commit") or "not from a checkout")[:12], dirty) if part)
    shown = [Row(name, str(value)) for name, value in ran.items() if value not in (None, "")]
    found = [
        Section("How it ran", tuple(shown), opened=True),
        Section("What went in", tuple(_rows(data.get("inputs"))), opened=True),
        Section("Settings", tuple(_rows(data.get("settings")))),
        Section("What was found out", tuple(_rows(facts))),
        Section("Libraries", tuple(_rows(data.get("packages")))),
        Section("Files it wrote, with their sha256", tuple(_rows(data.get("outputs")))),
    ]
    return [section for section in found if section.rows]


def _seed(data: Mapping[str, Any]) -> Any:
    for place in (data.get("settings"), data.get("facts")):
        if isinstance(place, Mapping) and "seed" in place:
            return place["seed"]
    return None


def _device(facts: Any) -> Any:
    """Where a stage noted one: training in its recipe, evaluation in its identity."""
    if not isinstance(facts, Mapping):
        return None
    for place in (facts, facts.get("recipe"), facts.get("identity")):
        if isinstance(place, Mapping) and place.get("device"):
            return place["device"]
    return None


def _rows(value: Any, name: str = "") -> Iterator[Row]:
    """Nested keys as `a.b`; lists of plain values on one line."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _rows(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(inner, Mapping | list) for inner in value):
        for number, inner in enumerate(value):
            yield from _rows(inner, f"{name}.{number}" if name else str(number))
    elif isinstance(value, list):
        yield Row(name, _cut(", ".join(map(_plain, value)) or "none"))
    elif value is not None or name:
        yield Row(name, _cut(_plain(value)))


def _plain(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value + 0.0:.6g}" if isinstance(value, float) else str(value)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … ({len(text):,} characters)"


def parity(folder: Path) -> Parity | None:
    """None where the folder holds no such proof."""
    found = read_json(folder / PARITY)
    checks = found.get("checks")
    if "outcome" not in found or not isinstance(checks, list):
        return None
    rows = tuple(
        CheckRow(str(check.get("name")), str(check.get("outcome")), str(check.get("sentence", "")))
        for check in checks
        if isinstance(check, Mapping)
    )
    return Parity(str(found["outcome"]), str(found.get("shipped", "")), str(found.get("gated", "")), rows)


def results(folder: Path) -> list[Section]:
    """The JSON files of a folder, key by key. What is too large to be read by people is named with its size."""
    found = []
    for path in sorted(folder.glob("*.json")):
        if path.name in OF_RUNS or not path.resolve().is_relative_to(folder.resolve()):
            continue
        found.append(Section(path.name, tuple(_of_file(path))))
    return [section for section in found if section.rows]


def _of_file(path: Path) -> Iterator[Row]:
    try:
        size = path.stat().st_size
        if size > LARGEST:
            yield Row("size", f"{size:,} bytes: too large to be shown here")
            return
        rows = list(_rows(json.loads(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError, RecursionError) as error:
        yield Row("", f"cannot be read ({type(error).__name__})")
        return
    yield from rows[:MOST_ROWS]
    if len(rows) > MOST_ROWS:
        yield Row("", f"and {len(rows) - MOST_ROWS:,} more: {path}")


def origins(site: Site, trained: Manifest) -> Origins | None:
    """Who wrote what an adapter was trained on. Raises AssayError where a link is broken."""
    adapter = trained.path / "adapter"
    return lineage(adapter, site.store).origins if adapter.is_dir() else None

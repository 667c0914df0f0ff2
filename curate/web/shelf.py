"""What holds curated records: opened folders and curate runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.findings import Fate
from assay.web.home import Row, stage_runs
from assay.web.site import Site, read_json

FATES = tuple(str(fate) for fate in Fate)
DATA, FINDINGS = "data.parquet", "findings.parquet"


@dataclass(frozen=True)
class Volume:
    """counts: of the ledger, with `read`; empty without a summary. where: the folder, of one that was opened."""

    name: str
    fitness: str
    counts: Mapping[str, int]
    contradictions: int
    started: str
    where: str
    sources: tuple[str, ...]


def shelf(site: Site, names: Sequence[str]) -> list[Volume]:
    """What is said of each, in the order of the names."""
    return [_volume(site, name) for name in names]


@dataclass(frozen=True)
class Other:
    """What holds no records. audited: it is what `assay audit -o` wrote."""

    name: str
    audited: bool
    row: Row | None = None


def others(site: Site) -> list[Other]:
    """Opened folders without records, and runs that did not come to an end."""
    opened = [
        Other(name, (folder / FINDINGS).is_file())
        for name, folder in site.folders.items()
        if not (folder / DATA).is_file() and (folder / FINDINGS).is_file()
    ]
    held = set(site.data_runs())
    return opened + [Other(row.name, False, row) for row in stage_runs(site, "curate") if row.name not in held]


def _volume(site: Site, name: str) -> Volume:
    summary = read_json(site.folder(name) / "summary.json")
    manifest = site.manifest(name)
    started = str(manifest.data.get("started", "")).replace("T", " ").removesuffix("Z") if manifest is not None else ""
    parts = summary.get("overview", {}).get("composition", {}).get("sources", ())
    return Volume(
        name,
        str(summary.get("fit", {}).get("verdict", "")),
        {fate: int(summary[fate]) for fate in ("read", *FATES) if fate in summary},
        int(summary.get("findings", {}).get("contradiction", {}).get("groups", 0)),
        started,
        "" if manifest is not None else str(site.folder(name)),
        tuple(dict.fromkeys(Path(str(part.get("name", ""))).name for part in parts)),
    )

"""The adapters' registry beside the runs: which version an evaluation judged, and whether it is in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.errors import AssayError
from assay.releases.versions import Event, Releases, Version
from assay.web.site import Site

from .places import same_files


@dataclass(frozen=True)
class Released:
    """A version and what became of it. events: oldest first; current: it is the one in use"""

    version: Version
    events: tuple[Event, ...]
    current: bool

    @property
    def promoted(self) -> bool:
        return any(event.event == "promoted" for event in self.events)


def released(site: Site) -> list[Released]:
    """Every version of every adapter, by name, the newest first. What cannot be read is left out."""
    registry = Releases(site.store.root / "adapters")
    found: list[Released] = []
    for name in registry.names():
        try:
            versions, history, current = registry.versions(name), registry.history(name), registry.in_use(name)
        except (AssayError, OSError, ValueError, TypeError):
            continue
        for version in reversed(versions):
            events = tuple(event for event in history if event.version == version.number)
            found.append(Released(version, events, current == version.number))
    return found


def versions_with(site: Site, files: Mapping[str, str]) -> Sequence[Released]:
    """Those whose weights are an evaluation's candidate."""
    return [one for one in released(site) if same_files(one.version.files, files)]

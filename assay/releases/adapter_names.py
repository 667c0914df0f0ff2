"""An adapter as a command line names it: its folder, or NAME:NUMBER of `assay adapters`, or NAME for the one in use."""

from __future__ import annotations

import re
from pathlib import Path

from assay.errors import SettingsError, did_you_mean
from assay.releases.versions import NAME, Releases

VERSIONED = re.compile(rf"({NAME.pattern})(:.*)?")
FILES = (".yaml", ".yml", ".json", ".gguf")
"""Endings of what is a file, and no name."""


def adapter_folder(given: str | Path, store: Path, root: Path = Path()) -> Path:
    """The folder that is meant. What has a slash, or begins with a dot or a tilde, is a path and stays one.

    store  whose registry knows the names
    root   where a relative path starts

    Raises SettingsError for what is neither a folder nor a name, ModelError for a version that was changed.
    """
    text, place = str(given), root / given
    if place.exists() or Path(text).suffix in FILES or not (meant := VERSIONED.fullmatch(text)):
        return place
    registry = Releases(store / "adapters")
    if meant[2] is None and meant[1] not in registry.names():
        known = registry.names()
        hint = did_you_mean(text, known) if known else "name its folder, or `assay adapters add` it first"
        raise SettingsError(
            f"is no folder, and no adapter is called '{text}' in {registry.root}", where=str(place), fix=hint
        )
    version = registry.find(text)
    registry.check_unchanged(version)
    return version.adapter

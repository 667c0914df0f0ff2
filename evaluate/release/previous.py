"""Whom a candidate is held against besides the base: the last release.

That is the newest adapter of the store which passed the gate on this base, or what is named: an adapter's folder, or
the certificate of a release, for a fresh machine in CI that has no store. Where there is neither, this is the first
release, and the base alone is the measure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assay.errors import SettingsError
from assay.project import NO_PREVIOUS
from assay.runs import RunStore
from assay.storage import sha256_file

from ..identity import Models, shown_name
from ..settings import EvaluateSettings
from .certificate import read_certificate
from .history import history, last_release


@dataclass(frozen=True)
class Previous:
    """models with the last release in it, where there is one; said: who that is, in a line."""

    models: Models
    said: str


def with_previous(models: Models, given: str | Path | None, store: RunStore, settings: EvaluateSettings) -> Previous:
    """given: an adapter's folder, a certificate, `none`, or None for the last release of the store.

    What the store remembers, no server need have: there the last release is asked where it is named.
    Raises SettingsError, InputError.
    """
    if given is None and settings.backend == "openai":
        given = NO_PREVIOUS
    if models.candidate is None or str(given) == NO_PREVIOUS:
        return Previous(models, "")
    if given is not None:
        adapter = _named(Path(given))
        return Previous(replace(models, previous=adapter), "")
    candidate = models.adapter_files["candidate"]
    found = last_release(history(store), lambda base: _is_base(base, models), candidate)
    if found is None:
        return Previous(models, "")
    said = f"previous release: {found.run} ({found.started[:10]}), the last to pass; --previous none leaves it out"
    return Previous(replace(models, previous=found.adapter), said)


def _named(path: Path) -> Path:
    """The adapter's folder itself, or that of a certificate, which must still hold what was let out."""
    if path.is_dir() and not (path / "certificate.json").is_file():
        return path
    certificate_path = path / "certificate.json" if path.is_dir() else path
    certificate = read_certificate(certificate_path)
    paths = certificate.get("paths")
    adapter = paths.get("adapter") if isinstance(paths, Mapping) else None
    if not adapter:
        raise SettingsError(
            "the certificate does not say where its adapter is",
            where=str(certificate_path),
            fix="name the adapter's folder",
        )
    folder = certificate_path.parent / str(adapter)
    _check(folder, certificate.get("adapter"), certificate_path)
    return folder


def _check(folder: Path, files: Any, certificate: Path) -> None:
    for name, digest in dict(files or {}).items():
        if not (folder / name).is_file():
            raise SettingsError(
                f"the adapter of the certificate is not at {folder} ({name} is missing)",
                where=str(certificate),
                fix="name the adapter's folder, or bring it where the certificate says",
            )
        if sha256_file(folder / name) != digest:
            raise SettingsError(f"{folder / name} is not what this certificate let out", where=str(certificate))


def _is_base(base: Mapping[str, Any], models: Models) -> bool:
    """A model of the hub by its revision, one in a folder by its weights."""
    target = models.target
    if target.revision is not None:
        return (base.get("name"), base.get("revision")) == (shown_name(target.name), target.revision)
    return base.get("weights_sha256") == models.weights_sha256

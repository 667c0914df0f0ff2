"""From the name in an address to the folders of an evaluation and of the gate that judged it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.errors import NoSuchRunError
from assay.runs import Manifest
from assay.web.site import Site, read_json

from ..evaluation_files import HEADER
from ..release.release import CERTIFICATE, DECISION


@dataclass(frozen=True)
class EvaluationPlace:
    """name: in an address, '' where the evaluation lies inside of the gate's own folder"""

    name: str
    folder: Path


def holds_gate(folder: Path) -> bool:
    return (folder / DECISION).is_file()


def holds_evaluation(folder: Path) -> bool:
    return (folder / HEADER).is_file()


def evaluation_of(site: Site, name: str) -> EvaluationPlace | None:
    """What a page of this name is about: an evaluation itself, or the one that a gate judged. None where it is gone.

    Only runs of the store and opened folders are taken, whatever a certificate says of paths. Raises NoSuchRunError.
    """
    folder = site.folder(name)
    if holds_evaluation(folder):
        return EvaluationPlace(name, folder)
    inside = folder / "evaluation"
    if holds_evaluation(inside) and inside.resolve().is_relative_to(folder.resolve()):
        return EvaluationPlace("", inside)
    for parent in _parents(site, name):
        try:
            found = site.folder(parent)
        except NoSuchRunError:
            continue
        if holds_evaluation(found):
            return EvaluationPlace(parent, found)
    return _opened(site, folder)


def _parents(site: Site, name: str) -> tuple[str, ...]:
    manifest = manifest_of(site, name)
    return manifest.parents if manifest is not None else ()


def manifest_of(site: Site, name: str) -> Manifest | None:
    """None for an opened folder, and for a run whose manifest cannot be read."""
    try:
        return site.manifest(name)
    except NoSuchRunError:
        if (site.store.root / "runs" / name).is_dir():
            return None
        raise


def _opened(site: Site, gate: Path) -> EvaluationPlace | None:
    """The opened folder that the certificate of an opened gate names."""
    entry: Any = read_json(gate / CERTIFICATE).get("evaluation")
    path = entry.get("path") if isinstance(entry, Mapping) else None
    if not isinstance(path, str):
        return None
    named = (gate / path).resolve()
    for name, folder in site.folders.items():
        if holds_evaluation(folder) and (folder / HEADER).resolve() == named:
            return EvaluationPlace(name, folder)
    return None


def gates_of(site: Site, evaluation: str) -> list[Manifest]:
    """Gate runs that judged an evaluation, newest first."""
    return [run for run in site.runs("gate") if evaluation in run.parents]


def candidate_of(header: Mapping[str, Any]) -> str:
    """Where the candidate's adapter lies, as the evaluation names it: the run that trained it, or its folder."""
    settings = header.get("settings")
    paths = settings.get("paths") if isinstance(settings, Mapping) else None
    given = paths.get("adapter") if isinstance(paths, Mapping) else None
    parts = Path(str(given)).parts if given else ()
    if len(parts) >= 2 and parts[-1] == "adapter":
        return parts[-2]
    return parts[-1] if parts else ""


def adapter_files(header: Mapping[str, Any]) -> Mapping[str, str]:
    """{file: sha256} of the candidate; {} where the evaluation does not say."""
    identity = header.get("identity")
    files = identity.get("adapter") if isinstance(identity, Mapping) else None
    return files if isinstance(files, Mapping) else {}


def same_files(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether two adapters have the same weights; a card beside them may have been written anew."""
    weights = "adapter_model.safetensors"
    return weights in one and one.get(weights) == other.get(weights)


def base_of(header: Mapping[str, Any]) -> str:
    """The base in words: name, precision, and the beginning of its revision."""
    identity = header.get("identity")
    base = identity.get("base") if isinstance(identity, Mapping) else None
    if not isinstance(base, Mapping):
        return ""
    revision = str(base.get("revision") or "")[:12]
    parts = [str(base.get(key)) for key in ("name", "quantisation", "dtype") if base.get(key)]
    return ", ".join([*parts, *([f"revision {revision}"] if revision else [])])


def read_header(folder: Path) -> Mapping[str, Any]:
    """`evaluation.json`, {} where it cannot be read or is something else."""
    found = read_json(folder / HEADER)
    suites = found.get("suites")
    if not isinstance(suites, list) or not all(map(_is_suite, suites)):
        return {}
    return found


def _is_suite(suite: Any) -> bool:
    if not isinstance(suite, Mapping) or not isinstance(suite.get("scores"), list):
        return False
    numbers = ("score", "ci_low", "ci_high", "n")
    return all(
        isinstance(score, Mapping) and all(isinstance(score.get(name), int | float) for name in numbers)
        for score in suite["scores"]
    )

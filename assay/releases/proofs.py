"""Which files a proof of parity is about, and whether they still are what they were.

`assay merge` and `assay parity` write it as `parity.json`: what was gated and what ships, each file by its hash.
`assay verify` hashes them again, and `assay export` refuses a folder whose proof is about other files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from assay.errors import ModelError, SourceError
from assay.storage import sha256_file

FILE = "parity.json"

NOT_SHIPPED = frozenset({FILE, "parity.md", "assay.json", "README.md", "trained_records.parquet"})
"""In a model's folder: what is said of it, and no part of it."""


@dataclass(frozen=True)
class Proof:
    """`gated` and `shipped` are {file: sha256}, {} in a proof of an earlier version; `paths` says in which folder they
    are, seen from the proof's own."""

    place: Path
    outcome: str
    checks: tuple[Mapping[str, Any], ...]
    gated: Mapping[str, str]
    shipped: Mapping[str, str]
    paths: Mapping[str, str]


class Held(NamedTuple):
    """One thing that a proof says. ok is None where it cannot be told here."""

    name: str
    ok: bool | None
    detail: str


def is_proof(path: Path) -> bool:
    """A proof's file, or a folder that holds one and no certificate."""
    if path.is_dir():
        return (path / FILE).is_file() and not (path / "certificate.json").is_file()
    return path.name == FILE and path.is_file()


def read_proof(path: Path) -> Proof:
    """Raises SourceError for what is none."""
    place = path / FILE if path.is_dir() else path
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
        files, paths = found.get("files") or {}, found.get("paths") or {}
        return Proof(
            place,
            str(found["outcome"]),
            tuple(dict(check) for check in found["checks"]),
            dict(files.get("gated") or {}),
            dict(files.get("shipped") or {}),
            dict(paths),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError("is no proof of parity", where=str(place), fix="`assay parity` writes it") from error


def changed(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Names of those that are others now, or are not there."""
    return [name for name, digest in files.items() if _digest(folder / name) != digest]


def _digest(path: Path) -> str | None:
    try:
        return sha256_file(path)
    except OSError:
        return None


def claims_of(proof: Proof) -> Iterator[Held]:
    """What can be told of a proof without a model: its files, and that its outcome follows from its checks."""
    folder = proof.place.parent
    if not proof.shipped and (by_the_card := _by_the_card(folder)):
        proof = replace(proof, shipped=by_the_card, paths={**proof.paths, "shipped": "."})
    for what, files in (("gated", proof.gated), ("shipped", proof.shipped)):
        yield _files(proof, what, files)
    follows = _outcome(proof.checks)
    if follows == proof.outcome:
        yield Held("outcome", True, f"{follows}, by {len(proof.checks)} checks; no model was asked again")
    else:
        yield Held("outcome", False, f"stated {proof.outcome}, and its checks say {follows}")


def _files(proof: Proof, what: str, files: Mapping[str, str]) -> Held:
    name = f"what was {what}" if what == "gated" else "what ships"
    if not files:
        return Held(name, None, "the proof names no files")
    place = proof.paths.get(what)
    if place is None:
        return Held(name, None, "the proof does not say where it is")
    folder = proof.place.parent / place
    if not any((folder / file).is_file() for file in files):
        return Held(name, None, f"{place} is not here")
    others = changed(folder, files)
    if others:
        return Held(name, False, f"{place}: {', '.join(others[:3])} {_are(others)} what was proved")
    return Held(name, True, f"{place}: {len(files)} file{'' if len(files) == 1 else 's'}")


def _are(names: list[str]) -> str:
    return "is not" if len(names) == 1 else "are not"


def _outcome(checks: tuple[Mapping[str, Any], ...]) -> str:
    outcomes = [(check.get("outcome"), check.get("required", True)) for check in checks]
    if any(outcome == "FAIL" for outcome, _ in outcomes):
        return "FAIL"
    return "UNPROVED" if any(outcome == "UNPROVED" and required for outcome, required in outcomes) else "PASS"


def check_as_proved(folder: Path) -> None:
    """Of a model's folder that holds a proof: raises ModelError when that failed, or is about other files."""
    if not (folder / FILE).is_file():
        return
    proof = read_proof(folder)
    shipped = proof.shipped or _by_the_card(folder)
    others = changed(folder, shipped)
    if others:
        raise ModelError(
            f"is not what was proved: {', '.join(others[:3])} {_are(others)} as when {FILE} was written",
            where=str(folder),
            fix=f"merge again; of a model that was changed on purpose, remove {FILE} and `assay parity` it",
        )
    if proof.outcome == "FAIL":
        raise ModelError(f"failed its proof of parity ({FILE})", where=str(folder), fix="merge again")


def _by_the_card(folder: Path) -> Mapping[str, str]:
    """Hashes of the weights, which merges of earlier versions noted in `assay.json` alone."""
    try:
        found = json.loads((folder / "assay.json").read_text(encoding="utf-8"))["merge"]["files"]
        return {str(name): str(digest) for name, digest in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}

"""Parity: what is shipped against what was gated, as a gate of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from assay.errors import Exit
from assay.records import Json
from assay.releases.proofs import FILE
from assay.storage import write_json, write_text

from .artefact import Artefact
from .checks import SUITES, Check, Outcome, check_logprobs, check_origin, check_prompts, check_stops, same_weights
from .material import Material
from .provenance import Trained

TABLE = "parity.md"


class Gated(Artefact, Protocol):
    """What was gated is always an adapter over its base."""

    @property
    def trained(self) -> Trained: ...


Judge: TypeAlias = Callable[[Artefact, Artefact], Check]
"""Scores both on the suites, by evaluate, which this stage does not import: the command hands it in."""


@dataclass(frozen=True)
class About:
    """Which bytes were held against each other.

    gated, shipped  {file: sha256}; a model of a server has no files here
    base            of what was gated, in the words of a certificate
    data            digest of the records whose answers were weighed; None for the adapter's own answers
    places          the folders of both, by "gated" and "shipped"
    """

    gated: Mapping[str, str]
    shipped: Mapping[str, str]
    base: Mapping[str, Json]
    data: str | None
    places: Mapping[str, Path] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        return {
            "files": {"gated": dict(self.gated), "shipped": dict(self.shipped)},
            "base": dict(self.base),
            "data_digest": self.data,
        }

    def paths_from(self, folder: Path) -> dict[str, Json]:
        """The places seen from `folder`: no report names a home directory."""
        return {
            name: Path(os.path.relpath(place.resolve(), folder.resolve())).as_posix()
            for name, place in self.places.items()
        }


@dataclass(frozen=True)
class Parity:
    """One artefact held against what was gated."""

    gated: str
    shipped: str
    kind: str
    checks: tuple[Check, ...]
    source: str
    about: About

    @property
    def outcome(self) -> Outcome:
        """FAIL where one check fails; UNPROVED where one that is required could not be made."""
        if any(check.outcome is Outcome.FAIL for check in self.checks):
            return Outcome.FAIL
        if any(check.required and check.outcome is Outcome.UNPROVED for check in self.checks):
            return Outcome.UNPROVED
        return Outcome.PASS

    @property
    def exit(self) -> Exit:
        return {Outcome.PASS: Exit.OK, Outcome.FAIL: Exit.NEGATIVE}.get(self.outcome, Exit.INCONCLUSIVE)

    def check(self, name: str) -> Check:
        return next(check for check in self.checks if check.name == name)

    def to_json(self) -> dict[str, Json]:
        return {
            "version": 2,
            "outcome": str(self.outcome),
            "gated": self.gated,
            "shipped": self.shipped,
            "kind": self.kind,
            "answers": self.source,
            "checks": [check.to_json() for check in self.checks],
            **self.about.to_json(),
        }

    def lines(self) -> list[str]:
        """For a terminal."""
        wide = max(len(check.name) for check in self.checks)
        return [
            f"{self.outcome}  {self.shipped} ({self.kind}) against {self.gated}",
            *(f"  {check.name:{wide}}  {check.outcome:8}  {check.sentence}{_open(check)}" for check in self.checks),
            f"  weighed on {self.source}",
        ]

    def table(self) -> str:
        """Markdown."""
        rows = [
            f"| {_cell(check.name)} | {check.outcome}{_open(check)} | {_cell(check.sentence)} |"
            for check in self.checks
        ]
        return "\n".join(
            [
                f"# Parity: {self.outcome}",
                "",
                f"{_cell(self.shipped)} ({self.kind}) against {_cell(self.gated)}, weighed on {self.source}.",
                "",
                "| check | outcome | figures |",
                "|---|---|---|",
                *rows,
                "",
            ]
        )

    def write(self, folder: Path) -> None:
        """Raises StorageError."""
        write_json(folder / FILE, {**self.to_json(), "paths": self.about.paths_from(folder)})
        write_text(folder / TABLE, self.table())


def _open(check: Check) -> str:
    return " (not required)" if check.outcome is Outcome.UNPROVED and not check.required else ""


def _cell(text: str) -> str:
    """Nothing of it is markup: names of folders and messages of templates are others' text."""
    plain = " ".join(text.split())
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>|#" else sign for sign in plain)


def prove(gated: Gated, shipped: Artefact, material: Material, judge: Judge | None = None) -> Parity:
    """Every check. Suites are required where the weights are meant to differ: nothing else judges them then.

    Raises ModelError where a model cannot be asked at all.
    """
    same = same_weights(gated.held, shipped.held)
    about = _about(gated, shipped, material)
    checks: list[Check] = [
        check_origin(about.gated, about.shipped, shipped.origin),
        check_prompts(gated, shipped, material.conversations),
        check_stops(gated, shipped, material.passages),
        check_logprobs(gated, shipped, material.passages),
        judge(gated, shipped) if judge is not None else _no_suite(same),
    ]
    return Parity(_shown(gated.name), _shown(shipped.name), shipped.kind, tuple(checks), material.source, about)


def _about(gated: Gated, shipped: Artefact, material: Material) -> About:
    places = {name: place for name, place in (("gated", gated.place()), ("shipped", shipped.place())) if place}
    return About(gated.files(), shipped.files(), gated.trained.base_facts(), material.digest, places)


def _no_suite(same: bool) -> Check:
    why = "no suite was given" if same else "no suite was given, and of other weights only suites can judge"
    return Check(SUITES, Outcome.UNPROVED, f"{why}; --suite names one", required=not same)


def _shown(name: str) -> str:
    """A folder by its own name where its whole path was given: no report names a home directory."""
    return Path(name).name if Path(name).is_absolute() else name


def outcome_of(parities: Mapping[str, Parity]) -> Outcome:
    """Of several artefacts: the worst."""
    found = {parity.outcome for parity in parities.values()}
    return next((one for one in (Outcome.FAIL, Outcome.UNPROVED) if one in found), Outcome.PASS)

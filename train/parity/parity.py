"""Parity: what is shipped against what was gated, as a gate of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from assay.errors import Exit
from assay.records import Json
from assay.storage import write_json, write_text

from .artefact import Artefact
from .checks import SUITES, Check, Outcome, check_logprobs, check_prompts, check_stops, same_weights
from .material import Material

FILE, TABLE = "parity.json", "parity.md"

Judge: TypeAlias = Callable[[Artefact, Artefact], Check]
"""Scores both on the suites, by evaluate, which this stage does not import: the command hands it in."""


@dataclass(frozen=True)
class Parity:
    """One artefact held against what was gated."""

    gated: str
    shipped: str
    kind: str
    checks: tuple[Check, ...]
    source: str

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
            "version": 1,
            "outcome": str(self.outcome),
            "gated": self.gated,
            "shipped": self.shipped,
            "kind": self.kind,
            "answers": self.source,
            "checks": [check.to_json() for check in self.checks],
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
        write_json(folder / FILE, self.to_json())
        write_text(folder / TABLE, self.table())


def _open(check: Check) -> str:
    return " (not required)" if check.outcome is Outcome.UNPROVED and not check.required else ""


def _cell(text: str) -> str:
    """Nothing of it is markup: names of folders and messages of templates are others' text."""
    plain = " ".join(text.split())
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>|#" else sign for sign in plain)


def prove(gated: Artefact, shipped: Artefact, material: Material, judge: Judge | None = None) -> Parity:
    """Every check. Suites are required where the weights are meant to differ: nothing else judges them then.

    Raises ModelError where a model cannot be asked at all.
    """
    same = same_weights(gated.held, shipped.held)
    checks: list[Check] = [
        check_prompts(gated, shipped, material.conversations),
        check_stops(gated, shipped, material.passages),
        check_logprobs(gated, shipped, material.passages),
        judge(gated, shipped) if judge is not None else _no_suite(same),
    ]
    return Parity(_shown(gated.name), _shown(shipped.name), shipped.kind, tuple(checks), material.source)


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

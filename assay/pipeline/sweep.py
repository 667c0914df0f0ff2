"""Several settings of a training tried out, one chosen, and only that one judged.

Who picks the best of many candidates by the items that then judge it, picks luck too. So each candidate is scored on
the half of every suite that selects, and the one that is chosen on the other half, by the gate. What is unchanged
between two candidates (curated data, generated records, the base's answers) is not made again.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.errors import SettingsError, SuiteError
from assay.pipeline.outcome import PipelineResult
from assay.points import signed

MOST = 32
"""Combinations at most: a sweep is a few settings tried, not a search."""


@dataclass(frozen=True)
class Axis:
    """One setting and the values that are tried, as they were written: `train.lora_r`, ("8", "16")."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Candidate:
    """One combination, and how it did on the half that selects. Shares of 1.

    domain           average over the domain suites, of the candidate
    general          average change over the general suites that can show one; None without any
    validation_loss  None without validation records
    """

    settings: tuple[str, ...]
    run: str
    domain: float
    general: float | None
    validation_loss: float | None
    seconds: float

    @property
    def words(self) -> str:
        return "  ".join(self.settings)


@dataclass(frozen=True)
class Swept:
    """chosen: one of candidates, of those that kept their general ability; the one that lost least where none did."""

    candidates: tuple[Candidate, ...]
    chosen: Candidate
    kept_general: bool
    margin: float
    result: PipelineResult

    def to_json(self) -> dict[str, Any]:
        return {
            "candidates": [dataclasses.asdict(candidate) for candidate in self.candidates],
            "chosen": dataclasses.asdict(self.chosen),
            "kept_general": self.kept_general,
            **self.result.to_json(),
        }

    def lines(self) -> list[str]:
        width = max(len(candidate.words) for candidate in self.candidates)
        lines = [f"  {'':{width}}   domain  general  validation loss"]
        for candidate in self.candidates:
            general = "" if candidate.general is None else signed(candidate.general)
            loss = "" if candidate.validation_loss is None else f"{candidate.validation_loss:.3f}"
            mark = "  chosen" if candidate is self.chosen else ""
            lines.append(
                f"  {candidate.words:{width}}  {100 * candidate.domain:6.1f} %  {general:>7}  {loss:>15}{mark}".rstrip()
            )
        why = (
            f"the best on the domain of those that lost no more than {100 * self.margin:g} points of general ability"
            if self.kept_general
            else f"each lost more than {100 * self.margin:g} points of general ability; this one lost least"
        )
        return [*lines, f"Chosen on the items that select: {self.chosen.words} ({why}).", "Judged on the others:"]


def axes_of(overrides: Sequence[str]) -> tuple[tuple[Axis, ...], tuple[str, ...]]:
    """What is varied, and what is only set: `train.lora_r=8,16` varies, `train.lora_r=8` sets.

    Raises SettingsError when nothing is varied, or too much.
    """
    axes, fixed = [], []
    for override in overrides:
        name, _, value = override.partition("=")
        values = _values(value)
        if name.startswith("train.") and len(values) > 1:
            axes.append(Axis(name, values))
        else:
            fixed.append(override)
    if not axes:
        raise SettingsError("nothing is varied", fix="give a setting of train several values: train.lora_r=8,16")
    count = 1
    for axis in axes:
        count *= len(axis.values)
    if count > MOST:
        raise SettingsError(
            f"{count} combinations are more than the {MOST} of a sweep", fix="vary fewer settings at once"
        )
    return tuple(axes), tuple(fixed)


def _values(text: str) -> tuple[str, ...]:
    """Values between commas that stand in no bracket or quotes: a list is one value."""
    values, depth, quote, current = [], 0, "", ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "[{(":
            depth += 1
        elif character in ")}]":
            depth -= 1
        elif character == "," and depth == 0:
            values.append(current.strip())
            current = ""
            continue
        current += character
    values.append(current.strip())
    return tuple(dict.fromkeys(value for value in values if value))


def combinations(axes: Sequence[Axis]) -> list[tuple[str, ...]]:
    """Overrides of each candidate, the last axis the fastest."""
    return [
        tuple(f"{axis.name}={value}" for axis, value in zip(axes, values, strict=True))
        for values in itertools.product(*(axis.values for axis in axes))
    ]


def sweep(
    settings_file: Path,
    axes: Sequence[Axis],
    fixed: Sequence[str] = (),
    *,
    offline: bool = False,
    redact: bool = False,
    limit: int | None = None,
    seed: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Swept:
    """Trains and scores each combination on the items that select; has the gate judge the best on the others.

    Raises SettingsError, SuiteError where a domain suite has no items to select by, and what the pipeline raises.
    """
    from assay.pipeline import run

    policy = _policy(settings_file, fixed)
    margin = float(policy.margin)
    found = []
    tried = combinations(axes)
    for number, settings in enumerate(tried, start=1):
        say(f"sweep: {number} of {len(tried)}: {'  '.join(settings)}")
        result = run(
            settings_file, overrides=(*fixed, *settings, "evaluate.items=selection"), last="evaluate",
            offline=offline, redact=redact, limit=limit, seed=seed, say=say,
        )  # fmt: skip
        found.append(_candidate(settings, result, policy))
    chosen, kept = choose(found, margin)
    say(f"sweep: chosen: {chosen.words}")
    judged = run(
        settings_file, overrides=(*fixed, *chosen.settings, "evaluate.items=gate"),
        offline=offline, redact=redact, limit=limit, seed=seed, say=say,
    )  # fmt: skip
    return Swept(tuple(found), chosen, kept, margin, judged)


def choose(candidates: Sequence[Candidate], margin: float) -> tuple[Candidate, bool]:
    """The best on the domain of those whose general ability fell by the margin at most, by the averages as they are;
    and whether there was one. Among equals the lower validation loss, then the first.

    What is picked is no proof: that is the gate's business, on other items.
    """
    kept = [candidate for candidate in candidates if candidate.general is None or candidate.general >= -margin]
    if kept:
        return max(kept, key=lambda candidate: (candidate.domain, -(candidate.validation_loss or 0.0))), True
    return max(candidates, key=lambda candidate: candidate.general or 0.0), False


def _policy(settings_file: Path, fixed: Sequence[str]) -> Any:
    from assay import stages
    from assay.config import read_document
    from assay.project import load_project

    project = load_project(read_document(settings_file).override(fixed), settings_file.parent)
    return stages.read_policy(project.path(project.settings.gate.policy))


def _candidate(settings: tuple[str, ...], result: PipelineResult, policy: Any) -> Candidate:
    from assay import stages

    runs = {stage.stage: stage for stage in result.stages}
    trained = json.loads((runs["train"].path / "manifest.json").read_text(encoding="utf-8"))["facts"]
    domain, general = [], []
    for suite in stages.read_evaluation(runs["evaluate"].path).suites:
        scores = {str(score.model): score.score for score in suite.scores}
        said = policy.suites.get(suite.suite)
        role = said.role if said is not None else "domain" if suite.kind == "suite" else "general"
        if role == "domain":
            domain.append(scores["candidate"])
        else:
            general.append(scores["candidate"] - scores["base"])
    if not domain:
        raise SuiteError("there is no domain suite to choose by", fix="name one under evaluate.suites")
    return Candidate(
        settings,
        runs["train"].run,
        sum(domain) / len(domain),
        sum(general) / len(general) if general else None,
        trained.get("validation_loss"),
        round(runs["train"].seconds, 1),
    )

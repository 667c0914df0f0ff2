"""What a pipeline came to, gathered from its runs: what the page and the terminal both tell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from assay.points import signed


@dataclass(frozen=True)
class StageRun:
    """One stage as it went. reused: it was complete, and not run again."""

    stage: str
    run: str
    path: Path
    seconds: float
    reused: bool


@dataclass(frozen=True)
class PipelineResult:
    """What `assay run` ends with. decision is the gate's JSON, None when it ended before the gate."""

    stages: tuple[StageRun, ...]
    decision: dict[str, Any] | None
    certificate: Path | None
    page: Path
    adapter: Path | None

    def to_json(self) -> dict[str, Any]:
        return {
            "verdict": self.decision["verdict"] if self.decision else None,
            "decision": self.decision,
            "certificate": str(self.certificate) if self.certificate else None,
            "page": str(self.page),
            "adapter": str(self.adapter) if self.adapter else None,
            "stages": [asdict(stage) | {"path": str(stage.path)} for stage in self.stages],
        }


@dataclass(frozen=True)
class Bar:
    """A score with its interval on a line from 0 to 100; text is for reading."""

    text: str
    at: float
    low: float
    width: float


@dataclass(frozen=True)
class ScoreRow:
    """One suite, before and after. difference is in points; of those who lost it is negative."""

    suite: str
    role: str
    verdict: str
    n: int
    base: Bar
    candidate: Bar
    difference: str
    worse: bool


class CheckCount(NamedTuple):
    name: str
    records: int
    groups: int


@dataclass(frozen=True)
class DataFacts:
    """The user's data as the first curate run judged it. counts are those of the ledger."""

    fitness: str
    reasons: tuple[str, ...]
    counts: Mapping[str, int]
    checks: tuple[CheckCount, ...]


@dataclass(frozen=True)
class TrainingFacts:
    """losses and validation_losses are (step, nats a trained token)."""

    sentence: str
    warnings: tuple[str, ...]
    losses: tuple[tuple[int, float], ...]
    validation_losses: tuple[tuple[int, float], ...]
    curve: Path | None


@dataclass(frozen=True)
class Outcome:
    """decision is the gate's JSON; None, like every other part, when the pipeline ended before it."""

    model: str
    decision: Mapping[str, Any] | None
    data: DataFacts | None
    synth: Mapping[str, Any] | None
    training: TrainingFacts | None
    scores: tuple[ScoreRow, ...]
    stages: tuple[StageRun, ...]
    certificate: Path | None
    adapter: Path | None
    page: Path


def outcome_of(result: PipelineResult) -> Outcome:
    last = {stage.stage: stage for stage in result.stages}
    curated = next((stage for stage in result.stages if stage.stage == "curate"), None)
    inputs = _json(curated.path / "manifest.json").get("inputs", {}) if curated is not None else {}
    return Outcome(
        model=str(inputs.get("model", "")).partition("@")[0],
        decision=result.decision,
        data=_data(curated.path) if curated is not None else None,
        synth=_json(last["synth"].path / "summary.json") or None if "synth" in last else None,
        training=_training(last["train"].path) if "train" in last else None,
        scores=_scores(result.decision, last["evaluate"].path) if "evaluate" in last else (),
        stages=result.stages,
        certificate=result.certificate,
        adapter=result.adapter,
        page=result.page,
    )


def _data(folder: Path) -> DataFacts | None:
    summary = _json(folder / "summary.json")
    if not summary:
        return None
    fit = summary.get("fit", {})
    checks = [
        CheckCount(name, int(found["records"]), int(found.get("groups") or 0))
        for name, found in summary.get("findings", {}).items()
    ]
    return DataFacts(
        fitness=str(fit.get("verdict", "NOT_JUDGED")).replace("_", " ").lower(),
        reasons=tuple(fit.get("reasons", ())),
        counts={name: int(summary[name]) for name in ("read", "kept", "repaired", "dropped", "held")},
        checks=tuple(checks),
    )


def _training(folder: Path) -> TrainingFacts | None:
    facts = _json(folder / "manifest.json").get("facts", {})
    if "recipe" not in facts:
        return None
    log = _json_lines(folder / "log.jsonl")
    curve = folder / "curve.svg"
    return TrainingFacts(
        sentence=_training_sentence(facts),
        warnings=tuple(facts.get("warnings", ())),
        losses=tuple((line["step"], line["loss"]) for line in log if line.get("loss") is not None),
        validation_losses=tuple(
            (line["step"], line["validation_loss"]) for line in log if line.get("validation_loss") is not None
        ),
        curve=curve if curve.is_file() else None,
    )


def _training_sentence(facts: Mapping[str, Any]) -> str:
    recipe = facts["recipe"]
    method = "QLoRA (4-bit base)" if recipe["load_in_4bit"] else "LoRA"
    sentence = (
        f"{method} adapter of rank {recipe['lora_r']}: {facts['steps']} steps in {facts['seconds'] / 60:.1f} minutes, "
        f"learning rate {recipe['learning_rate']:g}."
    )
    if facts.get("validation_loss") is None:
        return sentence
    before = facts.get("validation_loss_before")
    return (
        f"{sentence} Validation loss {f'{before:.2f} before, ' if before is not None else ''}"
        f"{facts['validation_loss']:.2f} at step {facts['best_step']}, whose adapter was kept."
    )


def _scores(decision: Mapping[str, Any] | None, folder: Path) -> tuple[ScoreRow, ...]:
    judged = {suite["suite"]: suite for suite in decision["suites"]} if decision else {}
    rows = []
    for suite in _json(folder / "evaluation.json").get("suites", []):
        scores = {score["model"]: score for score in suite["scores"]}
        base, candidate = scores.get("base"), scores.get("candidate")
        if base is None or candidate is None:
            continue
        said = judged.get(suite["suite"], {})
        rows.append(
            ScoreRow(
                suite=suite["suite"],
                role=said.get("role", "not in the policy"),
                verdict=said.get("verdict", ""),
                n=base["n"],
                base=_bar(base),
                candidate=_bar(candidate),
                difference=signed(candidate["score"] - base["score"]),
                worse=candidate["score"] < base["score"],
            )
        )
    return tuple(rows)


def _bar(score: Mapping[str, Any]) -> Bar:
    low, high = 100 * score["ci_low"], 100 * score["ci_high"]
    return Bar(f"{100 * score['score']:.1f}", round(100 * score["score"], 2), round(low, 2), round(high - low, 2))


def _json(path: Path) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return {}
    return loaded


def _json_lines(path: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, json.JSONDecodeError):
        return []

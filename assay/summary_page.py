"""The page that `assay run` ends with: verdict, data, training and scores, for someone who reads no logs."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.storage import write_text
from assay.version import __version__

if TYPE_CHECKING:
    from assay.pipeline import PipelineResult

SENTENCES = {
    "PASS": "The adapter is fit to release.",
    "BLOCK": "The adapter should not be released.",
    "INCONCLUSIVE": "Whether the adapter is fit cannot be told from this many items.",
    "INVALID": "No verdict: the test could not have seen a regression.",
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
    suite: str
    role: str
    verdict: str
    n: int
    base: Bar
    candidate: Bar
    difference: str
    worse: bool


def write_page(result: PipelineResult, path: Path, *, redact: bool) -> None:
    """One self-contained file; every text is escaped. Raises StorageError."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).resolve().parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    write_text(path, environment.get_template("summary.html").render(page=_page(result)))


def _page(result: PipelineResult) -> dict[str, Any]:
    last = {stage.stage: stage for stage in result.stages}
    manifests = {name: _json(stage.path / "manifest.json") for name, stage in last.items()}
    decision = result.decision
    facts = manifests.get("train", {}).get("facts", {})
    curve = last["train"].path / "curve.svg" if "train" in last else None
    target = manifests.get("curate", {}).get("inputs", {}).get("model", "")
    return {
        "title": decision["verdict"] if decision else "no verdict yet",
        "version": __version__,
        "date": time.strftime("%Y-%m-%d"),
        "model": str(target).partition("@")[0],
        "decision": decision,
        "sentence": SENTENCES[decision["verdict"]] if decision else "",
        "data": _data(_first(result, "curate")),
        "synth": _json(last["synth"].path / "summary.json") if "synth" in last else None,
        "training": _training(facts) if facts else None,
        "curve": _data_uri(curve) if curve is not None and curve.is_file() else None,
        "scores": _scores(decision, last["evaluate"].path) if "evaluate" in last else [],
        "stages": result.stages,
        "certificate": result.certificate,
    }


def _first(result: PipelineResult, stage: str) -> Path | None:
    """The first curate run judged the user's data; a second one judged it together with generated records."""
    return next((item.path for item in result.stages if item.stage == stage), None)


def _data(folder: Path | None) -> dict[str, Any] | None:
    summary = _json(folder / "summary.json") if folder else {}
    if not summary:
        return None
    fit = summary.get("fit", {})
    checks = [{"name": name, **counts} for name, counts in summary.get("findings", {}).items()]
    return {
        "fitness": str(fit.get("verdict", "NOT_JUDGED")).replace("_", " ").lower(),
        "reasons": fit.get("reasons", []),
        "counts": summary,
        "checks": checks,
    }


def _training(facts: Mapping[str, Any]) -> dict[str, Any]:
    recipe = facts["recipe"]
    method = "QLoRA (4-bit base)" if recipe["load_in_4bit"] else "LoRA"
    sentence = (
        f"{method} adapter of rank {recipe['lora_r']}: {facts['steps']} steps in {facts['seconds'] / 60:.1f} minutes, "
        f"learning rate {recipe['learning_rate']:g}."
    )
    if facts.get("validation_loss") is not None:
        before = facts.get("validation_loss_before")
        sentence += (
            f" Validation loss {f'{before:.2f} before, ' if before is not None else ''}"
            f"{facts['validation_loss']:.2f} at step {facts['best_step']}, whose adapter was kept."
        )
    return {"sentence": sentence, "warnings": facts.get("warnings", [])}


def _scores(decision: Mapping[str, Any] | None, folder: Path) -> list[ScoreRow]:
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
                difference=f"{100 * (candidate['score'] - base['score']):+.1f}",
                worse=candidate["score"] < base["score"],
            )
        )
    return rows


def _bar(score: Mapping[str, Any]) -> Bar:
    low, high = 100 * score["ci_low"], 100 * score["ci_high"]
    return Bar(f"{100 * score['score']:.1f}", round(100 * score["score"], 2), round(low, 2), round(high - low, 2))


def _data_uri(path: Path) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode()


def _json(path: Path) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return {}
    return loaded


def in_a_line(result: Sequence[ScoreRow]) -> str:
    """The scores for a terminal, a suite a line."""
    width = max((len(row.suite) for row in result), default=0)
    return "\n".join(
        f"  {row.suite:{width}}  {row.role:7}  n={row.n:<5} base {row.base.text:>5}  adapter {row.candidate.text:>5}  "
        f"{row.difference:>6}  {row.verdict}"
        for row in result
    )


def score_rows(result: PipelineResult) -> list[ScoreRow]:
    """Scores of base and candidate by suite; empty before the evaluation."""
    folder = next((stage.path for stage in result.stages if stage.stage == "evaluate"), None)
    return _scores(result.decision, folder) if folder else []

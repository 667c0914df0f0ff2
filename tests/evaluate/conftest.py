"""Evaluations without a model: the gate is a pure function of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assay.evaluate.evaluation import (
    ITEM_COLUMNS,
    AdapterEvidence,
    Evaluation,
    Leak,
    ModelName,
    ModelScore,
    SuiteResult,
)

LABELS = ("billing", "delivery", "returns", "login", "warranty")


@dataclass
class SyntheticSuite:
    """One suite whose answers are labels. p_* are chances of a right answer; the candidate differs from the base on
    a share `discordance` of items at least, and on as many more as the difference needs.

    p_damaged  None leaves the damaged model out; damaged_items limits it to the first so many
    fixed      scores and answers of every model are the base's: an extractor that never looks at the model
    """

    name: str
    n: int = 500
    p_base: float = 0.6
    gain: float = 0.0
    discordance: float = 0.08
    p_damaged: float | None = 0.2
    damaged_items: int | None = None
    chance: float | None = 0.2
    kind: str = "lm_eval"
    cluster_size: int = 1
    fixed: bool = False
    previous_gain: float | None = None
    slices: Sequence[str] = ()
    scorer: dict[str, Any] = field(default_factory=lambda: {"name": "exact_match"})


def right_answers(suite: SyntheticSuite, rng: np.random.Generator) -> dict[ModelName, np.ndarray]:
    """[n] whether each model answers right. Items of a cluster share their fate."""
    n, size = suite.n, suite.cluster_size
    base = np.repeat(rng.random(-(-n // size)) < suite.p_base, size)[:n]

    def changed(gain: float) -> np.ndarray:
        move = max(suite.discordance, abs(gain))
        up, down = (move + gain) / 2, (move - gain) / 2
        u = np.repeat(rng.random(-(-n // size)), size)[:n]
        to_right = u < up / max(1 - suite.p_base, 1e-9)
        to_wrong = u < down / max(suite.p_base, 1e-9)
        return np.where(base, ~to_wrong, to_right)

    answers: dict[ModelName, np.ndarray] = {"base": base, "candidate": base if suite.fixed else changed(suite.gain)}
    if suite.previous_gain is not None:
        answers["previous"] = changed(suite.previous_gain)
    if suite.p_damaged is not None:
        damaged = base if suite.fixed else rng.random(n) < suite.p_damaged
        answers["damaged"] = damaged[: suite.damaged_items]
    return answers


def suite_rows(suite: SyntheticSuite, rng: np.random.Generator) -> list[dict[str, Any]]:
    references = rng.choice(LABELS, size=suite.n)
    wrong = [LABELS[(LABELS.index(r) + 1 + rng.integers(len(LABELS) - 1)) % len(LABELS)] for r in references]
    rows = []
    for model, right in right_answers(suite, rng).items():
        for i, good in enumerate(right):
            rows.append(
                {
                    "suite": suite.name,
                    "item_id": f"{suite.name}-{i}",
                    "prompt_hash": f"{i:064x}",
                    "model": model,
                    "score": float(good),
                    "output": str(references[i]) if good else wrong[i],
                    "logprob": None,
                    "slice": suite.slices[i % len(suite.slices)] if suite.slices else None,
                    "cluster": f"c{i // suite.cluster_size}" if suite.cluster_size > 1 else None,
                    "reference": str(references[i]),
                }
            )
    return rows


def suite_result(suite: SyntheticSuite, rows: Sequence[dict[str, Any]]) -> SuiteResult:
    scores = []
    for model in ("base", "candidate", "previous", "damaged"):
        of_model = [row["score"] for row in rows if row["model"] == model]
        if of_model:
            mean = float(np.mean(of_model))
            scores.append(ModelScore(model, len(of_model), mean, mean, mean))  # type: ignore[arg-type]
    return SuiteResult(
        suite=suite.name,
        kind=suite.kind,  # type: ignore[arg-type]
        scores=tuple(scores),
        chance=suite.chance,
        binary=True,
        data_sha256="0" * 64,
        scorer=suite.scorer,
    )


def build_evaluation(
    *suites: SyntheticSuite,
    seed: int = 0,
    leaks: tuple[Leak, ...] | None = (),
    evidence: AdapterEvidence | None = AdapterEvidence(1000, True, True, 1.0),  # noqa: B008
    settings: dict[str, object] | None = None,
) -> Evaluation:
    rng = np.random.default_rng(seed)
    rows = {suite.name: suite_rows(suite, rng) for suite in suites}
    flat = [row for of_suite in rows.values() for row in of_suite]
    schema = pa.schema([(c, pa.float64() if c in ("score", "logprob") else pa.string()) for c in ITEM_COLUMNS])
    return Evaluation(
        suites=tuple(suite_result(suite, rows[suite.name]) for suite in suites),
        items=pa.Table.from_pylist(flat, schema=schema),
        identity={
            "base": {"name": "tiny", "revision": "r1", "weights_sha256": "1" * 64, "quantisation": None},
            "adapter": {"adapter_model.safetensors": "2" * 64},
            "previous": None,
            "tokenizer_sha256": "3" * 64,
            "template_sha256": "4" * 64,
            "seed": 0,
        },
        evidence={} if evidence is None else {"candidate": evidence},
        leaks=leaks,
        settings=settings or {},
    )


def exact_match(result: SuiteResult, outputs: Sequence[str], references: Sequence[str]) -> list[float] | None:
    return [float(output == reference) for output, reference in zip(outputs, references, strict=True)]


@pytest.fixture
def synthetic() -> Callable[..., Evaluation]:
    """build_evaluation(*suites, ...)"""
    return build_evaluation


@pytest.fixture
def suite() -> type[SyntheticSuite]:
    return SyntheticSuite


@pytest.fixture
def rescore() -> Callable[..., list[float] | None]:
    return exact_match

"""A small run of the simulation: the gate is wrong no more often than its policy says."""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assay.evaluate.evaluation import ITEM_COLUMNS, AdapterEvidence, Evaluation, SuiteResult
from assay.evaluate.gate.gate import gate
from assay.evaluate.gate.policy import Policy
from assay.findings import Verdict

GATES = 200
NOISE = 3 * math.sqrt(0.05 * 0.95 / GATES)
"""Three standard errors of a rate of 5 % over so many gates."""


@pytest.fixture(scope="module")
def simulation() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "gate_error_rates.py"
    spec = importlib.util.spec_from_file_location("gate_error_rates", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class Rates(dict[str, list[Any]]):
    """Rates of each world, simulated when they are first asked for."""

    def __init__(self, simulation: ModuleType) -> None:
        self.simulation = simulation

    def __missing__(self, name: str) -> list[Any]:
        world = next(item for item in self.simulation.WORLDS if item.name == name)
        self[name] = self.simulation.simulate(world, GATES)
        return self[name]


@pytest.fixture(scope="module")
def rates(simulation: ModuleType) -> Rates:
    return Rates(simulation)


def test_no_change_passes_and_is_hardly_ever_blocked(rates: Rates) -> None:
    ours = rates["no change"][0]
    assert ours.passed >= 0.85 and ours.blocked <= 0.05


def test_a_fixed_two_point_rule_blocks_an_unchanged_model_one_time_in_four(rates: Rates) -> None:
    theirs = next(rule for rule in rates["no change"] if rule.rule == "any average falls 2 points")
    assert theirs.blocked == pytest.approx(0.25, abs=0.1)


def test_a_corrected_proof_on_each_suite_passes_hardly_more_than_half_of_unchanged_models(rates: Rates) -> None:
    theirs = next(rule for rule in rates["no change"] if rule.rule == "5 points excluded a suite, corrected")
    assert theirs.passed == pytest.approx(0.57, abs=0.12)


@pytest.mark.parametrize(
    "world",
    [
        "every suite loses the margin, 2 points",
        "one suite loses 12 points, average at the margin",
        "every suite loses the margin, clusters of 5",
    ],
)
def test_a_loss_at_the_margin_hardly_ever_passes(rates: Rates, world: str) -> None:
    assert rates[world][0].passed <= 0.05 + NOISE


def test_a_loss_of_twice_the_margin_is_blocked_early(rates: Rates) -> None:
    assert rates["every suite loses 4 points"][0].blocked >= 0.99
    assert rates["every suite loses 4 points"][0].median_items <= 1300
    assert rates["every suite loses 4 points, no loss allowed"][0].median_items <= 300


@pytest.mark.parametrize("world", ["one suite loses 20 points", "one suite loses 20 points, clusters of 5"])
def test_one_ruined_suite_is_blocked(rates: Rates, world: str) -> None:
    assert rates[world][0].blocked >= 0.99


def test_one_ruined_suite_is_found_by_itself_long_before_the_average_shows_it(rates: Rates) -> None:
    assert rates["one suite loses 20 points"][0].median_items <= 900


@pytest.mark.parametrize("world", ["no change, clusters of 5", "no change, no loss allowed, clusters of 5"])
def test_clusters_keep_false_blocks_rare(rates: Rates, world: str) -> None:
    assert rates[world][0].blocked <= 0.05 + NOISE


@pytest.mark.parametrize("world", ["no change", "one suite loses 20 points", "no change, clusters of 5"])
def test_the_simulated_rule_is_the_gates(simulation: ModuleType, world: str) -> None:
    """The simulation restates the gate for arrays; on single gates both must say the same."""
    found = next(item for item in simulation.WORLDS if item.name == world)
    sample = simulation.draw(found, 3, np.random.default_rng(3))
    stated, _ = simulation.assay_rule(sample, found.policy)
    lenient = Policy(on_missing_check="warn")
    for index, verdict in enumerate(stated):
        decision = gate(as_evaluation(simulation, sample, index), lenient, lambda *_: None)
        assert decision.verdict is verdict is not Verdict.INVALID


def as_evaluation(simulation: ModuleType, sample: object, index: int) -> Evaluation:
    """One simulated gate as items: the base is right on every other item, and the candidate differs as drawn."""
    rows: list[dict[str, object]] = []
    for number, differences in enumerate(sample.general[index]):  # type: ignore[attr-defined]
        clusters = np.repeat(np.arange(differences.shape[0]), differences.shape[1])
        rows += suite_rows(f"general{number}", differences.ravel(), clusters)
    gains, losses = int(sample.gains[index]), int(sample.losses[index])  # type: ignore[attr-defined]
    domain = np.array([1.0] * gains + [-1.0] * losses + [0.0] * (simulation.DOMAIN_ITEMS - gains - losses))
    rows += suite_rows("domain", domain, None)
    schema = pa.schema([(c, pa.float64() if c in ("score", "logprob") else pa.string()) for c in ITEM_COLUMNS])
    names = dict.fromkeys(str(row["suite"]) for row in rows)
    suites = tuple(
        SuiteResult(name, "suite" if name == "domain" else "lm_eval", (), 0.0, True, "0" * 64) for name in names
    )
    evidence = {"candidate": AdapterEvidence(1, True, True, 1.0)}
    return Evaluation(suites, pa.Table.from_pylist(rows, schema=schema), {}, evidence, ())


def suite_rows(name: str, differences: np.ndarray, clusters: np.ndarray | None) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for item, difference in enumerate(differences):
        base = float(item % 2) if difference == 0 else float(difference < 0)
        cluster = None if clusters is None else f"c{clusters[item]}"
        common = {"suite": name, "item_id": str(item), "prompt_hash": "", "cluster": cluster, "reference": None}
        for model, score in (("base", base), ("candidate", base + difference)):
            rows.append(common | {"model": model, "score": score, "output": f"{item % 7}"})
    return rows

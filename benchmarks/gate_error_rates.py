"""How often is the gate wrong? Simulated releases whose truth is known, beside the rules of other tools.

    python benchmarks/gate_error_rates.py [--gates 2000]

Each gate has six general suites of 500 items on which base and candidate disagree on 8 % of the items, and a domain
suite of 300 items with a true gain of 10 points. Margin 2 points, guardrail 5, alpha 0.05. The rows say what is true
of general ability. The statistics are those of `evaluate/`, called on thousands of gates at once; the verdict is that
of `evaluate/gate/verdict.py`. The other rules are written from their descriptions; they know two answers: pass, block.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assay.evaluate.gate.gate import doubtful_loss_level, loss_levels
from assay.evaluate.gate.policy import Policy
from assay.evaluate.gate.verdict import Proofs, verdict_of
from assay.evaluate.statistics.distributions import normal_quantile, normal_tail, t_tail
from assay.evaluate.statistics.e_process import Rounds, log_wealth
from assay.evaluate.statistics.paired_tests import mcnemar_mid_p
from assay.evaluate.statistics.score_test import Strata, score_statistic
from assay.findings import Verdict

FloatArray = npt.NDArray[np.float64]

SUITES, ITEMS, DOMAIN_ITEMS = 6, 500, 300
DISCORDANCE, DOMAIN_DISCORDANCE, DOMAIN_GAIN = 0.08, 0.20, 0.10


@dataclass(frozen=True)
class World:
    """What is true. losses by suite, as shares; items of a cluster share their fate with the given correlation.

    strict  the policy blocks on any proved loss
    """

    name: str
    losses: tuple[float, ...]
    cluster_size: int = 1
    correlation: float = 0.0
    strict: bool = False

    @property
    def policy(self) -> Policy:
        return Policy(block_on_any_proved_loss=self.strict)


WORLDS = (
    World("no change", (0.0,) * SUITES),
    World("every suite loses the margin, 2 points", (0.02,) * SUITES),
    World("one suite loses 12 points, average at the margin", (0.12, *(0.0,) * (SUITES - 1))),
    World("every suite loses 4 points", (0.04,) * SUITES),
    World("every suite loses 4 points, no loss allowed", (0.04,) * SUITES, strict=True),
    World("no change, no loss allowed", (0.0,) * SUITES, strict=True),
    World("one suite loses 20 points", (0.20, *(0.0,) * (SUITES - 1))),
    World("no change, clusters of 5", (0.0,) * SUITES, 5, 0.5),
    World("no change, no loss allowed, clusters of 5", (0.0,) * SUITES, 5, 0.5, strict=True),
    World("every suite loses the margin, clusters of 5", (0.02,) * SUITES, 5, 0.5),
    World("every suite loses 4 points, clusters of 5", (0.04,) * SUITES, 5, 0.5),
    World("one suite loses 20 points, clusters of 5", (0.20, *(0.0,) * (SUITES - 1)), 5, 0.5),
)


@dataclass(frozen=True)
class Sample:
    """Simulated differences of many gates.

    general  [gates, suites, clusters, items of a cluster] candidate less base, -1, 0 or 1
    gains, losses  [gates] items of the domain suite
    """

    general: FloatArray
    gains: npt.NDArray[np.int64]
    losses: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rates:
    """Shares of gates, and the median of general items until the verdict."""

    rule: str
    passed: float
    blocked: float
    open: float
    median_items: float


def draw(world: World, gates: int, rng: np.random.Generator) -> Sample:
    size = world.cluster_size
    shape = (gates, SUITES, ITEMS // size, size)
    alone, shared = rng.random(shape, np.float32), rng.random((*shape[:3], 1), np.float32)
    together = rng.random((*shape[:3], 1), np.float32) < world.correlation
    u = np.where(together, shared, alone)
    loss = np.array(world.losses)[None, :, None, None]
    moved = np.maximum(DISCORDANCE, np.abs(loss))
    general = np.where(u < (moved + loss) / 2, -1.0, np.where(u < moved, 1.0, 0.0))
    up = rng.binomial(DOMAIN_ITEMS, (DOMAIN_DISCORDANCE + DOMAIN_GAIN) / 2, gates)
    down = rng.binomial(DOMAIN_ITEMS - up, (DOMAIN_DISCORDANCE - DOMAIN_GAIN) / (2 - DOMAIN_DISCORDANCE - DOMAIN_GAIN))
    return Sample(general, up, down)


def assay_rule(sample: Sample, policy: Policy) -> tuple[list[Verdict], FloatArray]:
    """The verdicts of an early-stopping loop that asks after every item, and the general items [gates] each had used.

    Without such a loop the early proof of a loss on one suite falls away; all else is the same.
    """
    counts, df, macro_df = effective_counts(sample.general)
    values = np.broadcast_to(np.array([-1.0, 0.0, 1.0]), counts.shape)
    macro = Strata(values, counts, np.full(SUITES, 1 / SUITES))
    suites = Strata(values[..., None, :], counts[..., None, :], np.ones(1))
    within = tails(score_statistic(macro, -policy.margin), macro_df)
    loss = tails(-score_statistic(macro, 0.0), macro_df)
    beyond = tails(-score_statistic(suites, -policy.guardrail), df)
    excessive, excessive_at = first_crossing(sample, policy.margin, policy, policy.alpha)
    early, late = loss_levels(policy)
    any_loss, any_loss_at = first_crossing(sample, 0.0, policy, early)
    harm_alpha = policy.alpha / (SUITES + 1)
    broken, broken_at = suite_crossing(sample, policy, harm_alpha)
    strict = policy.block_on_any_proved_loss
    better = [mcnemar_mid_p(int(g), int(c)) for g, c in zip(sample.gains, sample.losses, strict=True)]
    worse = [mcnemar_mid_p(int(c), int(g)) for g, c in zip(sample.gains, sample.losses, strict=True)]
    verdicts = [
        verdict_of(
            Proofs(
                macro_loss_excessive=bool(excessive[i]),
                guardrail_broken=bool(broken[i] or (beyond[i] < harm_alpha).any()),
                domain_worse=worse[i] < policy.alpha,
                forbidden_loss=strict and bool(any_loss[i] or loss[i] < late),
                domain_better=better[i] < policy.alpha,
                macro_within_margin=bool(within[i] < policy.alpha),
                macro_loss=bool(loss[i] < doubtful_loss_level(policy)),
            )
        )
        for i in range(len(better))
    ]
    return verdicts, np.minimum(np.minimum(excessive_at, broken_at), any_loss_at if strict else np.inf)


def effective_counts(general: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """[gates, suites, 3] counts of -1, 0, 1 divided by each suite's design effect, and the degrees of freedom of the
    suites [gates, suites] and of their mean [gates]: `evaluate/statistics/clusters.py` and
    `evaluate/gate/comparison.py` for arrays.
    """
    counts = np.stack([(general == value).sum((-1, -2)) for value in (-1, 0, 1)], -1).astype(float)
    gates, suites, clusters, size = general.shape
    if size == 1:
        return counts, np.full((gates, suites), np.inf), np.full(gates, np.inf)
    centred = general - general.mean((-1, -2), keepdims=True)
    totals = centred.sum(-1)
    robust = (totals**2).sum(-1) * clusters / (clusters - 1)
    independent = np.maximum((centred**2).sum((-1, -2)) * ITEMS / (ITEMS - 1), 1e-12)
    effect = np.maximum(1.0, robust / independent)
    kurtosis = clusters * (totals**4).sum(-1) / np.maximum((totals**2).sum(-1) ** 2, 1e-300)
    df = np.minimum(clusters - 1.0, 2 * clusters / np.maximum(kurtosis - 1, 1e-9))
    variance = independent * effect
    return counts / effect[..., None], df, variance.sum(-1) ** 2 / (variance**2 / df).sum(-1)


def tails(statistic: FloatArray, df: FloatArray) -> FloatArray:
    return np.vectorize(t_tail, otypes=[float])(statistic, df)


def first_crossing(
    sample: Sample, null: float, policy: Policy, alpha: float
) -> tuple[npt.NDArray[np.bool_], FloatArray]:
    """Whether betting against "the macro loss is at most null" reached 1 / alpha, and after how many items."""
    loss = -sample.general.mean(-1).swapaxes(1, 2)
    wealth = log_wealth(Rounds(loss, np.ones_like(loss), 1.0, 1.0), null, 2 * policy.margin)
    crossed = wealth >= math.log(1 / alpha)
    found = crossed.any(-1)
    at = (crossed.argmax(-1) + 1) * SUITES * sample.general.shape[-1]
    return found, np.where(found, at, SUITES * ITEMS).astype(float)


def suite_crossing(sample: Sample, policy: Policy, alpha: float) -> tuple[npt.NDArray[np.bool_], FloatArray]:
    """The same for "the loss of a suite is at most its guardrail", of the suite where it is proved first."""
    loss = -sample.general.mean(-1)[..., None]
    wealth = log_wealth(Rounds(loss, np.ones_like(loss), 1.0, 1.0), policy.guardrail, 2 * policy.guardrail)
    crossed = (wealth >= math.log(1 / alpha)).any(1)
    found = crossed.any(-1)
    at = (crossed.argmax(-1) + 1) * SUITES * sample.general.shape[-1]
    return found, np.where(found, at, SUITES * ITEMS).astype(float)


# Rules of other tools. Each says whether a gate is blocked, [gates].


def averages_2_points(sample: Sample, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Blocks when any suite's average falls by more than 2 points."""
    return np.asarray((sample.general.mean((-1, -2)) < -0.02 - 1e-9).any(-1))


def macro_2_points(sample: Sample, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Blocks when the average over all suites falls by more than 2 points."""
    return np.asarray(sample.general.mean((-1, -2, -3)) < -0.02 - 1e-9)


def unpaired_z(sample: Sample, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Blocks when an unpaired z-test finds a loss on any suite (p < 0.05), and passes when it finds none."""
    base = rng.binomial(ITEMS, 0.6, sample.general.shape[:2]) / ITEMS
    candidate = np.clip(base + sample.general.mean((-1, -2)), 0, 1)
    pooled = (base + candidate) / 2
    z = (candidate - base) / np.sqrt(2 * pooled * (1 - pooled) / ITEMS)
    return np.asarray((z < normal_quantile(0.05)).any(-1))


def paired_not_significant(sample: Sample, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Blocks when McNemar's test finds a loss on any suite (p < 0.05), and takes "not significant" for "no loss"."""
    up, down = (sample.general > 0).sum((-1, -2)), (sample.general < 0).sum((-1, -2))
    z = (up - down) / np.sqrt(np.maximum(up + down, 1))
    return np.asarray((z < normal_quantile(0.05)).any(-1))


def corrected_per_suite(sample: Sample, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Passes only when a loss of 5 points is excluded on each suite at a Bonferroni level."""
    counts, _, _ = effective_counts(sample.general)
    values = np.broadcast_to(np.array([-1.0, 0.0, 1.0]), counts.shape)
    z = score_statistic(Strata(values[..., None, :], counts[..., None, :], np.ones(1)), -0.05)
    return np.asarray(np.vectorize(normal_tail)(z).max(-1) >= 0.05 / SUITES)


OTHER_RULES: dict[str, Callable[[Sample, np.random.Generator], npt.NDArray[np.bool_]]] = {
    "any average falls 2 points": averages_2_points,
    "macro average falls 2 points": macro_2_points,
    "unpaired z-test a suite": unpaired_z,
    "McNemar a suite, else pass": paired_not_significant,
    "5 points excluded a suite, corrected": corrected_per_suite,
}


def simulate(world: World, gates: int, seed: int = 0, chunk: int = 500) -> list[Rates]:
    """Rates of our gate first, then of the other rules, on the same simulated gates."""
    rng = np.random.default_rng(seed)
    verdicts: list[Verdict] = []
    items: list[FloatArray] = []
    blocked: dict[str, list[npt.NDArray[np.bool_]]] = {name: [] for name in OTHER_RULES}
    for start in range(0, gates, chunk):
        sample = draw(world, min(chunk, gates - start), rng)
        found, used = assay_rule(sample, world.policy)
        verdicts += found
        items.append(used)
        for name, rule in OTHER_RULES.items():
            blocked[name].append(rule(sample, rng))
    return [_ours(verdicts, np.concatenate(items)), *(_theirs(name, rows) for name, rows in blocked.items())]


def _ours(verdicts: Sequence[Verdict], items: FloatArray) -> Rates:
    share = {verdict: sum(v is verdict for v in verdicts) / len(verdicts) for verdict in Verdict}
    return Rates(
        "assay", share[Verdict.PASS], share[Verdict.BLOCK], share[Verdict.INCONCLUSIVE], float(np.median(items))
    )


def _theirs(name: str, rows: Sequence[npt.NDArray[np.bool_]]) -> Rates:
    share = float(np.concatenate(list(rows)).mean())
    return Rates(name, 1 - share, share, 0.0, float(SUITES * ITEMS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gates", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print("| what is true of general ability | rule | PASS | BLOCK | open | median items |")
    print("|---|---|---|---|---|---|")
    for world in WORLDS:
        for rates in simulate(world, arguments.gates, arguments.seed):
            shares = f"{rates.passed:.1%} | {rates.blocked:.1%} | {rates.open:.1%}"
            print(f"| {world.name} | {rates.rule} | {shares} | {rates.median_items:,.0f} |", flush=True)


if __name__ == "__main__":
    main()

"""How often is the gate wrong? Simulated releases whose truth is known, beside the rules of other tools.

    python benchmarks/gate_error_rates.py [--gates 2000]

Each gate has six general suites of 500 items on which base and candidate disagree on 8 % of the items, and a domain
suite of 300 items with a true gain of 10 points. Margin 2 points, guardrail 5, alpha 0.05. The rows say what is true
of general ability. The statistics are those of `evaluate/`, called on thousands of gates at once; the verdict is that
of `evaluate/gate/verdict.py`. The other rules are written from their descriptions; they know two answers: pass, block.
All rules see every item; `early_stopping_error_rates.py` has the loop that looks before.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assay.evaluate.gate.levels import Levels, levels_of, no_loss_levels
from assay.evaluate.gate.policy import Policy, SuitePolicy
from assay.evaluate.gate.verdict import Proofs, verdict_of
from assay.evaluate.statistics.absolute import Counted, p_above, p_below
from assay.evaluate.statistics.distributions import normal_quantile, normal_tail, t_tail
from assay.evaluate.statistics.e_process import Rounds, log_wealth
from assay.evaluate.statistics.paired_tests import mcnemar_mid_p
from assay.evaluate.statistics.score_test import Strata, score_statistic
from assay.findings import Verdict

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

KINDS = np.array([-1.0, 0.0, 1.0])
SUITES, ITEMS, DOMAIN_ITEMS = 6, 500, 300
DISCORDANCE, DOMAIN_DISCORDANCE, DOMAIN_GAIN = 0.08, 0.20, 0.10


@dataclass(frozen=True)
class World:
    """What is true. losses by suite, as shares; items of a cluster share their fate with the given correlation.

    strict  the policy blocks on any proved loss
    items   of each general suite
    min_score, score  the least score that the policy asks for on the domain, and what the candidate truly scores there
    """

    name: str
    losses: tuple[float, ...]
    cluster_size: int = 1
    correlation: float = 0.0
    strict: bool = False
    domain_gain: float = DOMAIN_GAIN
    items: int = ITEMS
    domain_items: int = DOMAIN_ITEMS
    min_score: float | None = None
    score: float = 0.0

    @property
    def policy(self) -> Policy:
        return Policy(block_on_any_proved_loss=self.strict, min_score=self.min_score)


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
    World("no change, nor on the domain", (0.0,) * SUITES, domain_gain=0.0),
    World("no change, nor on the domain, clusters of 5", (0.0,) * SUITES, 5, 0.5, domain_gain=0.0),
    World("no change, nor on the domain, no loss allowed", (0.0,) * SUITES, strict=True, domain_gain=0.0),
    World("one suite loses its guardrail, the others gain a point", (0.05, *(-0.01,) * (SUITES - 1))),
    World(
        "no change, nor on the domain, 60 items a suite", (0.0,) * SUITES, domain_gain=0.0, items=60, domain_items=60
    ),
    World("no change, the domain at its min_score, 80 %", (0.0,) * SUITES, min_score=0.8, score=0.8),
    World("no change, the domain 4 points below its min_score", (0.0,) * SUITES, min_score=0.8, score=0.76),
    World("no change, the domain 8 points above its min_score", (0.0,) * SUITES, min_score=0.8, score=0.88),
)


def world_of(name: str) -> World:
    return next(world for world in WORLDS if world.name == name)


@dataclass(frozen=True)
class Sample:
    """Simulated differences of many gates, candidate less base, -1, 0 or 1, in the order of betting.

    general  [gates, suites, clusters, items of a cluster]
    domain   [gates, items]
    right    [gates, items] of the domain, what the candidate scores; None where nothing is asked of that
    """

    general: FloatArray
    domain: FloatArray
    right: FloatArray | None = None

    @property
    def items(self) -> int:
        """Of each general suite."""
        return self.general.shape[2] * self.general.shape[3]


@dataclass(frozen=True)
class Rates:
    """Shares of gates."""

    rule: str
    passed: float
    blocked: float
    open: float


def draw(world: World, gates: int, rng: np.random.Generator) -> Sample:
    size = world.cluster_size
    shape = (gates, len(world.losses), world.items // size, size)
    alone, shared = rng.random(shape, np.float32), rng.random((*shape[:3], 1), np.float32)
    together = rng.random((*shape[:3], 1), np.float32) < world.correlation
    general = _moves(np.where(together, shared, alone), np.array(world.losses)[None, :, None, None], DISCORDANCE)
    domain = _moves(rng.random((gates, world.domain_items)), np.array(-world.domain_gain), DOMAIN_DISCORDANCE)
    return Sample(general, domain, None if world.min_score is None else _right(domain, world, rng))


def _right(domain: FloatArray, world: World, rng: np.random.Generator) -> FloatArray:
    """Gained items are right and lost ones wrong; of the others so many are right that the candidate scores `score`."""
    moved = max(DOMAIN_DISCORDANCE, abs(world.domain_gain))
    kept = (world.score - (moved + world.domain_gain) / 2) / (1 - moved)
    return np.where(domain == 0, rng.random(domain.shape) < kept, domain > 0).astype(float)


def _moves(u: npt.NDArray[np.floating[npt.NBitBase]], loss: FloatArray, discordance: float) -> FloatArray:
    """Uniform numbers as losses (-1), gains (1) and no change (0)."""
    moved = np.maximum(discordance, np.abs(loss))
    return np.where(u < (moved + loss) / 2, -1.0, np.where(u < moved, 1.0, 0.0))


@dataclass(frozen=True)
class Found:
    """What the tests at the planned number find: p-values, [gates] or [gates, suites]."""

    macro_within: FloatArray
    macro_loss: FloatArray
    suite_beyond: FloatArray
    domain_beyond: FloatArray
    better: FloatArray
    worse: FloatArray
    above: FloatArray
    below: FloatArray


def planned_number(sample: Sample, policy: Policy) -> Found:
    counts, df, macro_df = effective_counts(sample.general)
    domain, _, _ = effective_counts(sample.domain[:, None, :, None])
    macro = Strata(np.broadcast_to(KINDS, counts.shape), counts, np.full(counts.shape[1], 1 / counts.shape[1]))
    gains, losses = (sample.domain > 0).sum(-1).tolist(), (sample.domain < 0).sum(-1).tolist()
    return Found(
        macro_within=tails(score_statistic(macro, -policy.margin), macro_df),
        macro_loss=tails(-score_statistic(macro, 0.0), macro_df),
        suite_beyond=tails(-score_statistic(_alone(counts), -policy.guardrail), df),
        domain_beyond=tails(-score_statistic(_alone(domain), -policy.guardrail), np.full(domain.shape[:2], np.inf)),
        better=np.array([mcnemar_mid_p(*pair) for pair in zip(gains, losses, strict=True)]),
        worse=np.array([mcnemar_mid_p(*pair) for pair in zip(losses, gains, strict=True)]),
        above=_scores(sample, policy, p_above, 0.0),
        below=_scores(sample, policy, p_below, 1.0),
    )


def _scores(sample: Sample, policy: Policy, test: Callable[[Counted, float], float], without: float) -> FloatArray:
    """[gates] p-values of the domain's scores; `without`, where the policy asks for none."""
    if sample.right is None or policy.min_score is None:
        return np.full(len(sample.domain), without)
    items = sample.domain.shape[1]
    right, gate = np.unique(sample.right.sum(-1), return_inverse=True)
    return np.array([test(Counted(float(number), items, 1.0), policy.min_score) for number in right])[gate]


def _alone(counts: FloatArray) -> Strata:
    """Each suite by itself."""
    return Strata(np.broadcast_to(KINDS, counts.shape)[..., None, :], counts[..., None, :], np.ones(1))


def levels_in(sample: Sample, policy: Policy, *, looked: bool) -> Levels:
    roles = {str(number): SuitePolicy("general") for number in range(sample.general.shape[1])}
    return levels_of(policy, roles | {"domain": SuitePolicy("domain")}, against_both=False, looked=looked)


def verdicts_at_the_end(
    found: Found, policy: Policy, levels: Levels, excessive: BoolArray, any_loss: BoolArray
) -> list[Verdict]:
    """[gates] at the planned number.

    excessive, any_loss  [gates] whether the e-processes proved a loss of the average above the margin, or above none
    """
    beyond = np.concatenate([found.suite_beyond, found.domain_beyond], axis=-1)
    broken = (beyond < levels.suite.late).any(-1)
    late, strict = no_loss_levels(policy).late, policy.block_on_any_proved_loss
    return [
        verdict_of(
            Proofs(
                macro_loss_excessive=bool(excessive[i]),
                guardrail_broken=bool(broken[i]),
                domain_worse=bool(found.worse[i] < levels.domain.late),
                forbidden_loss=strict and bool(any_loss[i] or found.macro_loss[i] < late),
                domain_better=bool(found.better[i] < policy.alpha),
                scores_met=bool(found.above[i] < policy.alpha),
                score_missed=bool(found.below[i] < levels.least),
                macro_within_margin=bool(found.macro_within[i] < policy.alpha),
                macro_loss=bool(found.macro_loss[i] < late),
            )
        )
        for i in range(len(broken))
    ]


def assay_rule(sample: Sample, policy: Policy) -> list[Verdict]:
    """[gates] of evaluations that nobody looked at before the planned number of items."""
    excessive, any_loss = macro_crossings(sample, policy)
    levels = levels_in(sample, policy, looked=False)
    return verdicts_at_the_end(planned_number(sample, policy), policy, levels, excessive.any(-1), any_loss.any(-1))


def macro_crossings(sample: Sample, policy: Policy) -> tuple[BoolArray, BoolArray]:
    """[gates, rounds] whether betting on the average is at or above its bar after a round: against "a loss of the
    margin at most", and, where the policy forbids any loss, against "none"."""
    loss = -sample.general.mean(-1).swapaxes(1, 2)
    excessive = crossings(loss, policy.margin, 2 * policy.margin, policy.alpha)
    if not policy.block_on_any_proved_loss:
        return excessive, np.zeros_like(excessive)
    return excessive, crossings(loss, 0.0, 2 * policy.margin, no_loss_levels(policy).early)


def crossings(loss: FloatArray, null: float, alternative: float, alpha: float) -> BoolArray:
    """[..., rounds] of losses [..., rounds, suites]."""
    wealth = log_wealth(Rounds(loss, np.ones_like(loss), 1.0, 1.0), null, alternative)
    return np.asarray(wealth >= -math.log(alpha))


def effective_counts(general: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """[gates, suites, 3] counts of -1, 0, 1 divided by each suite's design effect, and the degrees of freedom of the
    suites [gates, suites] and of their mean [gates]: `evaluate/statistics/clusters.py` and
    `evaluate/gate/comparison.py` for arrays.
    """
    counts = np.stack([(general == value).sum((-1, -2)) for value in (-1, 0, 1)], -1).astype(float)
    gates, suites, clusters, size = general.shape
    if size == 1:
        return counts, np.full((gates, suites), np.inf), np.full(gates, np.inf)
    items = clusters * size
    centred = general - general.mean((-1, -2), keepdims=True)
    totals = centred.sum(-1)
    robust = (totals**2).sum(-1) * clusters / (clusters - 1)
    independent = np.maximum((centred**2).sum((-1, -2)) * items / (items - 1), 1e-12)
    effect = np.maximum(1.0, robust / independent)
    kurtosis = clusters * (totals**4).sum(-1) / np.maximum((totals**2).sum(-1) ** 2, 1e-300)
    df = np.minimum(clusters - 1.0, 2 * clusters / np.maximum(kurtosis - 1, 1e-9))
    variance = independent * effect
    return counts / effect[..., None], df, variance.sum(-1) ** 2 / (variance**2 / df).sum(-1)


def tails(statistic: FloatArray, df: FloatArray) -> FloatArray:
    return np.vectorize(t_tail, otypes=[float])(statistic, df)


# Rules of other tools. Each says whether a gate is blocked, [gates].


def averages_2_points(sample: Sample, rng: np.random.Generator) -> BoolArray:
    """Blocks when any suite's average falls by more than 2 points."""
    return np.asarray((sample.general.mean((-1, -2)) < -0.02 - 1e-9).any(-1))


def macro_2_points(sample: Sample, rng: np.random.Generator) -> BoolArray:
    """Blocks when the average over all suites falls by more than 2 points."""
    return np.asarray(sample.general.mean((-1, -2, -3)) < -0.02 - 1e-9)


def unpaired_z(sample: Sample, rng: np.random.Generator) -> BoolArray:
    """Blocks when an unpaired z-test finds a loss on any suite (p < 0.05), and passes when it finds none."""
    items = sample.items
    base = rng.binomial(items, 0.6, sample.general.shape[:2]) / items
    candidate = np.clip(base + sample.general.mean((-1, -2)), 0, 1)
    pooled = (base + candidate) / 2
    z = (candidate - base) / np.sqrt(2 * pooled * (1 - pooled) / items)
    return np.asarray((z < normal_quantile(0.05)).any(-1))


def paired_not_significant(sample: Sample, rng: np.random.Generator) -> BoolArray:
    """Blocks when McNemar's test finds a loss on any suite (p < 0.05), and takes "not significant" for "no loss"."""
    up, down = (sample.general > 0).sum((-1, -2)), (sample.general < 0).sum((-1, -2))
    z = (up - down) / np.sqrt(np.maximum(up + down, 1))
    return np.asarray((z < normal_quantile(0.05)).any(-1))


def corrected_per_suite(sample: Sample, rng: np.random.Generator) -> BoolArray:
    """Passes only when a loss of 5 points is excluded on each suite at a Bonferroni level."""
    counts, _, _ = effective_counts(sample.general)
    z = score_statistic(_alone(counts), -0.05)
    return np.asarray(np.vectorize(normal_tail)(z).max(-1) >= 0.05 / SUITES)


OTHER_RULES: dict[str, Callable[[Sample, np.random.Generator], BoolArray]] = {
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
    blocked: dict[str, list[BoolArray]] = {name: [] for name in OTHER_RULES}
    for start in range(0, gates, chunk):
        sample = draw(world, min(chunk, gates - start), rng)
        verdicts += assay_rule(sample, world.policy)
        for name, rule in OTHER_RULES.items():
            blocked[name].append(rule(sample, rng))
    return [rates_of("assay", verdicts), *(_theirs(name, rows) for name, rows in blocked.items())]


def rates_of(rule: str, verdicts: Sequence[Verdict]) -> Rates:
    share = {verdict: sum(v is verdict for v in verdicts) / len(verdicts) for verdict in Verdict}
    return Rates(rule, share[Verdict.PASS], share[Verdict.BLOCK], share[Verdict.INCONCLUSIVE])


def _theirs(name: str, rows: Sequence[BoolArray]) -> Rates:
    share = float(np.concatenate(list(rows)).mean())
    return Rates(name, 1 - share, share, 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gates", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print("| what is true of general ability | rule | PASS | BLOCK | open |")
    print("|---|---|---|---|---|")
    for world in WORLDS:
        for rates in simulate(world, arguments.gates, arguments.seed):
            shares = f"{rates.passed:.1%} | {rates.blocked:.1%} | {rates.open:.1%}"
            print(f"| {world.name} | {rates.rule} | {shares} |", flush=True)


if __name__ == "__main__":
    main()

"""How often is a gate wrong that looks before all items are scored? The loop of `assay evaluate --stop-early`.

    python benchmarks/early_stopping_error_rates.py [--gates 2000] [--check 200] [--only TEXT]

The worlds are those of `gate_error_rates.py`. Each simulated gate is asked at the twenty looks that the loop takes,
until a BLOCK is proved or no PASS is left; beside it stands the gate that sees every item of the same draw. Rates come
with Wilson's 95 % intervals, items are the median over the general suites. The statistics are those of `evaluate/`,
called on thousands of gates at once. `--check` runs so many gates of each world through the real loop as well, item by
item from an evaluation, and fails where look or verdict is another (about a second a gate).
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assay.evaluate.asking.examination import Item
from assay.evaluate.evaluation import ITEM_COLUMNS, AdapterEvidence, Evaluation, SuiteResult
from assay.evaluate.gate.early_stopping import LOOKS, Plan, Seen, margin_reachable, reason_to_stop, record
from assay.evaluate.gate.gate import gate
from assay.evaluate.gate.levels import Levels
from assay.evaluate.gate.policy import Policy, SuitePolicy
from assay.evaluate.statistics.e_process import order
from assay.evaluate.statistics.intervals import wilson_interval
from assay.evaluate.statistics.paired_tests import mcnemar_mid_p
from assay.findings import Verdict
from benchmarks.gate_error_rates import (
    WORLDS,
    BoolArray,
    FloatArray,
    Sample,
    World,
    assay_rule,
    crossings,
    draw,
    levels_in,
    macro_crossings,
    planned_number,
    verdicts_at_the_end,
)

SURE = 4.0
"""From this many standard errors on, a margin is within reach whatever test decides it: the score test is not asked."""

NEVER = LOOKS + 1


@dataclass(frozen=True)
class Stopped:
    """One gate of the loop: its verdict, and the look at which it was given."""

    verdict: Verdict
    look: int


# The loop for many gates at once.


def early_stopping_rule(sample: Sample, policy: Policy) -> list[Stopped]:
    """[gates] what the loop ends with."""
    levels = levels_in(sample, policy, looked=True)
    excessive, any_loss = macro_crossings(sample, policy)
    blocked = np.minimum.reduce(
        [first_look(excessive), first_look(any_loss), suite_harm(sample, policy, levels), domain_harm(sample, levels)]
    )
    last = verdicts_at_the_end(planned_number(sample, policy), policy, levels, excessive.any(-1), any_loss.any(-1))
    return [
        _ended(sample, index, int(min(blocked[index], NEVER)), verdict, policy) for index, verdict in enumerate(last)
    ]


def _ended(sample: Sample, index: int, blocked: int, last: Verdict, policy: Policy) -> Stopped:
    for look in range(1, LOOKS):
        if look >= blocked:
            return Stopped(Verdict.BLOCK, look)
        if not (gain_reachable(sample, index, look, policy) and margin_in_reach(sample, index, look, policy)):
            return Stopped(Verdict.INCONCLUSIVE, look)
    return Stopped(last, LOOKS)


def scored_at(look: int, units: int) -> int:
    """Clusters of a suite that are scored after so many looks."""
    return math.ceil(look * units / LOOKS)


def first_look(crossed: BoolArray) -> FloatArray:
    """[...] the look at which rounds [..., rounds] first held a crossing; infinite where none did."""
    rounds = crossed.shape[-1]
    look_of = np.array([next(k for k in range(1, LOOKS + 1) if scored_at(k, rounds) > r) for r in range(rounds)])
    found: FloatArray = np.where(crossed.any(-1), look_of[crossed.argmax(-1)], np.inf)
    return found


def suite_harm(sample: Sample, policy: Policy, levels: Levels) -> FloatArray:
    """[gates] when a suite was first beyond its guardrail, the domain's with them."""
    bar = 2 * max(policy.guardrail, policy.margin)
    general = crossings(-sample.general.mean(-1)[..., None], policy.guardrail, bar, levels.suite.early)
    domain = crossings(-sample.domain[..., None], policy.guardrail, bar, levels.suite.early)
    looks: FloatArray = np.minimum(first_look(general).min(-1), first_look(domain))
    return looks


def domain_harm(sample: Sample, levels: Levels) -> FloatArray:
    """[gates] when the domain was first worse than the base."""
    return first_look(crossings(-sample.domain[..., None], 0.0, Policy().guardrail, levels.domain.early))


def gain_reachable(sample: Sample, index: int, look: int, policy: Policy) -> bool:
    """More gains make the mid-p value smaller, so that gains alone are the best that may come."""
    items = sample.domain.shape[-1]
    scored = scored_at(look, items)
    seen = sample.domain[index, :scored]
    return _mid_p(int((seen > 0).sum()) + items - scored, int((seen < 0).sum())) < policy.alpha


_mid_p = cache(mcnemar_mid_p)


def margin_in_reach(sample: Sample, index: int, look: int, policy: Policy) -> bool:
    """By the loop's own function, where a normal approximation leaves any doubt."""
    clusters, size = sample.general.shape[2:]
    seen = sample.general[index, :, : scored_at(look, clusters)]
    missing = sample.items - seen.shape[1] * size
    means = (seen.sum((-1, -2)) + missing) / sample.items
    totals = ((seen - means[:, None, None]).sum(-1) ** 2).sum(-1) + missing * (1 - means) ** 2
    error = math.sqrt(float(totals.sum())) / sample.items / len(means)
    if float(means.mean()) + policy.margin > SURE * error:
        return True
    names = [None if size == 1 else f"c{cluster}" for cluster in range(seen.shape[1]) for _ in range(size)]
    return margin_reachable([Seen(suite.ravel(), names, missing) for suite in seen], policy)


# The loop itself, over an evaluation made of the same draw.


def real_loop(sample: Sample, index: int, policy: Policy) -> Stopped:
    """One simulated gate through `gate` and `reason_to_stop`, as `until_decided` asks them."""
    whole, plan = as_evaluation(sample, index)
    roles = {suite: SuitePolicy("domain" if suite == "domain" else "general") for suite in plan.groups}
    policy = replace(policy, on_missing_check="warn", suites=roles)
    for look in range(1, LOOKS):
        so_far = seen_at(whole, plan, look)
        decision = gate(so_far, policy, lambda *_: None)
        if reason_to_stop(decision, so_far, plan, policy) is not None:
            return Stopped(decision.verdict, look)
    finished = replace(whole, settings={"stopping": record(plan, LOOKS, None)})
    return Stopped(gate(finished, policy, lambda *_: None).verdict, LOOKS)


def as_evaluation(sample: Sample, index: int) -> tuple[Evaluation, Plan]:
    """Items are named so that the order of betting, which follows from their names, is that of the draw. The base is
    right on every other item that does not change, and no answer is another text."""
    suites = {f"general{number}": differences for number, differences in enumerate(sample.general[index])}
    suites["domain"] = sample.domain[index][:, None]
    rows: list[dict[str, object]] = []
    items: dict[str, list[Item]] = {}
    groups: dict[str, list[list[int]]] = {}
    for suite, differences in suites.items():
        clusters, size = differences.shape
        names = [f"n{number}" for number in range(clusters)]
        in_order = [names[place] for place in order(names, suite)]
        of_item = [(name, item) for name in in_order for item in range(size)]
        ids = [name if size == 1 else f"{name}-{item}" for name, item in of_item]
        held = [None if size == 1 else name for name, _ in of_item]
        right = sample.right[index] if suite == "domain" and sample.right is not None else None
        rows += _rows(suite, ids, held, differences.ravel(), right)
        items[suite] = [Item(i, "", None, None, c, "", 1) for i, c in zip(ids, held, strict=True)]
        groups[suite] = [list(range(start, start + size)) for start in range(0, clusters * size, size)]
    schema = pa.schema([(c, pa.float64() if c in ("score", "logprob") else pa.string()) for c in ITEM_COLUMNS])
    results = tuple(
        SuiteResult(name, "suite" if name == "domain" else "lm_eval", (), 0.0, True, "0" * 64) for name in suites
    )
    evidence = {"candidate": AdapterEvidence(1, True, True, 1.0)}
    evaluation = Evaluation(results, pa.Table.from_pylist(rows, schema=schema), {}, evidence, ())
    return evaluation, Plan(groups, items)


def _rows(
    suite: str,
    ids: Sequence[str],
    clusters: Sequence[str | None],
    differences: FloatArray,
    right: FloatArray | None,
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for number, (item, cluster, difference) in enumerate(zip(ids, clusters, differences.tolist(), strict=True)):
        base = float(number % 2) if difference == 0 else float(difference < 0)
        base = base if right is None else float(right[number] - difference)
        common = {"suite": suite, "item_id": item, "prompt_hash": "", "cluster": cluster, "reference": None}
        for model, score in (("base", base), ("candidate", base + difference)):
            rows.append(common | {"model": model, "score": score, "output": f"{number % 7}"})
    return rows


def seen_at(whole: Evaluation, plan: Plan, look: int) -> Evaluation:
    """The evaluation as the loop has it after so many looks."""
    import pyarrow.compute as pc

    seen = [f"{suite}/{plan.items[suite][number].id}" for suite in plan.groups for number in plan.upto(suite, look)]
    names = pc.binary_join_element_wise(whole.items["suite"], whole.items["item_id"], "/")
    items = whole.items.filter(pc.is_in(names, pa.array(seen)))
    return replace(whole, items=items, settings={"complete": False, "planned": plan.to_json()})


# The table.


def simulate(world: World, gates: int, seed: int = 0, chunk: int = 500) -> tuple[list[Verdict], list[Stopped]]:
    """What the gate says that sees all items, and what the loop says, of the same gates."""
    rng = np.random.default_rng(seed)
    whole: list[Verdict] = []
    stopped: list[Stopped] = []
    for start in range(0, gates, chunk):
        sample = draw(world, min(chunk, gates - start), rng)
        whole += assay_rule(sample, world.policy)
        stopped += early_stopping_rule(sample, world.policy)
    return whole, stopped


def median_items(world: World, stopped: Sequence[Stopped]) -> float:
    """Over all general suites."""
    units = world.items // world.cluster_size
    scored = [scored_at(one.look, units) * world.cluster_size * len(world.losses) for one in stopped]
    return float(np.median(scored))


def differing(world: World, gates: int, seed: int = 1) -> list[int]:
    """Gates of which the real loop says another thing than the one for many gates."""
    sample = draw(world, gates, np.random.default_rng(seed))
    stated = early_stopping_rule(sample, world.policy)
    return [index for index, one in enumerate(stated) if real_loop(sample, index, world.policy) != one]


def share(verdicts: Sequence[Verdict], verdict: Verdict) -> str:
    """`4.2 % (3.4 to 5.2)`"""
    found = sum(one is verdict for one in verdicts)
    low, high = wilson_interval(found, len(verdicts))
    return f"{100 * found / len(verdicts):.1f} ({100 * low:.1f} to {100 * high:.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gates", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--check", type=int, default=0, help="gates of each world that go through the real loop too")
    parser.add_argument("--only", default="", help="the worlds whose name holds this text")
    arguments = parser.parse_args()
    shown = (Verdict.PASS, Verdict.BLOCK, Verdict.INCONCLUSIVE)
    print("| what is true | looks | PASS | BLOCK | open | median items |\n|---|---|---|---|---|---|")
    for world in (world for world in WORLDS if arguments.only in world.name):
        whole, stopped = simulate(world, arguments.gates, arguments.seed)
        early = [one.verdict for one in stopped]
        everything = f"{len(world.losses) * world.items:,}"
        for looks, verdicts, items in (
            (str(LOOKS), early, f"{median_items(world, stopped):,.0f}"),
            ("none", whole, everything),
        ):
            rates = " | ".join(share(verdicts, verdict) for verdict in shown)
            print(f"| {world.name} | {looks} | {rates} | {items} |", flush=True)
        if arguments.check and (wrong := differing(world, arguments.check)):
            raise SystemExit(f"{world.name}: the real loop says otherwise of {len(wrong)} gates: {wrong[:9]}")


if __name__ == "__main__":
    main()

"""A plan as one screen, and as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from .effort import Effort
from .memory import PARTS, Memory
from .stage import CardPlan, Fit, Here, Plan
from .workload import METHODS, NAMES, Method

LABELS = {
    "weights": "weights",
    "adapter": "adapter",
    "gradients": "gradients",
    "optimiser": "optimiser",
    "activations": "activations",
    "logits": "logits",
    "working": "passing tensors",
    "allocator": "allocator, driver",
}
MOMENTS = {"loading": "while loading", "check": "in the check before the first step", "step": "in a step"}


def render(plan: Plan) -> str:
    parts = [_head(plan), _memory(plan), _cards(plan), _changes(plan), _here(plan), _advice(plan)]
    return "\n\n".join("\n".join(lines) for lines in map(list, parts) if lines)


def _head(plan: Plan) -> Iterator[str]:
    architecture, recipe, lengths = plan.subject.architecture, plan.recipe, plan.lengths
    active = ""
    if architecture.has_experts:
        active = f", {_count(architecture.active_parameters)} of them met by a token"
    yield f"  {plan.subject.name}: {architecture.family}, {_count(architecture.parameters)} parameters{active}"
    yield (
        f"  adapter: rank {recipe.lora_r}, {_count(plan.lora_parameters)} parameters "
        f"({plan.lora_parameters / architecture.parameters:.2%}), {_size(plan.adapter_bytes)} on disk in float32"
    )
    mean = lengths.tokens / lengths.records
    yield (
        f"  {lengths.records:,} records of {mean:,.0f} tokens, the longest {lengths.longest:,}; "
        f"{_epochs(recipe.num_train_epochs)}, {_count(plan.tokens)} tokens in {recipe.steps:,} steps of "
        f"{recipe.effective_batch_size}"
    )
    for line in architecture.unknown:
        yield f"  not known: {line}"


def _memory(plan: Plan) -> Iterator[str]:
    recipe = plan.recipe
    checkpointing = "with" if recipe.gradient_checkpointing else "without"
    batch = recipe.per_device_train_batch_size
    together = f"{batch} records" if batch > 1 else "one record"
    yield (
        f"  peak memory on a GPU, {together} at a time in {recipe.dtype}, {checkpointing} gradient checkpointing (GB)"
    )
    yield "    " + " " * 20 + "".join(f"{NAMES[method]:>10}" for method in METHODS)
    for part in PARTS:
        yield f"    {LABELS[part]:<20}" + "".join(f"{getattr(plan.peaks[m], part) / 1e9:>10.1f}" for m in METHODS)
    yield f"    {'peak':<20}" + "".join(f"{plan.peaks[method].peak / 1e9:>10.1f}" for method in METHODS)
    planned = plan.peaks[plan.planned]
    beside = "" if planned.moment == "step" else f"; a step takes {_size(plan.step.peak)}"
    yield f"    the peak of {NAMES[plan.planned]} is {MOMENTS[planned.moment]}{beside}"
    spared = plan.peaks["lora"].saved
    if spared:
        yield f"    checkpointing keeps {_size(spared)} of activations from being kept, for a second forward pass"


def _cards(plan: Plan) -> Iterator[str]:
    if not plan.cards:
        return
    yield f"    {'card':<18}{'memory':>8}" + "".join(f"{NAMES[method]:>9}" for method in METHODS) + "    then takes"
    for row in plan.cards:
        fits = "".join(f"{_fit(fit):>9}" for fit in row.fits)
        yield f"    {row.card.name:<18}{row.card.memory / 1e9:>5.0f} GB{fits}    {_effort(row)}"
    yield "    yes: up to nine tenths of the card; tight: up to all of it; xN: N cards that share by FSDP"
    shares = [share for row in plan.cards if row.effort for share in row.effort.share]
    if shares:
        yield f"    hours at {min(shares):.0%} to {max(shares):.0%} of a card's peak"
    dated = sorted({row.card.as_of for row in plan.cards if row.card.usd})
    if dated:
        yield f"    prices on demand, the lowest and the highest that were found from {dated[0]} to {dated[-1]}"


def _fit(fit: Fit) -> str:
    if fit.cards is None:
        return "no"
    if fit.cards > 1:
        return f"x{fit.cards}"
    return "tight" if fit.tight else "yes"


def _effort(row: CardPlan) -> str:
    if row.best is None or row.effort is None:
        return "nothing: eight are too few"
    together = f" on {row.best.cards}" if (row.best.cards or 1) > 1 else ""
    return f"{NAMES[row.best.method]}{together}, {_hours(row.effort)}{_money(row.effort)}"


def _hours(effort: Effort) -> str:
    low, high = effort.hours
    if high < 1:
        return f"{low * 60:.0f} to {max(1, high * 60):.0f} min"
    return f"{low:.1f} to {high:.1f} h"


def _money(effort: Effort) -> str:
    if effort.usd is None:
        return ", no price known"
    low, high = effort.usd
    return f", ${low:,.2f} to ${high:,.2f}"


def _changes(plan: Plan) -> Iterator[str]:
    if plan.changes:
        peak = plan.peaks[plan.planned].peak
        yield f"  to make it smaller, one at a time (from {NAMES[plan.planned]}'s {_size(peak)})"
    for change in plan.changes:
        yield f"    {change.setting:<52} saves {_size(change.saves):>8}, leaves {_size(change.peak)}"


def _here(plan: Plan) -> Iterator[str]:
    here = plan.here
    if here is None:
        return
    needs = here.memory.peak + here.machine.imports
    verdict = "fits" if here.fits else "does not fit"
    yield (
        f"  here ({here.machine.name}, {_size(here.machine.available)} free): {NAMES[plan.planned]} in "
        f"{here.recipe.dtype} takes {_size(needs)} and {verdict}"
    )
    imports = f" and {_size(here.machine.imports)} for the libraries" if here.machine.imports else ""
    yield f"    {_size(here.memory.peak)} {MOMENTS[here.memory.moment]}{imports}"


def _advice(plan: Plan) -> Iterator[str]:
    yield "  advice"
    for advice in plan.advice:
        yield f"    {advice.what}"
        yield f"      because {advice.why}"


def _size(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def _count(number: float) -> str:
    for unit, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if number >= unit:
            return f"{number / unit:.2f}{letter}"
    return f"{number:.0f}"


def _epochs(epochs: float) -> str:
    return "1 epoch" if epochs == 1 else f"{epochs:g} epochs"


def to_json(plan: Plan) -> dict[str, Any]:
    """Bytes, tokens, hours and dollars as numbers."""
    architecture = plan.subject.architecture
    return {
        "model": plan.subject.name,
        "family": architecture.family,
        "parameters": architecture.parameters,
        "active_parameters": architecture.active_parameters,
        "not_known": list(architecture.unknown),
        "lora_parameters": plan.lora_parameters,
        "adapter_bytes": plan.adapter_bytes,
        "lengths": dataclasses.asdict(plan.lengths),
        "tokens": plan.tokens,
        "steps": plan.recipe.steps,
        "recipe": plan.recipe.to_json(),
        "peaks": {method: _memory_json(plan.peaks[method]) for method in METHODS},
        "planned": plan.planned,
        "step": _memory_json(plan.step),
        "cards": [_card_json(row) for row in plan.cards],
        "changes": [dataclasses.asdict(change) for change in plan.changes],
        "advice": [dataclasses.asdict(advice) for advice in plan.advice],
        "here": None if plan.here is None else _here_json(plan.here, plan.planned),
    }


def _memory_json(memory: Memory) -> dict[str, Any]:
    return {**dataclasses.asdict(memory), "peak": memory.peak}


def _card_json(row: CardPlan) -> dict[str, Any]:
    return {
        **dataclasses.asdict(row.card),
        "fits": [dataclasses.asdict(fit) for fit in row.fits],
        "best": None if row.best is None else row.best.method,
        "cards": None if row.best is None else row.best.cards,
        "hours": None if row.effort is None else list(row.effort.hours),
        "usd_total": None if row.effort is None or row.effort.usd is None else list(row.effort.usd),
    }


def _here_json(here: Here, method: Method) -> dict[str, Any]:
    return {
        "device": here.machine.hardware.device,
        "available": here.machine.available,
        "imports": here.machine.imports,
        "method": method,
        "dtype": here.recipe.dtype,
        "memory": _memory_json(here.memory),
        "fits": here.fits,
    }

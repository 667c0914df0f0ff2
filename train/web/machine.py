"""A plan as the page shows it: `planning.screen.to_json`, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.web.plots import Bars, bars

from ..planning.memory import PARTS
from ..planning.screen import LABELS, MOMENTS
from ..planning.workload import NAMES


@dataclass(frozen=True)
class HereSaid:
    """fits: on this machine. sentence: why, with figures"""

    fits: bool
    sentence: str


@dataclass(frozen=True)
class CardSaid:
    name: str
    memory: str
    takes: str
    hours: str
    money: str


def fits_here(plan: Mapping[str, Any]) -> HereSaid | None:
    """None where the machine could not be asked."""
    here = plan.get("here")
    if not here:
        return None
    needs = here["memory"]["peak"] + here["imports"]
    verdict = "fits" if here["fits"] else "does not fit"
    peak = MOMENTS[here["memory"]["moment"]]
    libraries = f", {gigabytes(here['imports'])} of them for the libraries" if here["imports"] else ""
    return HereSaid(
        bool(here["fits"]),
        f"{NAMES[here['method']]} in {here['dtype']} takes {gigabytes(needs)} at its peak{libraries}, and {verdict}: "
        f"{gigabytes(here['available'])} are free on this machine's {here['device']}. The peak is {peak}.",
    )


def parts_here(plan: Mapping[str, Any]) -> Bars | None:
    """Peak memory by part, on this machine; where it is not known, on a GPU."""
    here = plan.get("here")
    memory = here["memory"] if here else plan.get("peaks", {}).get(plan.get("planned"))
    if not memory:
        return None
    where = "on this machine" if here else "on a GPU"
    amounts = [(LABELS[part], memory[part] / 1e9) for part in PARTS if memory[part]]
    return bars(f"Peak memory {where}, GB", amounts, text="{:,.2f}")


def on_cards(plan: Mapping[str, Any]) -> list[CardSaid]:
    return [_card(card) for card in plan.get("cards", ())]


def _card(card: Mapping[str, Any]) -> CardSaid:
    memory = f"{card['memory'] / 1e9:.0f} GB"
    if card["best"] is None:
        return CardSaid(card["name"], memory, "does not fit, nor on eight", "", "")
    fit = next(fit for fit in card["fits"] if fit["method"] == card["best"])
    how = f"{NAMES[card['best']]}, {gigabytes(fit['peak'])}"
    takes = f"{how} on each of {card['cards']}" if card["cards"] > 1 else f"{how}{' (tight)' if fit['tight'] else ''}"
    return CardSaid(card["name"], memory, takes, _hours(card["hours"]), _money(card["usd_total"]))


def _hours(span: list[float] | None) -> str:
    if span is None:
        return ""
    low, high = span
    if high * 60 < 1:
        return "below 1 min"
    return f"{low:.1f} to {high:.1f} h" if high >= 1 else f"{low * 60:.0f} to {high * 60:.0f} min"


def _money(span: list[float] | None) -> str:
    if span is None:
        return "no price known"
    return "below $0.01" if span[1] < 0.01 else f"${span[0]:,.2f} to ${span[1]:,.2f}"


def gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"

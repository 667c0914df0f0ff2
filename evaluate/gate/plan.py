"""The items that a policy's proofs need, said before anything is scored.

Power is 4 in 5, as for the items that a gate names afterwards. How many items will flip is not known yet: on general
suites an eighth or a twelfth is usual between a base and its adapter, on a domain suite that is trained for a quarter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..statistics.absolute import items_to_tell
from ..statistics.items_needed import more_items
from ..suites.size import CHANGED_SHARE, detectable_difference, independent_items, items_to_prove
from ..wording import count, size
from .policy import Policy, Role, SuitePolicy
from .policy_words import least as share

GENERAL_CHANGED_SHARE = 0.08

GAIN = 0.1
"""On a domain suite; what an adapter that is worth its training reaches."""


ABOVE = 0.05
"""By so much the candidate is taken to score more than `min_score`, or by half of what is left to full score."""

WORTH_LESS = "items share clusters, or suites are of unequal size"


@dataclass(frozen=True)
class SuiteSize:
    """Items of one suite, and of its slices: how many, and what they are worth where items share a cluster."""

    items: int
    independent: float
    slices: Mapping[str, tuple[int, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedProof:
    """One proof of the policy.

    difference  the loss that is to be excluded, or the gain to be proved, as a share
    needed      independent items that probably do it; None where no number of items does
    items       that there are; None where the suite is not known
    for_pass    a PASS needs it, whatever else the policy says
    """

    what: str
    difference: float
    needed: int | None
    items: int | None
    enough: bool | None
    sentence: str
    for_pass: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "what": self.what,
            "difference": self.difference,
            "needed": self.needed,
            "items": self.items,
            "enough": self.enough,
            "sentence": self.sentence,
        }


def size_of(clusters: Sequence[str | None], slices: Sequence[str | None]) -> SuiteSize:
    """Of a suite whose items have these clusters and slices, in parallel."""
    rows: dict[str, list[str | None]] = {}
    for cluster, label in zip(clusters, slices, strict=True):
        if label is not None:
            rows.setdefault(label, []).append(cluster)
    parts = {label: (len(own), independent_items(own)) for label, own in rows.items()}
    return SuiteSize(len(clusters), independent_items(clusters), parts)


def plan(policy: Policy, sizes: Mapping[str, SuiteSize], kinds: Mapping[str, Role]) -> list[PlannedProof]:
    """sizes  of the suites that are known
    kinds  by suite, for a policy that names none
    """
    roles = policy.suites or {name: SuitePolicy(kind) for name, kind in kinds.items()}
    general = {name: role for name, role in roles.items() if role.role == "general"}
    guarded = [(name, role, part) for name, role in roles.items() for part in role.slices]
    return [
        *(_gain(name, role, policy, sizes.get(name)) for name, role in roles.items() if role.role == "domain"),
        *(
            _score(name, least, policy, sizes.get(name))
            for name, role in roles.items()
            if (least := policy.min_score_of(role)) is not None
        ),
        *([_margin(list(general), policy, sizes)] if general or not roles else []),
        *(_guardrail(name, role, policy, sizes.get(name)) for name, role in general.items()),
        *(_slice(*part, policy, sizes.get(part[0]), policy.alpha / len(guarded)) for part in guarded),
    ]


def _gain(name: str, role: SuitePolicy, policy: Policy, known: SuiteSize | None) -> PlannedProof:
    above = policy.min_gain_of(role)
    needed = items_to_prove(GAIN, policy.alpha)
    over = f" more than min_gain, {size(above)}," if above else ""
    said = f"{name}: about {_items(needed)} prove a gain of {size(GAIN)}{over} if {_flip(CHANGED_SHARE)}"
    if known is None:
        return PlannedProof(name, GAIN, needed, None, None, said, role.required)
    found = detectable_difference(known.independent, policy.alpha)
    can = "can prove none" if found is None else f"prove one of {size(round(found, 3))}"
    enough = _enough(known.independent, needed)
    return PlannedProof(name, GAIN, needed, known.items, enough, f"{said}; the {_worth(known)} {can}", role.required)


def _score(name: str, least: float, policy: Policy, known: SuiteSize | None) -> PlannedProof:
    above = min(ABOVE, (1 - least) / 2)
    needed = items_to_tell(least + above, least, policy.alpha)
    said = f"{name}: about {_items(needed)} prove a score above its min_score, {share(least)}"
    said += f", if the candidate scores {share(least + above)}"
    if known is None:
        return PlannedProof(name, above, needed, None, None, said, True)
    return PlannedProof(
        name, above, needed, known.items, _enough(known.independent, needed), f"{said}; there are {_worth(known)}", True
    )


def _margin(general: Sequence[str], policy: Policy, sizes: Mapping[str, SuiteSize]) -> PlannedProof:
    what = "average of the general suites"
    needed = items_to_exclude(policy.margin, policy.alpha, GENERAL_CHANGED_SHARE)
    said = f"{what}: about {_items(needed)} in all exclude a loss of {size(policy.margin)}"
    said += f" if ability is unchanged and {_flip(GENERAL_CHANGED_SHARE)}"
    if needed is not None and needed > policy.max_items:
        said += f", which is more than max_items, {policy.max_items:,}"
    known = [sizes[name] for name in general if name in sizes]
    if not known or len(known) < len(general):
        return PlannedProof(what, policy.margin, needed, None, None, said, True)
    items = sum(found.items for found in known)
    independent = len(known) ** 2 / sum(1 / max(found.independent, 1e-9) for found in known)
    worth = "" if independent > 0.95 * items else f", worth about {independent:,.0f}: {WORTH_LESS}"
    said += f"; there are {items:,}{worth}"
    return PlannedProof(what, policy.margin, needed, items, _enough(independent, needed), said, True)


def _guardrail(name: str, role: SuitePolicy, policy: Policy, known: SuiteSize | None) -> PlannedProof:
    loss = policy.guardrail_of(role)
    needed = items_to_exclude(loss, policy.alpha, GENERAL_CHANGED_SHARE)
    said = f"{name}: about {_items(needed)} exclude a loss beyond its guardrail, {size(loss)}"
    if known is None:
        return PlannedProof(name, loss, needed, None, None, said)
    said += f"; there are {_worth(known)}"
    return PlannedProof(name, loss, needed, known.items, _enough(known.independent, needed), said)


def _slice(
    name: str, role: SuitePolicy, part: str, policy: Policy, known: SuiteSize | None, harm_alpha: float
) -> PlannedProof:
    """harm_alpha: alpha over all guarded slices."""
    what = f"slice {part} of {name}"
    loss = policy.slice_guardrail(role, part)
    changed = CHANGED_SHARE if role.role == "domain" else GENERAL_CHANGED_SHARE
    needed = items_to_exclude(loss, policy.alpha, changed)
    beyond = max(loss, 0.05)
    harm = items_to_exclude(beyond, harm_alpha, max(changed, loss + beyond))
    said = (
        f"{what}: about {_items(needed)} exclude a loss beyond its guardrail, {size(loss)}; "
        f"about {_items(harm)} prove a loss of {size(loss + beyond)}, which blocks"
    )
    if known is None:
        return PlannedProof(what, loss, needed, None, None, said)
    items, independent = known.slices.get(part, (0, 0.0))
    return PlannedProof(what, loss, needed, items, _enough(independent, needed), f"{said}; there are {items:,}")


def items_to_exclude(loss: float, alpha: float, changed: float) -> int | None:
    """Independent paired items that exclude a loss, where the truth is no difference and `changed` of them flip.

    None for a loss of 0, which no number of items excludes.
    """
    found = more_items(1, changed, loss, alpha)
    return None if found is None else 1 + found


def _enough(independent: float, needed: int | None) -> bool:
    return needed is not None and independent >= needed


def _items(needed: int | None) -> str:
    return "no reasonable number of items would" if needed is None else count(needed, "item")


def _flip(share: float) -> str:
    return f"{100 * share:g} % of the items flip"


def _worth(known: SuiteSize) -> str:
    shared = known.independent <= 0.95 * known.items
    worth = f" (worth about {known.independent:,.0f}, since some share a cluster)" if shared else ""
    return f"{count(known.items, 'item')}{worth}"


def in_words(proofs: Sequence[PlannedProof], policy: Policy) -> str:
    """For a terminal."""
    words = {True: "enough", False: "too few", None: "needed"}
    lines = [f"before anything is scored, at alpha {policy.alpha:g} and with a chance of four in five:"]
    lines += [f"  {words[proof.enough]:7}  {proof.sentence}" for proof in proofs]
    if any(proof.enough is False for proof in proofs):
        lines.append("with too few items harm can still be proved where it is large; a PASS needs the first two kinds")
    return "\n".join(lines)

"""What a policy asks, in its own words: the same in reasons, tables and pages, so that one can be held against another.

The words are those of the keys: `margin`, `guardrail` and `min_gain` (docs/gate.md).
"""

from __future__ import annotations

from typing import Literal

from ..wording import confidence, percent, signed, size
from .policy import Policy, Role


def gain(min_gain: float) -> str:
    """What must be proved of a domain suite."""
    return f"a gain above the min_gain of {size(min_gain)}" if min_gain else "a gain"


def loss(beyond: Literal["margin", "guardrail"], bound: float) -> str:
    """What must be excluded, or blocks once it is proved."""
    return f"a loss beyond the {beyond} of {size(bound)}"


def least(min_score: float) -> str:
    """0.8 -> '80 %', as it is written in the policy."""
    return confidence(min_score)


def asked_of(role: Role, bound: float) -> str:
    """Of one suite. bound: its min_gain on a domain suite, its guardrail on a general one"""
    return gain(bound) if role == "domain" else loss("guardrail", bound)


def purpose(role: Role, policy: Policy, *, required: bool) -> str:
    """What the verdict makes of what is shown about one suite."""
    if role == "domain":
        return "a PASS needs the proof" if required else "optional"
    if policy.require_guardrail_proof:
        return "a PASS needs it excluded"
    return "blocks once it is proved"


def asked(policy: Policy) -> tuple[str, ...]:
    """What a policy asks and what blocks, a sentence each."""
    average = f"{loss('margin', policy.margin)} of the average over the general suites must be excluded"
    if policy.question == "regression":
        wanted = f"General ability alone is asked about: for a PASS {average}."
    else:
        wanted = (
            f"A PASS needs {gain(policy.min_gain)} proved on each required domain suite, and a gain over its commonest "
            f"answer given to every item; and {average}."
        )
    scores = [f"{name} {least(s.min_score)}" for name, s in policy.suites.items() if s.min_score is not None]
    if policy.min_score is not None:
        scores.insert(0, f"each required domain suite {least(policy.min_score)}, unless it has one of its own")
    scored = (
        (f"A score above its min_score must be proved ({', '.join(scores)}), and less blocks once that is proved.",)
        if scores
        else ()
    )
    also = ", and for a PASS it must be excluded" if policy.require_guardrail_proof else ""
    guardrail = loss("guardrail", policy.guardrail)
    blocks = (
        f"{guardrail[0].upper()}{guardrail[1:]} on one suite, unless it has a guardrail of its own, blocks once it is "
        f"proved{also}; so does one on a slice that the policy names."
    )
    limited = (
        (f"More than {policy.max_kl:g} nats (max_kl) of KL to the base must be excluded.",) if policy.max_kl else ()
    )
    shared = (
        f"Each proof is one-sided, at {percent(policy.alpha)}; what blocks shares that, since one of several is enough."
    )
    return (wanted, *scored, blocks, *limited, shared)


def rules_in_words(policy: Policy) -> str:
    """The bounds of a policy in one line."""
    bounds = {"margin": policy.margin, "guardrail": policy.guardrail, "min_gain": policy.min_gain}
    said = [f"{key} {size(bound)}" for key, bound in bounds.items() if bound]
    if policy.min_score is not None:
        said.append(f"min_score {least(policy.min_score)}")
    said.append(f"alpha {percent(policy.alpha)}")
    return ", ".join([*said, *(["question regression"] if policy.question == "regression" else [])])


def at_worst(limit: float | None) -> str:
    """After a difference: the lower limit of the proof; '' where there is none."""
    return "" if limit is None else f", at worst {signed(limit)}"


def at_best(limit: float | None) -> str:
    """The same of the upper limit, which a proof of harm is made with."""
    return "" if limit is None else f", at best {signed(limit)}"

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..outputs.facts import FactSource, facts_in
from ..scorer import scorer


def _validate(settings: Mapping[str, Any]) -> None:
    if settings.get("least", 1) < 1:
        raise ValueError("least should be 1 or more: an output without facts must not do well")


@scorer(text_reference=True, needs=("source",), validate=_validate)
def quoted_facts(output: str, reference: str, *, source: str, least: int = 1) -> float:
    """The share of the output's numbers, codes, names and quotations that stand in the item's `source`.

    For answers that must be taken from a document. No key is needed: the reference is an answer whose facts are all in
    the source. An output with fewer facts than `least` scores 0, since one that says nothing must not do well. It
    shows that nothing was made up, not that the question was answered: put the question's own names into `source`, and
    let another suite ask for the answer. A number that was computed is not in the source.
    """
    facts = facts_in(output)
    if len(facts) < least:
        return 0.0
    looked_up = FactSource(source)
    return sum(map(looked_up.holds, facts)) / len(facts)

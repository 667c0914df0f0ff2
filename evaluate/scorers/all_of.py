from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from assay.records import Json

from ..scorer import SCORERS, ReadyScorer, make_scorer, scorer


class Demand(NamedTuple):
    """One thing that is asked of an output."""

    scorer: ReadyScorer
    reference: str


@scorer(is_answer=False)
def all_of(output: str, reference: str, *, partial_credit: bool = True) -> float:
    """The share of an item's demands that the output meets, each judged by a scorer.

    For instructions that can be checked. The reference is a JSON list, one object a demand, with the name of a scorer,
    its settings, and its own `reference` where it needs one:
    `[{"scorer": "length", "most_words": 30}, {"scorer": "regex", "reference": "Yours$"}]`. A demand is met where its
    scorer gives 1. Without `partial_credit` only an output that meets all of them counts. An empty output meets none.
    """
    demands = demands_of(reference)
    if not output.strip():
        return 0.0
    met = sum(demand.scorer(output, demand.reference) == 1.0 for demand in demands)
    return met / len(demands) if partial_credit else float(met == len(demands))


@lru_cache(maxsize=4096)
def demands_of(reference: str) -> tuple[Demand, ...]:
    """Raises ValueError for what is no list of demands, AssayError for a scorer or setting that does not exist."""
    given = json.loads(reference)
    if not isinstance(given, list) or not given or not all(isinstance(demand, dict) for demand in given):
        raise ValueError("the reference should be a JSON list of demands, each an object")
    return tuple(_demand(demand) for demand in given)


def _demand(given: Mapping[str, Json]) -> Demand:
    settings = dict(given)
    name, own = settings.pop("scorer", None), settings.pop("reference", "")
    if not isinstance(name, str) or not isinstance(own, str):
        raise ValueError("a demand has a `scorer`, and its `reference` is text")
    found = SCORERS.get(name)
    if found.by_likelihood or found.needs or found.runs_code or name == "all_of":
        raise ValueError(f"'{name}' cannot judge a demand: it needs more than an output and a reference")
    return Demand(make_scorer(name, settings, f"demand of {name}"), own)

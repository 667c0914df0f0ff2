"""What a run will cost, before anything is asked: a range, since nobody knows how many answers will be refused."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

from assay.calls.pricing import most_input_tokens, worst_usd
from assay.dataset import Dataset
from assay.errors import SettingsError
from assay.protocols import GenerationRequest, Price
from assay.registry import check_settings, settings_of

from ..asking import judging
from ..generator import GENERATORS, count_of
from ..provider import priced
from ..settings import SynthSettings
from ..verifier import steps

SAMPLE = 64

CHARACTERS_A_TOKEN = 4.0
"""Of English text with the tokenizers in use; other languages take more tokens, which the range allows for."""

USED = 0.4
"""Of max_tokens, by a usual answer."""

LIKELY_RATE = 0.6
LEAST_RATE = 0.2
"""Of answers that become records."""


@dataclass(frozen=True)
class Case:
    """One end of the range, or its middle."""

    requests: int
    input_tokens: int
    output_tokens: int
    usd: float


@dataclass(frozen=True)
class Estimate:
    """low     every answer becomes a record, and answers are short
    likely  three in five do
    high    one in five does, prompts have as many tokens as they can and answers as many as they may
    jobs    requests that the methods can plan from these seeds, where fewer than are wanted; None: enough
    judge   who judges and at what price, in words; None: nobody
    """

    low: Case
    likely: Case
    high: Case
    jobs: int | None
    max_usd: float
    max_requests: int
    judge: str | None = None

    @property
    def may_stop_short(self) -> bool:
        return self.high.usd > self.max_usd or self.high.requests > self.max_requests or self.jobs is not None

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "may_stop_short": self.may_stop_short}


def estimate(seeds: Dataset, settings: SynthSettings, price: Price) -> Estimate:
    """From the first jobs of each method, planned as they would be asked. Raises SettingsError, UnknownNameError."""
    records = list(seeds.records())
    asked, judgements = _asks_a_record(settings)
    judge = judging.judge_settings(settings)
    its_price = judging.judge_price(settings).price if judgements else price
    cases = [[0, 0.0, 0.0, 0.0] for _ in range(3)]
    short: int | None = None
    for name, given in settings.methods.items():
        plugin = GENERATORS.get(name)
        arguments = check_settings(plugin, given, f"synth.methods.{name}")
        count = count_of(name, arguments)
        planned = plugin.function(records, settings, **arguments)
        sample = [job.request for job in islice(planned, SAMPLE)]
        if not sample:
            short = short or 0
            continue
        if len(sample) < SAMPLE and len(sample) < count:
            short = (short or 0) + len(sample)
            count = len(sample)
        for case, rate, kind in zip(cases, (1.0, LIKELY_RATE, LEAST_RATE), ("low", "likely", "high"), strict=True):
            _add(case, math.ceil(count / rate) + count * asked, sample, price, kind)
            judged = [replace(request, max_tokens=judge.max_tokens) for request in sample]
            _add(case, count * judgements, judged, its_price, kind)
    low, likely, high = (Case(int(case[0]), round(case[1]), round(case[2]), case[3]) for case in cases)
    said = judging.in_words(settings)
    return Estimate(low, likely, high, short, settings.max_usd, settings.max_requests, said)


def _asks_a_record(settings: SynthSettings) -> tuple[int, int]:
    """Requests that verification adds to a record, to the writer and to the judge: one a step that asks, or as many as
    its `k` says. Raises SettingsError for none."""
    asked = [0, 0]
    for step in steps(settings):
        if step.verifier.asks:
            defaults = {each.name: each.default for each in settings_of(step.verifier)}
            given: Mapping[str, Any] = step.arguments
            answers = int(given.get("k", defaults.get("k", 1)))
            if answers < 1:
                raise SettingsError(f"k is {answers}, but should be 1 or more", where=f"synth.verify.{step.name}")
            asked[step.verifier.judges] += answers
    return asked[0], asked[1]


def _add(case: list[float], requests: int, sample: Sequence[GenerationRequest], price: Price, kind: str) -> None:
    """A request of verification is taken to be about as long as one of the method."""
    characters = sum(len(message.content or "") for request in sample for message in request.messages) / len(sample)
    most = sum(request.max_tokens for request in sample) / len(sample)
    if kind == "high":
        read = sum(most_input_tokens(request) for request in sample) / len(sample)
        usd, written = sum(worst_usd(request, price) for request in sample) / len(sample), most
    else:
        read = characters / CHARACTERS_A_TOKEN
        written = most * (USED / 2 if kind == "low" else USED)
        usd = (read * price.input + written * price.output) / 1e6
    case[0] += requests
    case[1] += requests * read
    case[2] += requests * written
    case[3] += requests * usd


def foretold_cost(seeds: Dataset, settings: SynthSettings) -> str:
    """The estimate for a person. Raises SettingsError for a paid model without a price, UnknownNameError."""
    price = priced(settings)
    return in_words(estimate(seeds, settings, price.price), price.price, price.of)


def in_words(found: Estimate, price: Price, of: str) -> str:
    """Lines for a person. of: where the price comes from."""
    cases = (("at least", found.low), ("likely", found.likely), ("at most", found.high))
    lines = [f"Price: ${price.input:g} in, ${price.output:g} out, a million tokens ({of})."]
    lines += [found.judge] if found.judge else []
    lines += [
        f"{name:>8}: {case.requests:,} requests, {case.input_tokens:,} tokens in, {case.output_tokens:,} out, "
        f"${case.usd:.4f}"
        for name, case in cases
    ]
    lines.append(f"Cap: ${found.max_usd:.2f} and {found.max_requests:,} requests; neither is ever passed.")
    if found.jobs is not None:
        lines.append(f"These seeds give {found.jobs:,} requests, fewer than the records that are wanted.")
    elif found.may_stop_short:
        lines.append("It may stop at the cap before it has all records; what there is by then is kept.")
    return "\n".join(lines)

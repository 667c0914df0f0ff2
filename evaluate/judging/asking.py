"""Puts questions to a judge: what it costs is estimated first and capped, and no answer is paid for twice."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

from assay.calls.caller import Caller, worst_usd
from assay.calls.journal import Journal, Spent
from assay.errors import ProviderError
from assay.protocols import Generation, GenerationRequest, Price, Provider

from ..suites.proposal import estimated_tokens
from ..wording import count
from .questions import key_of
from .settings import JudgeSettings

TYPICAL_REPLY = 60
"""Tokens of a reply of one sentence and a verdict, for estimates."""

MakeJudge: TypeAlias = Callable[[JudgeSettings], tuple[Provider, Price]]


@dataclass(frozen=True)
class Judges:
    """What the command hands in. make: provider and price of a judge; folder: where journals are kept."""

    make: MakeJudge
    folder: Path


class Cost(NamedTuple):
    """Of requests that would be sent, in dollars: about, and at most. Of each only the cap on its tokens is sure."""

    requests: int
    about_usd: float
    most_usd: float

    def __str__(self) -> str:
        if self.most_usd == 0:
            return f"{count(self.requests, 'request')}, free of charge"
        return f"{count(self.requests, 'request')}, about ${self.about_usd:.4f} and at most ${self.most_usd:.4f}"


def cost_of(requests: Iterable[GenerationRequest], price: Price) -> Cost:
    """Were none of them answered before."""
    asked, about, most = 0, 0.0, 0.0
    for request in requests:
        tokens = sum(estimated_tokens(message.content or "") for message in request.messages)
        asked += 1
        about += (tokens * price.input + min(TYPICAL_REPLY, request.max_tokens) * price.output) / 1e6
        most += worst_usd(request, price)
    return Cost(asked, about, most)


def journal_path(folder: Path, suite: str) -> Path:
    """One a suite, whose cap it holds."""
    plain = re.sub(r"[^\w-]+", "_", suite)[:40]
    return folder / f"judge-{plain}-{hashlib.sha256(suite.encode()).hexdigest()[:8]}.sqlite"


@dataclass(frozen=True)
class Answered:
    """replies: by key, with what each cost in tokens; capped: the cap ended it before all were asked."""

    replies: dict[str, Generation]
    capped: bool
    spent: Spent


def ask(
    requests: Sequence[GenerationRequest],
    settings: JudgeSettings,
    make: Callable[[], tuple[Provider, Price]],
    journal: Path,
    say: Callable[[str], None],
) -> Answered:
    """What is in the journal is read, and the rest is asked within the caps.

    make  provider and price; called only where something is to be asked
    say   told what the rest will cost before it is asked, and what was spent after

    Raises ProviderRefusedError when the server turns assay away, and ProviderError when it does not answer though the
    caps would allow it: asked again, only what is missing is sent.
    """
    unique = {key_of(request, settings): request for request in requests}
    with Journal(journal, max_requests=settings.max_requests, max_usd=settings.max_usd) as book:
        replies = book.answers(list(unique))
        missing = {key: request for key, request in unique.items() if key not in replies}
        if not missing:
            return Answered(replies, False, book.spent())
        provider, price = make()
        before = f"; {count(len(replies), 'request')} answered before" if replies else ""
        say(f"judge {settings.name}: {cost_of(missing.values(), price)}{before}; the cap is {cap(settings)}")
        caller = Caller(provider, book, price, settings.max_retries, journal_name=settings.journal_name, say=say)
        answers = caller.ask(list(missing.values()), _Told(len(missing), say))
        spent = book.spent()
        say(f"judge {settings.name}: ${spent.usd:.4f} charged for {count(spent.requests, 'request')} in all")
    replies |= {key: answer for key, answer in zip(missing, answers, strict=True) if answer is not None}
    open_ones = [request for key, request in missing.items() if key not in replies]
    capped = bool(open_ones) and (
        spent.requests >= settings.max_requests
        or any(spent.usd + worst_usd(request, price) > settings.max_usd for request in open_ones)
    )
    if open_ones and not capped:
        raise ProviderError(
            f"the judge {settings.name} left {count(len(open_ones), 'request')} of {len(unique)} without an answer",
            fix="run it again: what was answered is kept, and is not asked again",
        )
    return Answered(replies, capped, spent)


def cap(settings: JudgeSettings) -> str:
    return f"${settings.max_usd:.2f} and {count(settings.max_requests, 'request')}"


class _Told:
    """Progress, in tenths."""

    def __init__(self, requests: int, say: Callable[[str], None]) -> None:
        self.requests, self.say, self.tenths = requests, say, 0

    def __call__(self, answered: int) -> None:
        tenths = 10 * answered // max(1, self.requests)
        if tenths > self.tenths and self.requests >= 20:
            self.tenths = tenths
            self.say(f"judge: {answered:,} of {count(self.requests, 'request')} answered")

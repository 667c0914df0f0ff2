"""Sends requests through the journal: what is answered is read, what is not is asked within the caps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from assay.calls.asking import Unanswered, Work
from assay.calls.batches import ask_in_batches
from assay.calls.collecting import seldom_collected
from assay.calls.elsewhere import settled
from assay.calls.event_loop import run_async
from assay.calls.journal import Journal, request_key
from assay.calls.pricing import worst_usd
from assay.calls.reserving import in_a_job
from assay.calls.sending import send
from assay.protocols import BatchProvider, Generation, GenerationRequest, Price, Provider, RestoringProvider

__all__ = ["Caller", "worst_usd"]


@dataclass(frozen=True)
class Caller:
    """A provider behind its journal. `sleep` stands apart so that a test can watch the waiting.

    journal_name  of the provider in the journal's keys, where its own does not tell two servers apart
    say           told which process is waited for
    unanswered    tells, after `ask`, why an answer is missing
    """

    provider: Provider
    journal: Journal
    price: Price
    max_retries: int
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    journal_name: str | None = None
    say: Callable[[str], None] = lambda line: None
    unanswered: Unanswered = field(default_factory=Unanswered)

    def ask(
        self, requests: Sequence[GenerationRequest], answered: Callable[[int], None] = lambda _: None
    ) -> list[Generation | None]:
        """One answer a request, in order; None where the budget ended or the retries did.

        Equal requests, which records that stand twice in the data make, are asked once and share their answer. What
        another process asks for through the same journal is waited for.

        answered  told again and again how many of the requests have their answer now

        Raises ProviderRefusedError, after the answers under way are written, when asking again cannot help; RunError
        where a batch job that is under way will answer them.
        """
        name = self.journal_name or self.provider.name
        keys = [request_key(name, self.provider.model, request) for request in requests]
        work = Work(answered)
        work.known.update(self.journal.answers(list(dict.fromkeys(keys))))
        for key, request in zip(keys, requests, strict=True):
            if key not in work.known:
                work.missing[key] = request
            work.times[key] = work.times.get(key, 0) + 1
        work.count = sum(work.times[key] for key in work.known)
        if work.missing:
            if not isinstance(self.provider, BatchProvider):
                self._check_not_in_jobs(work)
            with seldom_collected():
                run_async(lambda: self._ask_missing(work))
        if work.refusal is not None:
            raise work.refusal
        answers = [work.known.get(key) for key in keys]
        if not isinstance(self.provider, RestoringProvider):
            return answers
        restore = self.provider.restore
        return [answer and restore(request, answer) for request, answer in zip(requests, answers, strict=True)]

    def _check_not_in_jobs(self, work: Work) -> None:
        """What a batch job will answer would be paid for twice. Raises RunError."""
        jobs = self.journal.open_batches(f"{self.provider.name} {self.provider.model}")
        there = sum(key in work.missing for job in jobs for key in job.attempts)
        if there:
            raise in_a_job(there)

    async def _ask_missing(self, work: Work) -> None:
        if isinstance(self.provider, BatchProvider):
            work.refusal = await ask_in_batches(self, self.provider, work.missing, work.tell)
            return
        keys = list(work.missing)
        while keys:
            elsewhere = await send(self, work, keys)
            if work.refusal is not None:
                return
            keys = await settled(self, elsewhere, work.tell)

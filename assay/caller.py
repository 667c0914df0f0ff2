"""Sends requests through the journal: what is answered is read, what is not is asked within the caps."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from assay.errors import BudgetError, ProviderError, ProviderRefusedError
from assay.journal import Journal, request_key
from assay.protocols import Generation, GenerationRequest, Price, Provider

MAX_BACKOFF_SECONDS = 30.0
TOKENS_A_MESSAGE = 16
"""More than any provider adds to a message for roles and separators."""


@dataclass(frozen=True)
class Caller:
    """A provider behind its journal. `sleep` stands apart so that a test can watch the waiting."""

    provider: Provider
    journal: Journal
    price: Price
    max_retries: int
    sleep: Callable[[float], None] = time.sleep

    def ask(
        self, requests: Sequence[GenerationRequest], answered: Callable[[int], None] = lambda _: None
    ) -> list[Generation | None]:
        """One answer a request, in order; None where the budget ended or the retries did.

        Equal requests, which records that stand twice in the data make, are asked once and share their answer.

        answered  told, batch after batch, how many of the requests have their answer now

        Raises ProviderRefusedError, after the answers under way are written, when asking again cannot help.
        """
        keys = [request_key(self.provider.name, self.provider.model, request) for request in requests]
        known = {key: self.journal.answer(key) for key in dict.fromkeys(keys)}
        missing = {key: request for key, request in zip(keys, requests, strict=True) if known[key] is None}
        size, waiting = self.provider.batch_size, list(missing)
        batches = [waiting[start : start + size] for start in range(0, len(waiting), size)]
        hopeless = threading.Event()
        with ThreadPoolExecutor(max_workers=self.provider.concurrency) as pool:
            futures = [
                pool.submit(self._ask_batch, batch, [missing[key] for key in batch], hopeless) for batch in batches
            ]
            refusal: ProviderRefusedError | None = None
            for batch, future in zip(batches, futures, strict=True):
                try:
                    known.update(zip(batch, future.result(), strict=True))
                    answered(sum(known[key] is not None for key in keys))
                except BudgetError:
                    continue
                except ProviderRefusedError as error:
                    refusal = refusal or error
        if refusal is not None:
            raise refusal
        return [known[key] for key in keys]

    def _ask_batch(
        self, keys: list[str], requests: list[GenerationRequest], hopeless: threading.Event
    ) -> list[Generation | None]:
        for retry in range(self.max_retries + 1):
            if hopeless.is_set():
                break
            attempts = self._reserve(keys, requests)
            try:
                generations = self.provider.generate(requests)
            except ProviderRefusedError:
                hopeless.set()
                self._fail(attempts, charged=False)
                raise
            except ProviderError as error:
                self._fail(attempts, charged=error.may_have_run)
                if retry < self.max_retries:
                    self.sleep(_backoff(retry, error.retry_after))
                continue
            for attempt, generation in zip(attempts, generations, strict=True):
                self.journal.record_answer(attempt, generation, self._cost(generation))
            return list(generations)
        return [None] * len(requests)

    def _reserve(self, keys: list[str], requests: list[GenerationRequest]) -> list[int]:
        attempts: list[int] = []
        try:
            for key, request in zip(keys, requests, strict=True):
                attempts.append(self.journal.reserve(key, worst_usd(request, self.price)))
        except BudgetError:
            self._fail(attempts, charged=False)
            raise
        return attempts

    def _fail(self, attempts: list[int], *, charged: bool) -> None:
        for attempt in attempts:
            self.journal.record_failure(attempt, charged=charged)

    def _cost(self, generation: Generation) -> float:
        return (generation.input_tokens * self.price.input + generation.output_tokens * self.price.output) / 1e6


def worst_usd(request: GenerationRequest, price: Price) -> float:
    """Upper bound of what a request can cost in dollars.

    A byte-level tokenizer makes at most one token of a byte, so the bytes of the text bound the input.
    """
    most_input = sum(len((m.content or "").encode()) + TOKENS_A_MESSAGE for m in request.messages)
    return (most_input * price.input + request.max_tokens * price.output) / 1e6


def _backoff(retry: int, retry_after: float) -> float:
    """Full jitter, doubling; never sooner than the server asked."""
    jittered = random.uniform(0, min(MAX_BACKOFF_SECONDS, 0.5 * 2**retry))
    return max(jittered, retry_after)

"""Carries out the plans of jobs: what each asks next is asked of all of them at once, wave after wave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.calls.caller import Caller
from assay.protocols import Generation, GenerationRequest

from ..generator import Ask, Draft, Outcome, Poll, Refused


@dataclass(frozen=True)
class Done:
    """Where a plan ended. outcome is None where the budget or the retries ended first.

    answers  every answer that it took, in the order asked
    """

    outcome: Draft | Refused | None
    answers: tuple[Generation, ...]


def carry_out(caller: Caller, outcomes: Sequence[Outcome]) -> list[Done]:
    """Asks until every outcome is a draft or a refusal. In order.

    An answer that was cut or declined ends its plan, unless it is one of a poll.
    Raises ProviderRefusedError, when asking again cannot help; what was answered is in the journal.
    """
    current: list[Outcome | None] = list(outcomes)
    answers: list[list[Generation]] = [[] for _ in outcomes]
    while True:
        asks = {index: outcome for index, outcome in enumerate(current) if isinstance(outcome, Ask | Poll)}
        if not asks:
            break
        requests: list[GenerationRequest] = [request for ask in asks.values() for request in ask.requests]
        received = iter(caller.ask(requests))
        for index, ask in asks.items():
            own = [next(received) for _ in ask.requests]
            answers[index] += [answer for answer in own if answer is not None]
            current[index] = _next(ask, own)
    return [
        Done(None if isinstance(outcome, Ask | Poll) else outcome, tuple(own))
        for outcome, own in zip(current, answers, strict=True)
    ]


DECLINED = Refused("refusal", "the model or its provider declined to answer")


def unusable(answer: Generation) -> Refused | None:
    """Why nothing can be made of an answer, whatever it says: half an answer is none, and a refusal is none."""
    if answer.stop_reason == "length":
        return Refused("cut", "an answer was cut at max_tokens")
    if answer.stop_reason == "refusal":
        return DECLINED
    return None


def _next(ask: Ask | Poll, answers: Sequence[Generation | None]) -> Outcome | None:
    """None where an answer is missing."""
    came = [answer for answer in answers if answer is not None]
    if len(came) < len(answers):
        return None
    faults = [unusable(answer) for answer in came]
    if isinstance(ask, Poll):
        return ask.then([None if fault else answer.text for answer, fault in zip(came, faults, strict=True)])
    return next((fault for fault in faults if fault is not None), None) or ask.then([answer.text for answer in came])

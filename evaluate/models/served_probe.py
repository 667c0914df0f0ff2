"""Is what answers on a server what was asked for? A probe of each of its models, before an item is scored.

A server tells little of what it holds. What it says is kept, and so is what each model makes of a probe: the
log-likelihoods of a text, where it gives them, and a greedy answer. They show that the candidate is not the base, and
they name kept answers: a model that was changed under its old name answers the probe otherwise, and is asked anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.errors import ModelError

from ..evaluation import ModelName
from .served_client import NO_LIKELIHOODS, chat_prompt, check_length, choices_of, echoed_logprobs, listening
from .server import Api, ServedModel, Server, ServerStatusError, server_errors
from .switched_model import PROBE

if TYPE_CHECKING:
    from assay.chat import ChatTarget

ANSWER_TOKENS = 32
"""Of the greedy answer to the probe."""


@dataclass(frozen=True)
class Probe:
    """What a model makes of a text.

    logprobs    of the text's tokens but the first; None where the server does not give them, and then `why`
    answer      the beginning of its greedy answer
    answered_as, system_fingerprint  as the response says
    """

    logprobs: tuple[float, ...] | None
    why: str | None
    answer: str
    answered_as: str | None
    system_fingerprint: str | None

    @property
    def sha256(self) -> str:
        """To a hundredth: what batches and kernels do to the last digits names no other model."""
        logprobs = None if self.logprobs is None else [round(value, 2) for value in self.logprobs]
        return hashlib.sha256(json.dumps([logprobs, self.answer]).encode()).hexdigest()


@dataclass(frozen=True)
class Known:
    """A server, and what each of its models made of the probe."""

    server: Server
    probes: Mapping[ModelName, Probe]

    def to_json(self) -> dict[str, Any]:
        """For `Evaluation.identity["server"]`."""
        return {
            "base_url": self.server.base_url,
            "api": self.server.api,
            "models": {
                arm: {
                    "name": model.name,
                    **({"base_url": model.url} if model.url != self.server.base_url else {}),
                    **model.said,
                    "answered_as": self.probes[arm].answered_as,
                    "system_fingerprint": self.probes[arm].system_fingerprint,
                    "probe_sha256": self.probes[arm].sha256,
                }
                for arm, model in self.server.models.items()
            },
        }

    def check(self) -> None:
        """Raises ModelError where one model answered for another."""
        served = {(model.url, model.name): arm for arm, model in self.server.models.items()}
        for arm, model in self.server.models.items():
            other = served.get((model.url, self.probes[arm].answered_as or ""))
            if other is not None and other != arm:
                raise ModelError(
                    f"asked for '{model.name}', '{self.probes[arm].answered_as}' answered: the server does not switch "
                    "between its models",
                    where=model.url,
                )
        for arm in self.server.models:
            if arm != "base" and self.difference(arm) == 0.0:
                raise ModelError(
                    f"'{self.server.models[arm].name}' gives every token of a probe the likelihood that the base gives "
                    "it: the adapter is not in effect on the server",
                    where=self.server.models[arm].url,
                    fix="load the adapter there under this name",
                )

    def difference(self, arm: ModelName) -> float | None:
        """The largest of a log-likelihood to the base's; None where the server gives none."""
        base, other = self.probes["base"].logprobs, self.probes[arm].logprobs
        if base is None or other is None:
            return None
        return max((abs(a - b) for a, b in zip(base, other, strict=True)), default=0.0)


def probe(client: Any, api: Api, target: ChatTarget, model: ServedModel) -> Probe:
    """Two requests. Raises ModelError for a server that answers neither, or reads the probe as another text."""
    if api == "chat":
        conversation = json.dumps([{"role": "user", "content": PROBE}])
        response = _answer(client, [chat_prompt(conversation)], model)
        return _probe(response, None, "a chat endpoint gives no log-likelihoods of a prompt", chat=True)
    ids = [int(token) for token in target.tokenizer.encode(PROBE)]
    response = _answer(client, [ids], model)
    echoed = _echoed(client, ids, model)
    if isinstance(echoed, str):
        return _probe(response, None, echoed, chat=False)
    return _probe(response, echoed, None, chat=False)


def _probe(response: Mapping[str, Any], logprobs: tuple[float, ...] | None, why: str | None, *, chat: bool) -> Probe:
    (choice,) = choices_of(response)
    answer = str(choice["message"].get("content") or "") if chat else str(choice["text"])
    return Probe(logprobs, why, answer, _text(response.get("model")), _text(response.get("system_fingerprint")))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _answer(client: Any, prompt: Sequence[Any], model: ServedModel) -> Mapping[str, Any]:
    with listening() as heard, server_errors(model.url, heard):
        response = client.model_call(prompt, generate=True, gen_kwargs={"max_gen_toks": ANSWER_TOKENS})
        choices_of(response)[0]
    if not isinstance(response, Mapping):
        raise ModelError(f"'{model.name}' gives no answer", where=model.url)
    return response


def _echoed(client: Any, ids: Sequence[int], model: ServedModel) -> tuple[float, ...] | str:
    """Of the probe's tokens but the first; or why the server gives none. Raises ModelError for another tokenizer."""
    try:
        with listening() as heard, server_errors(model.url, heard):
            (choice,) = choices_of(client.model_call([list(ids)], generate=False))
    except ServerStatusError as error:
        return error.what
    logprobs = echoed_logprobs(choice)
    if logprobs is None:
        return NO_LIKELIHOODS
    check_length(logprobs, len(ids), f"'{model.name}'")
    text = str(choice.get("text") or "")
    if _letters(PROBE) not in _letters(text):
        raise ModelError(
            f"'{model.name}' reads the tokens of a text as another ({text[:40]!r}): its tokenizer is not that of "
            "--model",
            where=model.url,
        )
    return tuple(float(value) for value in logprobs[1 : len(ids)])


def _letters(text: str) -> str:
    return "".join(text.split())

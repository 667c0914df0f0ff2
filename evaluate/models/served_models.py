"""Models on an OpenAI-compatible server (`--backend openai`), asked through lm-eval's own clients."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assay.errors import SuiteError

from ..evaluation import AdapterEvidence, ModelName
from .engine import Done, Limits
from .generation import Generated, Prompt, Stopping
from .likelihood import Likelihood, Request
from .lm_eval_model import AssayLM, generation_settings
from .served_client import Text, chat_prompt, likelihoods, make_client, texts
from .served_probe import Known, probe
from .server import Server

if TYPE_CHECKING:
    from assay.chat import ChatTarget

    from ..settings import EvaluateSettings

CHUNK = 8
"""Requests for each that is under way at once, before progress is told."""

MOST_STOPS = 4
"""Stop texts that OpenAI takes; answers are cut at all of them here."""


@dataclass
class ServedModels:
    """One client a model; which of them is asked is what is switched."""

    known: Known
    clients: Mapping[ModelName, Any]
    current: ModelName = "base"

    @property
    def adapters(self) -> frozenset[str]:
        return frozenset(self.clients) - {"base"}

    @contextlib.contextmanager
    def switched_to(self, name: ModelName) -> Iterator[None]:
        """Within the block the model answers as `name`."""
        before, self.current = self.current, name
        try:
            yield
        finally:
            self.current = before

    @property
    def client(self) -> Any:
        return self.clients[self.current]

    @property
    def url(self) -> str:
        return self.known.server.models[self.current].url

    @property
    def why_no_likelihoods(self) -> str | None:
        """None where every model gives those of a prompt."""
        return next((probe.why for probe in self.known.probes.values() if probe.why is not None), None)

    def evidence(self, changed: Mapping[ModelName, float]) -> dict[str, AdapterEvidence]:
        """What a server can show of an adapter: that the probe's tokens, or else its answers, are not the base's.

        changed  the share of answers that differ from the base's, for each model
        """
        found: dict[str, AdapterEvidence] = {}
        for arm in self.clients:
            if arm == "base":
                continue
            difference = self.known.difference(arm)
            shown = changed.get(arm, 0.0) if difference is None else difference
            found[arm] = AdapterEvidence(0, math.isfinite(shown), True, shown)
        return found


def connect(server: Server, target: ChatTarget, settings: EvaluateSettings) -> ServedModels:
    """A client for each model, each probed. Raises ModelError where one is not what was asked for."""
    limits = context(server, target, settings)
    clients: dict[ModelName, Any] = {}
    for arm, model in server.models.items():
        clients[arm] = make_client(model, target, settings, limits)
    probes = {arm: probe(client, server.api, target, server.models[arm]) for arm, client in clients.items()}
    known = Known(server, probes)
    known.check()
    return ServedModels(known, clients)


def context(server: Server, target: ChatTarget, settings: EvaluateSettings) -> int:
    """Tokens of prompt and answer, by the settings or else the shorter of what server and model say."""
    if settings.max_length is not None:
        return settings.max_length
    known = [length for length in (server.context_length, target.context_length) if length is not None]
    return min(known, default=2048)


def limits_of(models: ServedModels, target: ChatTarget, settings: EvaluateSettings) -> Limits:
    server = models.known.server
    sent = "conversations" if server.api == "chat" else "tokens" if settings.tokenized_requests else "text"
    return Limits(settings.batch_tokens, context(server, target, settings), f"openai, {server.api}, {sent}")


@dataclass(frozen=True)
class ServedCompletions:
    """An `Engine` over `/completions`. extra: what the server is asked for beside what OpenAI knows."""

    models: ServedModels
    target: ChatTarget
    at_once: int
    extra: Mapping[str, Any]

    def likelihoods(self, requests: Sequence[Request], done: Done) -> list[Likelihood]:
        why = self.models.why_no_likelihoods
        if why is not None:
            raise SuiteError(f"choices are scored by their likelihood, and {why}", where=self.models.url)
        found: list[Likelihood] = []
        for start in range(0, len(requests), CHUNK * self.at_once):
            chunk = requests[start : start + CHUNK * self.at_once]
            pairs = [(list(request.context), list(request.continuation)) for request in chunk]
            answers = likelihoods(self.models.client, pairs, self.models.url)
            found += [Likelihood(logprob, greedy) for logprob, greedy in answers]
            done(len(chunk))
        return found

    def generate(self, prompts: Sequence[Prompt], stopping: Stopping, done: Done) -> list[Generated]:
        ends = list(dict.fromkeys([*(stop.text for stop in stopping.texts), *self.target.stop_texts]))
        extra = {name: value for name, value in self.extra.items() if value}
        settings = {"until": ends[:MOST_STOPS] if not extra else ends, **extra}
        return _in_chunks(
            self.models, prompts, [list(prompt.ids) for prompt in prompts], settings, ends, self.at_once, done
        )


def _in_chunks(
    models: ServedModels,
    prompts: Sequence[Prompt],
    sent: Sequence[Any],
    settings: Mapping[str, Any],
    ends: Sequence[str],
    at_once: int,
    done: Done,
) -> list[Generated]:
    """Prompts that may have answers of one length go together."""
    answers: dict[int, Generated] = {}
    for most in dict.fromkeys(prompt.max_new_tokens for prompt in prompts):
        numbers = [number for number, prompt in enumerate(prompts) if prompt.max_new_tokens == most]
        for start in range(0, len(numbers), CHUNK * at_once):
            chunk = numbers[start : start + CHUNK * at_once]
            given = texts(models.client, [sent[i] for i in chunk], {**settings, "max_gen_toks": most}, models.url)
            answers.update((i, _cut(text, ends)) for i, text in zip(chunk, given, strict=True))
            done(len(chunk))
    return [answers[number] for number in range(len(prompts))]


def _cut(answer: Text, ends: Sequence[str]) -> Generated:
    """At the first of the texts that end an answer, whether the server looked for it or not."""
    text = answer.text
    for end in ends:
        text = text.partition(end)[0]
    return Generated((), text, answer.ended or text != answer.text)


@dataclass
class ServedChat:
    """What `Examination.answer` asks of `AssayLM`, over `/chat/completions`: the server lays its template around a
    conversation, so that neither log-likelihoods nor prompts outside a template can be had.

    own  for what is not computed by the model: tokens and names
    """

    own: AssayLM
    models: ServedModels
    at_once: int
    done: Done = lambda _: None
    ended: list[bool] = field(default_factory=list)

    @property
    def limits(self) -> Limits:
        return self.own.limits

    @property
    def stop_token_ids(self) -> frozenset[int]:
        return self.own.stop_token_ids

    @property
    def tokenizer(self) -> Any:
        return self.own.tokenizer

    @property
    def tokenizer_name(self) -> str:
        return self.own.tokenizer_name

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """The conversation itself, as lm-eval's client hands it on."""
        return json.dumps(chat_history, ensure_ascii=False)

    def answer(
        self,
        prompts: Sequence[Prompt],
        texts: tuple[str, ...] = (),
        done: Done = lambda _: None,
        *,
        special_tokens: bool = False,
    ) -> list[Generated]:
        sent = [chat_prompt(prompt.chat or json.dumps([])) for prompt in prompts]
        settings = {"until": list(texts[:MOST_STOPS])} if texts else {}
        return _in_chunks(self.models, prompts, sent, settings, texts, self.at_once, done)

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
        """Greedy only, as `AssayLM`. Raises SuiteError for a task that samples."""
        groups: dict[tuple[str, ...], list[int]] = {}
        prompts = []
        for number, request in enumerate(requests):
            until, most = generation_settings(request.args[1], request.task_name)
            prompts.append(Prompt((), most, str(request.args[0])))
            groups.setdefault(until, []).append(number)
        found: dict[int, Generated] = {}
        for until, numbers in groups.items():
            found.update(zip(numbers, self.answer([prompts[i] for i in numbers], until, self.done), strict=True))
        self.ended = [found[number].ended for number in range(len(prompts))]
        return [found[number].text for number in range(len(prompts))]

"""A transformers model on this machine; works offline once its weights are here."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.errors import SettingsError, missing_extra
from assay.protocols import Generation, GenerationRequest, Provider
from assay.records import Message

from ..provider import provider
from ..settings import SynthSettings

BATCH = 16
DEFAULT_TEMPERATURE = 0.8


@dataclass(frozen=True)
class LocalModel:
    """Batched sampling. A batch is seeded by its first request, so the same batch gives the same answers.

    Nothing holds the model to a schema here: it is told what is wanted, and what it answers is read with care.
    """

    model: str
    target: Any = field(repr=False)
    network: Any = field(repr=False)
    name: str = "local"
    batch_size: int = BATCH
    concurrency: int = 1

    def generate(self, requests: Sequence[GenerationRequest]) -> list[Generation]:
        """Requests of one temperature are sampled together; in order."""
        found: dict[int, Generation] = {}
        for temperature in dict.fromkeys(_temperature(request) for request in requests):
            alike = [index for index, request in enumerate(requests) if _temperature(request) == temperature]
            answers = self._sample([requests[index] for index in alike], temperature)
            found.update(zip(alike, answers, strict=True))
        return [found[index] for index in range(len(requests))]

    def _sample(self, requests: Sequence[GenerationRequest], temperature: float) -> list[Generation]:
        import torch

        from assay.chat import inference_prompt

        prompts = [inference_prompt(told(request), self.target) for request in requests]
        width = max(len(prompt) for prompt in prompts)
        pad = self.target.pad_token_id
        ids = torch.tensor([[pad] * (width - len(prompt)) + list(prompt) for prompt in prompts])
        mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
        first = requests[0]
        torch.manual_seed((first.seed or 0) * 1_000_003 + first.sample)
        sampling: dict[str, Any] = {"do_sample": False}
        if temperature > 0:
            sampling = {"do_sample": True, "temperature": temperature}
        with torch.inference_mode():
            output = self.network.generate(
                input_ids=ids.to(self.network.device),
                attention_mask=mask.to(self.network.device),
                max_new_tokens=max(request.max_tokens for request in requests),
                eos_token_id=list(self.target.stop_token_ids),
                pad_token_id=pad,
                **sampling,
            )
        rows = [row[width:].tolist() for row in output]
        return [self._read(*each) for each in zip(requests, prompts, rows, strict=True)]

    def _read(self, request: GenerationRequest, prompt: Sequence[int], generated: list[int]) -> Generation:
        """A row goes on for as long as the longest of its batch may; its own bound is its own."""
        stops = set(self.target.stop_token_ids)
        own = generated[: request.max_tokens]
        end = next((index for index, token in enumerate(own) if token in stops), None)
        kept = own if end is None else own[:end]
        text = self.target.tokenizer.decode(kept, skip_special_tokens=True)
        reason = "length" if end is None else "stop"
        return Generation(text.strip(), self.model, len(prompt), len(kept) + (end is not None), reason)


def told(request: GenerationRequest) -> tuple[Message, ...]:
    """The messages; where a schema is asked for and no message speaks of JSON, the last one says so."""
    if request.schema is None or any("json" in (message.content or "").lower() for message in request.messages):
        return request.messages
    *before, last = request.messages
    wanted = f"Reply with one JSON object of this schema, and nothing else:\n{json.dumps(request.schema)}"
    return (*before, dataclasses.replace(last, content=f"{last.content or ''}\n\n{wanted}"))


def _temperature(request: GenerationRequest) -> float:
    return DEFAULT_TEMPERATURE if request.temperature is None else request.temperature


@provider
def local(settings: SynthSettings, default_model: str | None, offline: bool) -> Provider:
    """The model named by synth.model, or else the one being trained."""
    name = settings.model or default_model
    if not name:
        raise SettingsError("provider 'local' needs a model", fix="set synth.model or model_name_or_path")
    try:
        import torch
    except ImportError as error:
        raise missing_extra("train", error) from error
    from assay.chat import load_target
    from assay.models import cpu_computes_bf16, load_base, resolve

    dtype = "bfloat16" if not torch.cuda.is_available() and cpu_computes_bf16() else "auto"
    network = load_base(resolve(name, offline=offline), dtype=dtype)
    return LocalModel(name, load_target(name, offline=offline), network)

"""A transformers model on this machine; works offline once its weights are here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.errors import SettingsError, missing_extra
from assay.protocols import Generation, GenerationRequest, Provider

from ..provider import provider
from ..settings import SynthSettings

BATCH = 16
DEFAULT_TEMPERATURE = 0.8


@dataclass(frozen=True)
class LocalModel:
    """Batched sampling. A batch is seeded by its first request, so the same batch gives the same answers."""

    model: str
    target: Any = field(repr=False)
    network: Any = field(repr=False)
    name: str = "local"
    batch_size: int = BATCH
    concurrency: int = 1

    def generate(self, requests: Sequence[GenerationRequest]) -> list[Generation]:
        import torch

        from assay.chat import inference_prompt

        prompts = [inference_prompt(request.messages, self.target) for request in requests]
        width = max(len(prompt) for prompt in prompts)
        pad = self.target.pad_token_id
        ids = torch.tensor([[pad] * (width - len(prompt)) + list(prompt) for prompt in prompts])
        mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
        first = requests[0]
        torch.manual_seed((first.seed or 0) * 1_000_003 + first.sample)
        temperature = DEFAULT_TEMPERATURE if first.temperature is None else first.temperature
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
        return [self._read(prompt, row[width:].tolist()) for prompt, row in zip(prompts, output, strict=True)]

    def _read(self, prompt: Sequence[int], generated: list[int]) -> Generation:
        stops = set(self.target.stop_token_ids)
        end = next((index for index, token in enumerate(generated) if token in stops), None)
        kept = generated if end is None else generated[:end]
        text = self.target.tokenizer.decode(kept, skip_special_tokens=True)
        reason = "length" if end is None else "stop"
        return Generation(text.strip(), self.model, len(prompt), len(kept) + (end is not None), reason)


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

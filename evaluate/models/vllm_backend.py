"""lm-eval's own `vllm` backend (`--backend vllm`): one engine holds the base, and lays adapters over it on request.

lm-eval's class takes one adapter for all its life (`lora_local_path`). vLLM itself takes an adapter with each request,
and lm-eval's class hands on whatever stands in `lora_request`: switching that switches the model, and the base's
weights are there once. vLLM and its torch are installed apart from assay, since they pin their own versions.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import MissingExtraError, ModelError, SettingsError

from ..evaluation import AdapterEvidence, ModelName
from .engine import Done
from .generation import Generated, Prompt, Stopping
from .likelihood import Likelihood, Request
from .switched_model import PROBE, Precision

if TYPE_CHECKING:
    from assay.chat import ChatTarget

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""Of `max_lora_rank`, as vLLM 0.33 takes it."""


DECIDED = frozenset(
    {"lora_local_path", "max_lora_rank", "revision", "tokenizer", "tokenizer_revision", "add_bos_token"}
)
"""Arguments that say what is scored, whether or not they are given here."""


def vllm_arguments(
    target: ChatTarget,
    adapters: Mapping[ModelName, Path],
    precision: Precision,
    max_length: int,
    seed: int,
    further: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What lm-eval's `VLLM` is made with.

    further  arguments of vLLM's engine that the user gave

    Raises ModelError for an adapter that vLLM does not lay over a base, SettingsError for a further argument that
    would change what is scored.
    """
    place = {"pretrained": str(target.ref.path)}
    if target.ref.is_hub:
        place |= {"revision": str(target.ref.revision), "tokenizer_revision": str(target.ref.revision)}
    arguments: dict[str, Any] = {
        **place,
        "dtype": precision.dtype,
        "quantization": "bitsandbytes" if precision.load_in_4bit else None,
        "max_model_len": max_length,
        "seed": seed,
        "batch_size": "auto",
    }
    if adapters:
        arguments |= {
            "lora_local_path": str(next(iter(adapters.values())).resolve()),
            "max_lora_rank": max(map(_rank, adapters.values())),
            "max_loras": len(adapters),
        }
    decided = next((name for name in further or {} if name in DECIDED or name in arguments), None)
    if decided is not None:
        raise SettingsError(
            f"evaluate.model_args: '{decided}' decides what is scored and is not taken from there",
            fix="it has a setting of its own: evaluate.dtype, load_in_4bit, max_length, seed, or --model and --adapter",
        )
    return arguments | dict(further or {})


def _rank(adapter: Path) -> int:
    """The least that vLLM takes and the adapter fits in."""
    try:
        config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError("adapter_config.json cannot be read", where=str(adapter)) from error
    kind = str(config.get("peft_type", "LORA")).upper()
    lacking = [name for name in ("use_dora", "modules_to_save") if config.get(name)]
    if kind != "LORA" or lacking:
        what = f"is of the kind {kind}" if kind != "LORA" else f"has {lacking[0]}"
        raise ModelError(f"{what}, which vLLM does not lay over a base", where=str(adapter), fix="leave --backend out")
    needed = max([int(config.get("r", 8)), *map(int, dict(config.get("rank_pattern") or {}).values())])
    rank = next((rank for rank in RANKS if rank >= needed), None)
    if rank is None:
        raise ModelError(f"is of rank {needed}, and vLLM takes {RANKS[-1]} at most", where=str(adapter))
    return rank


def load_vllm(arguments: Mapping[str, Any]) -> Any:
    """lm-eval's `VLLM`. Raises MissingExtraError without vLLM, ModelError where it cannot load the model."""
    try:
        import vllm  # noqa: F401
        from lm_eval.models.vllm_causallms import VLLM
    except ImportError as error:
        raise MissingExtraError(
            f"the backend vllm needs {error.name or 'vllm'}, which is not installed", fix="pip install vllm"
        ) from error
    try:
        with engine_errors():
            return VLLM(**arguments)
    except (ValueError, RuntimeError, OSError, NotImplementedError) as error:
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise ModelError(f"vLLM cannot load it: {reason:.300}", where=str(arguments["pretrained"])) from error


@contextlib.contextmanager
def engine_errors() -> Iterator[None]:
    """An engine that has died, in vLLM's own words on one line. Raises ModelError."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.split(".")[0] != "vllm":
            raise
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise ModelError(
            f"vLLM stopped: {reason:.300}", fix="its own log, above, says why; answers so far are kept"
        ) from error


@dataclass
class VllmModels:
    """lm: lm-eval's `VLLM`; adapters: what it is asked with, the base with None."""

    lm: Any
    requests: Mapping[ModelName, Any]
    evidence: dict[str, AdapterEvidence] = field(default_factory=dict)

    @property
    def adapters(self) -> frozenset[str]:
        return frozenset(self.requests) - {"base"}

    @contextlib.contextmanager
    def switched_to(self, name: ModelName) -> Iterator[None]:
        """Within the block the model answers as `name`."""
        before, self.lm.lora_request = self.lm.lora_request, self.requests[name]
        try:
            yield
        finally:
            self.lm.lora_request = before

    @property
    def dtype(self) -> str:
        return str(self.lm.model.llm_engine.model_config.dtype).removeprefix("torch.")

    device: str = "cuda"


def switched(lm: Any, adapters: Mapping[ModelName, Path], target: ChatTarget) -> VllmModels:
    """Raises ModelError for an adapter that is damaged, or changes no likelihood of a probe."""
    requests: dict[ModelName, Any] = {"base": None}
    for number, (name, folder) in enumerate(adapters.items(), start=1):
        requests[name] = type(lm.lora_request)(name, number, str(folder.resolve()))
    models = VllmModels(lm, requests)
    ids = [int(token) for token in target.tokenizer.encode(PROBE)]
    asked = [(None, ids[:1], ids[1:])]
    each = {}
    for name in requests:
        with models.switched_to(name), engine_errors():
            ((each[name], _),) = lm._loglikelihood_tokens(asked, disable_tqdm=True)
    for name, folder in adapters.items():
        difference = abs(each[name] - each["base"])
        if difference == 0.0:
            raise ModelError(
                f"the adapter '{name}' changes nothing: vLLM gives a probe the base's likelihood", where=str(folder)
            )
        models.evidence[name] = _evidence(folder, difference)
    return models


def _evidence(folder: Path, difference: float) -> AdapterEvidence:
    """The difference is of the log-likelihood of a text."""
    import torch
    from safetensors.torch import load_file

    try:
        tensors = load_file(folder / "adapter_model.safetensors")
    except (OSError, ValueError) as error:
        raise ModelError("adapter_model.safetensors cannot be read", where=str(folder)) from error
    finite = all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values())
    if not finite or difference != difference:
        raise ModelError("the adapter holds or produces NaN", where=str(folder))
    nonzero = any(bool(torch.count_nonzero(tensor)) for tensor in tensors.values())
    return AdapterEvidence(sum(tensor.numel() for tensor in tensors.values()), finite, nonzero, difference)


@dataclass(frozen=True)
class VllmEngine:
    """An `Engine`: token ids in, whatever adapter is switched on. vLLM makes its own batches."""

    lm: Any

    def likelihoods(self, requests: Sequence[Request], done: Done) -> list[Likelihood]:
        asked = [(None, list(request.context), list(request.continuation)) for request in requests]
        with engine_errors():
            found = self.lm._loglikelihood_tokens(asked, disable_tqdm=True)
        done(len(requests))
        return [Likelihood(float(logprob), bool(greedy)) for logprob, greedy in found]

    def generate(self, prompts: Sequence[Prompt], stopping: Stopping, done: Done) -> list[Generated]:
        """Greedy. Where an answer ends is looked for here, as for every other backend."""
        from vllm import SamplingParams

        ends, texts = sorted(stopping.token_ids), [stop.text for stop in stopping.texts]
        parameters = [
            SamplingParams(temperature=0, max_tokens=prompt.max_new_tokens, stop_token_ids=ends, stop=texts)
            for prompt in prompts
        ]
        with engine_errors():
            outputs = self.lm._model_generate([list(prompt.ids) for prompt in prompts], True, parameters)
        done(len(prompts))
        return [finish(output.outputs[0], stopping) for output in outputs]


def finish(completion: Any, stopping: Stopping) -> Generated:
    """completion: vLLM's `CompletionOutput`."""
    ids = list(completion.token_ids)
    end = next((at for at in range(1, len(ids) + 1) if stopping.ends(ids[:at])), len(ids))
    found = stopping.finish(ids[:end])
    return found._replace(ended=found.ended or completion.finish_reason == "stop")

"""lm-eval's own `hf` backend in the place of assay's model: the same suites, tasks and adapters, another forward pass.

It is there to check assay's model by, and for a model that assay's cannot score. Adapters are switched on and off as
ever: lm-eval's own `peft=` resizes embeddings, which can move the scores of an adapter that adds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lm_eval.models.huggingface import HFLM

from assay.errors import SuiteError

from .engine import Done, Limits
from .generation import Generated, Prompt
from .likelihood import Likelihood, Request
from .lm_eval_model import AssayLM, generation_settings

if TYPE_CHECKING:
    import torch


class HfBackend:
    """What `Examination.answer` asks of `AssayLM`. Batches have a fixed number of rows, as lm-eval makes them.

    own  for what is not computed by the model: tokens, template, what ends an answer
    """

    def __init__(self, own: AssayLM, batch_size: int) -> None:
        self._own = own
        self._hf = HFLM(
            pretrained=own.causal_model.model,
            tokenizer=own.tokenizer,
            batch_size=batch_size,
            max_length=own.limits.max_length,
        )
        self._batch_size = batch_size
        self.limits: Limits = replace(own.limits, backend=f"hf, batches of {batch_size}")
        self.stop_token_ids = own.stop_token_ids
        self.done: Done = lambda _: None
        self.ended: list[bool | None] = []
        """lm-eval does not say whether an answer of `generate_until` ended, or was cut off."""

    @property
    def tokenizer(self) -> Any:
        return self._own.tokenizer

    @property
    def tokenizer_name(self) -> str:
        return str(self._own.tokenizer_name)

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        return str(self._own.apply_chat_template(chat_history, add_generation_prompt))

    def loglikelihood(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Raises SuiteError where lm-eval stops at an assertion."""
        try:
            found: list[tuple[float, bool]] = self._hf.loglikelihood(list(requests), disable_tqdm=True)
        except (AssertionError, IndexError) as error:
            raise SuiteError(
                "lm-eval's hf backend cannot score an item: a prompt or an option without a token, or one that is "
                "longer than the model's context",
                where=f"task {requests[0].task_name}",
                fix="leave --backend out to learn which",
            ) from error
        self.done(len(requests))
        return found

    def loglikelihood_rolling(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[float]:
        found: list[float] = self._hf.loglikelihood_rolling(list(requests), disable_tqdm=True)
        return found

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
        """Greedy only, as `AssayLM`. Raises SuiteError for a task that samples."""
        for request in requests:
            generation_settings(request.args[1], request.task_name)
        found: list[str] = self._hf.generate_until(list(requests), disable_tqdm=True)
        self.ended = [None] * len(found)
        self.done(len(requests))
        return found

    def score(self, requests: Sequence[Request], done: Done = lambda _: None) -> list[Likelihood]:
        """Continuations as token ids."""
        asked = [(None, list(request.context), list(request.continuation)) for request in requests]
        found = self._hf._loglikelihood_tokens(asked, disable_tqdm=True)
        done(len(requests))
        return [Likelihood(logprob, greedy) for logprob, greedy in found]

    def answer(
        self,
        prompts: Sequence[Prompt],
        texts: tuple[str, ...] = (),
        done: Done = lambda _: None,
        *,
        special_tokens: bool = False,
    ) -> list[Generated]:
        """Greedy answers by transformers' `generate`, prompts of like length in a batch."""
        stopping = self._own.stopping(texts, special_tokens=special_tokens)
        order = sorted(range(len(prompts)), key=lambda number: -len(prompts[number].ids))
        answers: dict[int, Generated] = {}
        for start in range(0, len(order), self._batch_size):
            batch = order[start : start + self._batch_size]
            for number, ids in zip(batch, self._generate([prompts[i] for i in batch], stopping.token_ids), strict=True):
                ids = ids[: prompts[number].max_new_tokens]
                end = next((at for at in range(1, len(ids) + 1) if stopping.ends(ids[:at])), len(ids))
                answers[number] = stopping.finish(ids[:end])
            done(len(batch))
        return [answers[number] for number in range(len(prompts))]

    def _generate(self, prompts: Sequence[Prompt], ends: frozenset[int]) -> list[list[int]]:
        import torch

        width = max(len(prompt.ids) for prompt in prompts)
        padding = self._own.pad_token_id
        ids = torch.tensor([[padding] * (width - len(prompt.ids)) + list(prompt.ids) for prompt in prompts])
        mask = torch.tensor([[0] * (width - len(prompt.ids)) + [1] * len(prompt.ids) for prompt in prompts])
        device = self._own.causal_model.device
        with torch.inference_mode():
            found: torch.Tensor = self._hf.model.generate(
                input_ids=ids.to(device),
                attention_mask=mask.to(device),
                max_new_tokens=max(prompt.max_new_tokens for prompt in prompts),
                do_sample=False,
                eos_token_id=sorted(ends),
                pad_token_id=padding,
            )
        return [row[width:] for row in found.tolist()]

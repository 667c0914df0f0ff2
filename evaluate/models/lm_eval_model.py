"""The model behind lm-eval: its `LM` interface over whatever adapter is switched on.

lm-eval is imported at the top because the class extends one of its own; the module itself is imported only where
tasks are scored. What lm-eval 0.4.13 offers beside this and must not be used: `use_cache` is not keyed by model and
would give the base's scores to the adapter, `cache_requests` is keyed by the task's name and not by its data.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lm_eval.api.model import TemplateLM

from assay.errors import SuiteError

from .causal_model import CausalModel
from .engine import Done, Engine, InProcess, Limits
from .generation import Generated, Prompt, Stopping, StopText
from .likelihood import Likelihood, Request

if TYPE_CHECKING:
    from assay.chat import ChatTarget

__all__ = ["AssayLM", "Limits", "generation_settings"]

MAX_GEN_TOKS = 256
"""lm-eval's default for a task that sets none."""


class AssayLM(TemplateLM):  # type: ignore[misc]
    """Scores requests as lm-eval's own `hf` backend does; tests/real holds the two against each other."""

    def __init__(self, model: CausalModel | Engine, target: ChatTarget, limits: Limits) -> None:
        """model: one held here, or what computes in its place."""
        super().__init__()
        self.model = model
        self.engine: Engine = InProcess(model, limits) if isinstance(model, CausalModel) else model
        self.tokenizer = target.tokenizer
        self.chat_template = target.template
        self.stop_token_ids = frozenset(target.stop_token_ids)
        self.pad_token_id = target.pad_token_id
        self.limits = limits
        self.done: Done = lambda _: None
        self.ended: list[bool] = []
        """Of the last `generate_until`: False for an answer that was cut off at its length."""
        self._encoded: dict[str, list[int]] = {}

    @property
    def causal_model(self) -> CausalModel:
        """Only where the model is held here."""
        assert isinstance(self.model, CausalModel)
        return self.model

    @property
    def eot_token_id(self) -> int:
        return int(self.tokenizer.eos_token_id)

    @property
    def prefix_token_id(self) -> int:
        beginning = self.tokenizer.bos_token_id
        return int(self.eot_token_id if beginning is None else beginning)

    @property
    def max_length(self) -> int:
        return self.limits.max_length

    @property
    def tokenizer_name(self) -> str:
        return str(self.tokenizer.name_or_path).replace("/", "__")

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **kwargs: Any) -> list[int]:
        """As `HFLM`: special tokens as the tokenizer adds them, but never a second one at the beginning."""
        if add_special_tokens is None:
            if string in self._encoded:
                return self._encoded[string]
            add_special_tokens = not string.startswith(self._beginning)
        ids: list[int] = self.tokenizer.encode(string, add_special_tokens=add_special_tokens)
        return ids

    @cached_property
    def _beginning(self) -> str:
        return str(self.tokenizer.decode(self.prefix_token_id))

    def _encode_all(self, strings: Iterable[str]) -> None:
        """For `tok_encode`, all at once; what the last call encoded is at hand for the next model's turn."""
        wanted = dict.fromkeys(strings)
        known = {string: self._encoded[string] for string in wanted if string in self._encoded}
        for with_special in (True, False):
            new = [s for s in wanted if s not in known and s.startswith(self._beginning) is not with_special]
            if new:
                ids = self.tokenizer(new, add_special_tokens=with_special, verbose=False)["input_ids"]
                known |= zip(new, ids, strict=True)
        self._encoded = known

    def loglikelihood(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """As lm-eval's own; where that stops at an assertion, SuiteError."""
        pairs = [request.args for request in requests]
        self._encode_all(text for context, option in pairs for text in (context + option, context.rstrip()))
        empty = next((request for request in requests if not any(request.args)), None)
        if empty is not None:
            raise SuiteError("an item asks nothing and offers nothing", where=f"task {empty.task_name}")
        found: list[tuple[float, bool]] = super().loglikelihood(requests, disable_tqdm=disable_tqdm)
        return found

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        return str(
            self.tokenizer.apply_chat_template(
                chat_history,
                chat_template=self.chat_template,
                tokenize=False,
                add_generation_prompt=add_generation_prompt,
                continue_final_message=not add_generation_prompt,
            )
        )

    def score(self, requests: Sequence[Request], done: Done = lambda _: None) -> list[Likelihood]:
        """Continuations as token ids."""
        return self.engine.likelihoods(requests, done)

    def answer(
        self,
        prompts: Sequence[Prompt],
        texts: tuple[str, ...] = (),
        done: Done = lambda _: None,
        *,
        special_tokens: bool = False,
    ) -> list[Generated]:
        """Greedy answers to prompts as token ids; texts are strings that end an answer.

        special_tokens  stay in the text, but for the one that ends it
        """
        return self.engine.generate(prompts, self.stopping(texts, special_tokens=special_tokens), done)

    def stopping(self, texts: tuple[str, ...], *, special_tokens: bool = False) -> Stopping:
        """What ends an answer; special_tokens as in `answer`."""
        decode = self._decode_all if special_tokens else self._decode
        ends = self.stop_token_ids | {self.eot_token_id}
        return Stopping(ends, self.pad_token_id, decode, tuple(map(self._stop_text, texts)), self._decode_all)

    def _stop_text(self, text: str) -> StopText:
        """Looked for as far back as lm-eval's `MultiTokenEOSCriteria` does: two tokens more than it takes itself."""
        return StopText(text, len(self.tok_encode(text, add_special_tokens=False)) + 2)

    def _decode(self, ids: Sequence[int]) -> str:
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=True))

    def _decode_all(self, ids: Sequence[int]) -> str:
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=False))

    def _loglikelihood_tokens(self, requests: Sequence[Any], **kwargs: Any) -> list[tuple[float, bool]]:
        for texts, context, continuation in requests:
            self._check(texts, context, continuation)
        pairs = [Request(tuple(context), tuple(continuation)) for _, context, continuation in requests]
        return [(result.logprob, result.greedy) for result in self.score(pairs, self.done)]

    def _check(self, texts: tuple[str, str], context: Sequence[int], continuation: Sequence[int]) -> None:
        """What `HFLM` asserts. Raises SuiteError."""
        shown = f"{texts[1]!r:.60}"
        if not context:
            raise SuiteError(
                f"the prompt before {shown} is nothing but spaces", fix="give it a word, or leave it empty"
            )
        if not continuation:
            raise SuiteError(f"{shown} adds no token to its prompt, and so cannot be likely or unlikely")
        if len(continuation) > self.max_length:
            raise SuiteError(
                f"{shown} takes {len(continuation)} tokens, and the model's context is {self.max_length}",
                fix="shorten it",
            )

    def loglikelihood_rolling(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[float]:
        """Log-likelihood of whole texts, in windows of the model's context, summed in float64."""
        from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

        windows: list[Request] = []
        owners: list[int] = []
        for number, request in enumerate(requests):
            tokens = self.tok_encode(request.args[0])
            for pair in get_rolling_token_windows(tokens, self.prefix_token_id, self.max_length, 1):
                context, continuation = make_disjoint_window(pair)
                windows.append(Request(tuple(context), tuple(continuation)))
                owners.append(number)
        sums = [0.0] * len(requests)
        for owner, result in zip(owners, self.score(windows, self.done), strict=True):
            sums[owner] += result.logprob
        return sums

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
        """Greedy generation; a task that asks for sampling is refused, since its answers could not be paired."""
        groups: dict[tuple[str, ...], list[int]] = {}
        prompts: list[Prompt] = []
        for number, request in enumerate(requests):
            context, settings = request.args
            until, most = generation_settings(settings, request.task_name)
            room = self.max_length - most
            if room < 1:
                raise SuiteError(
                    f"asks for {most} new tokens, and the model's context is {self.max_length}",
                    where=f"task {request.task_name}",
                )
            prompts.append(Prompt(tuple(self.tok_encode(context)[-room:]), most))
            groups.setdefault(until, []).append(number)
        texts, self.ended = [""] * len(prompts), [True] * len(prompts)
        for until, numbers in groups.items():
            answers = self.answer([prompts[i] for i in numbers], until, self.done)
            for number, answer in zip(numbers, answers, strict=True):
                texts[number], self.ended[number] = answer.text, answer.ended
        return texts


GREEDY = frozenset({"until", "do_sample", "temperature", "top_p", "top_k", "min_p"})
"""Settings of a task's generation that greedy answers are free of, or that are taken."""

LENGTHS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")


def generation_settings(given: Any, task: str | None) -> tuple[tuple[str, ...], int]:
    """(stop texts, most new tokens) of a task's generation_kwargs. Raises SuiteError for what is not greedy."""
    settings = {name: value for name, value in dict(given).items() if value is not None}
    where = f"task {task}"
    if settings.get("do_sample", settings.get("temperature", 0) > 0):
        raise SuiteError(
            "the task samples its answers, which cannot be compared item by item",
            where=where,
            fix="set do_sample: false in its generation_kwargs",
        )
    other = sorted(settings.keys() - GREEDY - set(LENGTHS))
    if other:
        raise SuiteError(
            f"'{other[0]}' in its generation_kwargs is not done here: answers are greedy",
            where=where,
            fix="leave it out",
        )
    until = settings.get("until", [])
    most = next((int(settings[name]) for name in LENGTHS if name in settings), MAX_GEN_TOKS)
    return tuple([until] if isinstance(until, str) else [text for text in until if text]), most

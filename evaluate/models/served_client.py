"""lm-eval's own clients of OpenAI-compatible servers, one a model, told to keep what lm-eval throws away.

The classes extend lm-eval's where lm-eval means them to be: in how a response is read. lm-eval 0.4.13 keeps neither
whether an answer was cut off, nor which model answered; and of a response whose tokens are not those that were sent it
takes the wrong ones for the continuation's.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import os
from collections.abc import Awaitable, Iterator, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from lm_eval.models.api_models import JsonChatStr
from lm_eval.models.openai_completions import LocalChatCompletion, LocalCompletionsAPI, OpenAIChatCompletion

from assay.calls.event_loop import outside_of_a_loop, run_async
from assay.errors import ModelError

from .server import KEY, ServedModel, server_errors

if TYPE_CHECKING:
    from assay.chat import ChatTarget

    from ..settings import EvaluateSettings

TIMEOUT = 300
"""Seconds for an answer."""


TRIES = 5
"""Of a request that fails, a second and longer apart."""


class Text(NamedTuple):
    """ended is False for an answer that was cut off at its length."""

    text: str
    ended: bool


class Completions(LocalCompletionsAPI):  # type: ignore[misc]
    """`local-completions`: prompts as token ids or text."""

    def decode_batch(self, tokens: list[list[int]]) -> list[str]:
        """For a server that takes text alone, and lays its beginning before it as the tokenizer does."""
        beginning = self.tokenizer.bos_token
        adds = beginning and self.tokenizer("")["input_ids"][:1] == [self.tokenizer.bos_token_id]
        decoded: list[str] = super().decode_batch(tokens)
        return [text.removeprefix(beginning) for text in decoded] if adds else decoded

    async def get_batched_requests(self, *given: Any, **named: Any) -> Any:
        return await _all_or_the_first_error(super().get_batched_requests(*given, **named))

    @staticmethod
    def parse_logprobs(
        outputs: Any, tokens: Any = None, ctxlens: Any = None, **kwargs: Any
    ) -> list[tuple[float, bool]]:
        """Raises ModelError where there are no log-likelihoods of the prompt, or of other tokens than were sent."""
        for choice, sent in zip(choices_of(outputs), tokens, strict=True):
            logprobs = echoed_logprobs(choice)
            if logprobs is None:
                raise ModelError(NO_LIKELIHOODS)
            check_length(logprobs, len(sent))
        found: list[tuple[float, bool]] = LocalCompletionsAPI.parse_logprobs(outputs, tokens, ctxlens, **kwargs)
        return found

    @staticmethod
    def parse_generations(outputs: Any, **kwargs: Any) -> list[Text]:
        return [Text(str(choice["text"]), choice.get("finish_reason") != "length") for choice in choices_of(outputs)]


async def _all_or_the_first_error(asked: Awaitable[Any]) -> Any:
    """Requests under way together fail with the first; the errors of the others would be printed, traceback and all."""
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    return await asked


def choices_of(outputs: Any) -> list[Any]:
    """Of one response or several, each in the order of what was sent."""
    responses = outputs if isinstance(outputs, list) else [outputs]
    return [choice for out in responses for choice in sorted(out["choices"], key=itemgetter("index"))]


NO_LIKELIHOODS = "the server gives no log-likelihoods of a prompt (echo with logprobs)"


def echoed_logprobs(choice: Any) -> list[Any] | None:
    """Of the prompt's tokens and one more, None for the first of them; None where the server gives none."""
    logprobs = (choice.get("logprobs") or {}).get("token_logprobs")
    return logprobs if isinstance(logprobs, list) and len(logprobs) > 1 else None


def check_length(logprobs: Sequence[Any], sent: int, who: str = "the server") -> None:
    """Raises ModelError where they are of more or fewer tokens than were sent: those of others would be summed."""
    if len(logprobs) != sent + 1:
        raise ModelError(
            f"{who} reads a prompt of {sent} tokens as {len(logprobs) - 1}: it has another tokenizer than --model, or "
            "adds tokens of its own"
        )


def _chat_texts(outputs: Any) -> list[Text]:
    """content is null where a model only thought, or called a tool."""
    return [
        Text(str(choice["message"].get("content") or ""), choice.get("finish_reason") != "length")
        for choice in choices_of(outputs)
    ]


class Chat(LocalChatCompletion):  # type: ignore[misc]
    """`local-chat-completions`: the server lays its own template around the conversation."""

    def parse_generations(self, outputs: Any, **kwargs: Any) -> list[Text]:
        return _chat_texts(outputs)


class OpenAIChat(OpenAIChatCompletion):  # type: ignore[misc]
    """`openai-chat-completions`: OpenAI itself, which names some parameters otherwise."""

    def parse_generations(self, outputs: Any, **kwargs: Any) -> list[Text]:
        return _chat_texts(outputs)


def make_client(model: ServedModel, target: ChatTarget, settings: EvaluateSettings, max_length: int) -> Any:
    """Of one model of a server. max_length: tokens of prompt and answer."""
    common = {
        "model": model.name,
        "max_length": max_length,
        "num_concurrent": settings.num_concurrent,
        "timeout": TIMEOUT,
        "max_retries": TRIES,
        "seed": settings.seed,
    }
    if settings.api == "chat":
        kind = OpenAIChat if model.is_openais else Chat
        return kind(base_url=f"{model.url}/chat/completions", **common)
    if model.is_openais and not os.environ.get(KEY):
        raise ModelError("the server wants a key", where=model.url, fix=f"export {KEY}")
    return Completions(
        base_url=f"{model.url}/completions",
        tokenizer_backend="huggingface",
        tokenizer=str(target.ref.path),
        revision=target.ref.revision if target.ref.is_hub else "main",
        tokenized_requests=settings.tokenized_requests,
        **common,
    )


def likelihoods(client: Any, pairs: Sequence[tuple[list[int], list[int]]], url: str) -> list[tuple[float, bool]]:
    """Of continuations as token ids. Raises ModelError."""
    asked = [(None, context, continuation) for context, continuation in pairs]
    with listening() as heard, server_errors(url, heard):
        return outside_of_a_loop(lambda: list(client._loglikelihood_tokens(asked)))


def texts(client: Any, prompts: Sequence[Any], settings: dict[str, Any], url: str) -> list[Text]:
    """prompts: token ids, or `chat_prompt`s; settings: lm-eval's generation_kwargs, and what else the server takes.
    Raises ModelError."""
    nothing, asked = [None] * len(prompts), {"temperature": 0, **settings}
    with listening() as heard, server_errors(url, heard):
        answers = client.get_batched_requests(list(prompts), nothing, generate=True, gen_kwargs=asked)
        batches = run_async(lambda: _all_or_the_first_error(answers))
    return [answer if isinstance(answer, Text) else Text("", True) for batch in batches for answer in batch]


def chat_prompt(conversation: str) -> Any:
    """conversation: JSON of OpenAI's messages."""
    return JsonChatStr(conversation)


class _Heard(logging.Handler):
    """What lm-eval logs of a failed request: the server's own words, which its exceptions lack."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextlib.contextmanager
def listening() -> Iterator[list[str]]:
    """lm-eval's client draws bars and logs; errors still come as exceptions. Gives what was logged."""
    logger, heard = logging.getLogger("lm_eval"), _Heard()
    propagates, level = logger.propagate, logger.level
    logger.propagate = False
    logger.setLevel(heard.level)  # whatever a logging setting or LMEVAL_LOG_LEVEL has hushed
    logger.addHandler(heard)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield heard.messages
    finally:
        logger.removeHandler(heard)
        logger.setLevel(level)
        logger.propagate = propagates

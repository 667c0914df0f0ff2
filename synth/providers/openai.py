"""OpenAI's chat completions, through the official client."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assay.errors import ProviderError, SettingsError, missing_extra
from assay.protocols import Generation, GenerationRequest, Provider
from assay.records import message_to_json

from ..provider import api_key, provider, refuse_offline, status_error
from ..settings import SynthSettings

if TYPE_CHECKING:
    import openai as sdk

HOST = "https://api.openai.com/v1"


@dataclass(frozen=True)
class ChatCompletions:
    """Any server that speaks chat completions. The client's own retries are off: ours go through the journal.

    token_limit names the argument that bounds the answer: OpenAI renamed it, other servers did not.
    """

    name: str
    model: str
    concurrency: int
    client: sdk.OpenAI = field(repr=False)
    token_limit: str
    batch_size: int = 1

    def generate(self, requests: Sequence[GenerationRequest]) -> list[Generation]:
        return [self._generate(request) for request in requests]

    def _generate(self, request: GenerationRequest) -> Generation:
        import openai as sdk

        arguments: dict[str, Any] = {
            "model": self.model,
            "messages": [message_to_json(message) for message in request.messages],
            self.token_limit: request.max_tokens,
        }
        if request.temperature is not None:
            arguments["temperature"] = request.temperature
        if request.seed is not None:
            arguments["seed"] = request.seed + request.sample
        try:
            answer = self.client.chat.completions.create(**arguments)
        except sdk.APIStatusError as error:
            headers = error.response.headers
            raise status_error(self.name, error.status_code, error.code, headers.get("retry-after")) from None
        except sdk.OpenAIError as error:
            raise ProviderError(f"{self.name}: {type(error).__name__}", fix="it is asked again later") from None
        except ValueError:
            raise ProviderError(f"{self.name} sent no JSON", fix="it is asked again later") from None
        return _read(self.name, self.model, answer)


def _read(name: str, model: str, answer: Any) -> Generation:
    """A Generation from a completion, which may be malformed: servers are."""
    choices, usage = getattr(answer, "choices", None), getattr(answer, "usage", None)
    first = choices[0] if choices else None
    message = getattr(first, "message", None)
    if first is None or message is None or usage is None:
        raise ProviderError(f"{name} sent a completion without an answer or its usage", fix="it is asked again later")
    return Generation(
        text=message.content or "",
        model=answer.model or model,
        input_tokens=int(usage.prompt_tokens or 0),
        output_tokens=int(usage.completion_tokens or 0),
        stop_reason="length" if first.finish_reason == "length" else "stop",
    )


def chat_completions(
    settings: SynthSettings, *, name: str, base_url: str, key: str, token_limit: str, model: str | None
) -> ChatCompletions:
    """Raises SettingsError without a model, MissingExtraError without the client."""
    if not model:
        raise SettingsError(f"provider '{name}' needs a model", fix="set synth.model")
    try:
        import openai as sdk
    except ImportError as error:
        raise missing_extra("synth", error) from error
    client = sdk.OpenAI(
        api_key=key,
        base_url=base_url,
        timeout=settings.timeout,
        max_retries=0,
        http_client=sdk.DefaultHttpxClient(follow_redirects=False, timeout=settings.timeout),
    )
    if name != "openai":  # the client takes these from the environment, and they are OpenAI's to know
        client.organization = client.project = None
    return ChatCompletions(name, model, settings.concurrency, client, token_limit)


@provider
def openai(settings: SynthSettings, default_model: str | None, offline: bool) -> Provider:
    """OpenAI; the key is read from OPENAI_API_KEY."""
    refuse_offline(settings, offline)
    key = api_key(settings, "OPENAI_API_KEY")
    return chat_completions(
        settings,
        name="openai",
        base_url=settings.base_url or HOST,
        key=key,
        token_limit="max_completion_tokens",
        model=settings.model,
    )

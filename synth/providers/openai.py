"""OpenAI's chat completions and responses, through the official client."""

from __future__ import annotations

from typing import Any

from assay.errors import missing_extra
from assay.protocols import GenerationRequest, Provider
from assay.records import Json

from ..provider import api_key, model_of, provider, refuse_offline
from ..settings import SynthSettings
from ..wire.batched import Batched
from ..wire.chat import ChatForm
from ..wire.form import Form
from ..wire.openai_batches import OpenAIJobs
from ..wire.remote import Connect, Remote
from ..wire.responses import ResponsesForm

HOST = "https://api.openai.com/v1"


def official_client() -> Any:
    """Raises MissingExtraError."""
    try:
        import openai as sdk
    except ImportError as error:
        raise missing_extra("synth", error) from error
    return sdk


def connection(sdk: Any, base_url: str, key: str, *, is_openai: bool) -> Connect:
    """A client for chat completions or responses at an address."""

    def connect(http: Any) -> Any:
        client = sdk.AsyncOpenAI(api_key=key, base_url=base_url, max_retries=0, http_client=http)
        if not is_openai:  # the client takes these from the environment, and they are OpenAI's to know
            client.organization = client.project = None
        return client

    return connect


def form(settings: SynthSettings) -> Form:
    model = model_of(settings)
    if settings.api == "responses":
        return ResponsesForm(settings.provider, model)
    return ChatForm(settings.provider, model, "max_completion_tokens", cache_key=True)


def body(settings: SynthSettings, request: GenerationRequest) -> Json:
    return form(settings).body(request)


@provider(body=body)
def openai(settings: SynthSettings, default_model: str | None, offline: bool) -> Provider:
    """OpenAI; the key is read from OPENAI_API_KEY. `api: responses` asks that API instead of chat completions."""
    refuse_offline(settings, offline)
    chosen = form(settings)
    key = api_key(settings, "OPENAI_API_KEY")
    sdk = official_client()
    connect = connection(sdk, settings.base_url or HOST, key, is_openai=True)
    remote = Remote("openai", model_of(settings), settings.concurrency, chosen, settings.timeout, sdk, connect)
    return Batched(remote, OpenAIJobs(), settings.batch_poll_seconds) if settings.batch else remote

"""Any server that speaks OpenAI's chat completions: vLLM, Ollama, llama.cpp, LM Studio."""

from __future__ import annotations

from assay.errors import SettingsError
from assay.protocols import GenerationRequest, Provider
from assay.records import Json

from ..provider import api_key, model_of, provider, refuse_offline
from ..settings import SynthSettings
from ..wire.batched import Batched
from ..wire.chat import ChatForm
from ..wire.openai_batches import OpenAIJobs
from ..wire.remote import Remote
from .openai import connection, official_client


def form(settings: SynthSettings) -> ChatForm:
    return ChatForm("openai_compatible", model_of(settings), "max_tokens")


def body(settings: SynthSettings, request: GenerationRequest) -> Json:
    return form(settings).body(request)


@provider(body=body)
def openai_compatible(settings: SynthSettings, default_model: str | None, offline: bool) -> Provider:
    """A server by its base URL, for example http://127.0.0.1:11434/v1; a key only where api_key_env names one."""
    if not settings.base_url:
        raise SettingsError(
            "provider 'openai_compatible' needs the server's address", fix="set synth.base_url=http://127.0.0.1:8000/v1"
        )
    refuse_offline(settings, offline)
    chosen = form(settings)
    key = api_key(settings, settings.api_key_env) if settings.api_key_env else "none"
    sdk = official_client()
    connect = connection(sdk, settings.base_url, key, is_openai=False)
    remote = Remote("openai_compatible", chosen.model, settings.concurrency, chosen, settings.timeout, sdk, connect)
    return Batched(remote, OpenAIJobs(), settings.batch_poll_seconds) if settings.batch else remote

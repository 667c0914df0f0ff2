"""Anthropic's messages, through the official client."""

from __future__ import annotations

from typing import Any

from assay.errors import missing_extra
from assay.protocols import GenerationRequest, Provider
from assay.records import Json

from ..provider import api_key, model_of, provider, refuse_offline
from ..settings import SynthSettings
from ..wire.anthropic_batches import AnthropicJobs
from ..wire.batched import Batched
from ..wire.messages import MessagesForm
from ..wire.remote import Remote

HOST = "https://api.anthropic.com"


def official_client() -> Any:
    """Raises MissingExtraError."""
    try:
        import anthropic as sdk
    except ImportError as error:
        raise missing_extra("synth", error) from error
    return sdk


def form(settings: SynthSettings) -> MessagesForm:
    return MessagesForm(settings.provider, model_of(settings))


def body(settings: SynthSettings, request: GenerationRequest) -> Json:
    return form(settings).body(request)


@provider(body=body, takes_temperature=False)
def anthropic(settings: SynthSettings, default_model: str | None, offline: bool) -> Provider:
    """Anthropic; the key is read from ANTHROPIC_API_KEY."""
    refuse_offline(settings, offline)
    chosen = form(settings)
    key = api_key(settings, "ANTHROPIC_API_KEY")
    sdk = official_client()

    def connect(http: Any) -> Any:
        return sdk.AsyncAnthropic(
            api_key=key, base_url=settings.base_url or HOST, timeout=settings.timeout, max_retries=0, http_client=http
        )

    remote = Remote("anthropic", chosen.model, settings.concurrency, chosen, settings.timeout, sdk, connect)
    return Batched(remote, AnthropicJobs(), settings.batch_poll_seconds) if settings.batch else remote

"""OpenAI's models on Azure, through the official client."""

from __future__ import annotations

from typing import Any

from assay.errors import SettingsError
from assay.protocols import GenerationRequest, Provider
from assay.records import Json

from ..provider import api_key, model_of, provider, refuse_offline
from ..settings import SynthSettings
from ..wire.chat import ChatForm
from ..wire.form import Form
from ..wire.remote import Remote
from ..wire.responses import ResponsesForm
from .openai import official_client

API_VERSION = "2024-10-21"
"""The last version of the API that is dated and generally available."""


def form(settings: SynthSettings) -> Form:
    if settings.api == "responses":
        return ResponsesForm("azure", model_of(settings))
    return ChatForm("azure", model_of(settings), "max_completion_tokens")


def body(settings: SynthSettings, request: GenerationRequest) -> Json:
    return form(settings).body(request)


@provider(body=body)
def azure(settings: SynthSettings, default_model: str | None, offline: bool) -> Provider:
    """Azure OpenAI: base_url is the resource's endpoint, model the deployment's name; the key is read from
    AZURE_OPENAI_API_KEY, the API's version from OPENAI_API_VERSION where it is set."""
    import os

    if not settings.base_url:
        fix = "set synth.base_url=https://RESOURCE.openai.azure.com"
        raise SettingsError("provider 'azure' needs the resource's endpoint", fix=fix)
    refuse_offline(settings, offline)
    if settings.batch:
        raise SettingsError("provider 'azure' has no batch jobs here", fix="set synth.batch=false")
    chosen = form(settings)
    key = api_key(settings, "AZURE_OPENAI_API_KEY")
    sdk = official_client()
    version = os.environ.get("OPENAI_API_VERSION") or API_VERSION

    def connect(http: Any) -> Any:
        client = sdk.AsyncAzureOpenAI(
            azure_endpoint=settings.base_url, api_version=version, api_key=key, max_retries=0, http_client=http
        )
        client.organization = client.project = None
        return client

    return Remote("azure", model_of(settings), settings.concurrency, chosen, settings.timeout, sdk, connect)

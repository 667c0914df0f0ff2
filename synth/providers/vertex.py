"""Anthropic's models on Google's Vertex AI, through the official client."""

from __future__ import annotations

from typing import Any

from assay.errors import SettingsError, require
from assay.protocols import GenerationRequest, Provider
from assay.records import Json

from ..provider import model_of, provider, refuse_offline
from ..settings import SynthSettings
from ..wire.messages import MessagesForm
from ..wire.remote import Remote
from .anthropic import official_client


def body(settings: SynthSettings, request: GenerationRequest) -> Json:
    return MessagesForm("vertex", model_of(settings)).body(request)


@provider(body=body, takes_temperature=False)
def vertex(settings: SynthSettings, default_model: str | None, offline: bool) -> Provider:
    """Vertex AI: ANTHROPIC_VERTEX_PROJECT_ID and CLOUD_ML_REGION, with Google's own credentials, or an access token in
    the variable that api_key_env names."""
    import os

    refuse_offline(settings, offline)
    if settings.batch:
        raise SettingsError("provider 'vertex' has no batch jobs here", fix="set synth.batch=false")
    chosen = MessagesForm("vertex", model_of(settings))
    sdk = official_client()
    given = {name: os.environ.get(name) for name in ("ANTHROPIC_VERTEX_PROJECT_ID", "CLOUD_ML_REGION")}
    for name, value in given.items():
        if not value:
            raise SettingsError(f"provider 'vertex' needs {name} in the environment", fix=f"export {name}=...")
    token = os.environ.get(settings.api_key_env) if settings.api_key_env else None
    if settings.api_key_env and not token:
        raise SettingsError(
            f"no token in the environment variable {settings.api_key_env}", fix=f"export {settings.api_key_env}=..."
        )
    if not token:
        require("vertex", "google.auth")

    def connect(http: Any) -> Any:
        return sdk.AsyncAnthropicVertex(
            project_id=given["ANTHROPIC_VERTEX_PROJECT_ID"],
            region=given["CLOUD_ML_REGION"],
            access_token=token,
            base_url=settings.base_url,
            timeout=settings.timeout,
            max_retries=0,
            http_client=http,
        )

    return Remote("vertex", chosen.model, settings.concurrency, chosen, settings.timeout, sdk, connect)

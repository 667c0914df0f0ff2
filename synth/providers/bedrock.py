"""Anthropic's models on Amazon Bedrock, through the official client."""

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
    return MessagesForm("bedrock", model_of(settings)).body(request)


@provider(body=body, takes_temperature=False)
def bedrock(settings: SynthSettings, default_model: str | None, offline: bool) -> Provider:
    """Amazon Bedrock: AWS's own credentials and AWS_REGION, or a key in the variable that api_key_env names, else
    in AWS_BEARER_TOKEN_BEDROCK."""
    import os

    refuse_offline(settings, offline)
    if settings.batch:
        raise SettingsError("provider 'bedrock' has no batch jobs here", fix="set synth.batch=false")
    chosen = MessagesForm("bedrock", model_of(settings))
    sdk = official_client()
    key = os.environ.get(settings.api_key_env or "AWS_BEARER_TOKEN_BEDROCK")
    if settings.api_key_env and not key:
        raise SettingsError(
            f"no key in the environment variable {settings.api_key_env}", fix=f"export {settings.api_key_env}=..."
        )
    if not key:
        require("bedrock", "boto3")  # what finds and uses AWS's credentials
    if not settings.base_url and not (os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")):
        raise SettingsError("provider 'bedrock' needs a region", fix="export AWS_REGION=...")

    def connect(http: Any) -> Any:
        return sdk.AsyncAnthropicBedrock(
            aws_region=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1",
            api_key=key,
            base_url=settings.base_url,
            timeout=settings.timeout,
            max_retries=0,
            http_client=http,
        )

    return Remote("bedrock", chosen.model, settings.concurrency, chosen, settings.timeout, sdk, connect)

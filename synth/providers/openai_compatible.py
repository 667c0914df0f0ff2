"""Any server that speaks OpenAI's chat completions: vLLM, Ollama, llama.cpp, LM Studio."""

from __future__ import annotations

from assay.errors import SettingsError
from assay.protocols import Provider

from ..provider import api_key, provider, refuse_offline
from ..settings import SynthSettings
from .openai import chat_completions


@provider
def openai_compatible(settings: SynthSettings, default_model: str | None, offline: bool) -> Provider:
    """A server by its base URL, for example http://127.0.0.1:11434/v1; a key only where api_key_env names one."""
    if not settings.base_url:
        raise SettingsError(
            "provider 'openai_compatible' needs the server's address", fix="set synth.base_url=http://127.0.0.1:8000/v1"
        )
    refuse_offline(settings, offline)
    key = api_key(settings, settings.api_key_env) if settings.api_key_env else "none"
    return chat_completions(
        settings,
        name="openai_compatible",
        base_url=settings.base_url,
        key=key,
        token_limit="max_tokens",
        model=settings.model,
    )

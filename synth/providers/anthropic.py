"""Anthropic's messages, through the official client."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assay.errors import ProviderError, SettingsError, missing_extra
from assay.protocols import Generation, GenerationRequest, Provider

from ..provider import api_key, provider, refuse_offline, status_error
from ..settings import SynthSettings

if TYPE_CHECKING:
    import anthropic as sdk

HOST = "https://api.anthropic.com"


@dataclass(frozen=True)
class Messages:
    """The messages API, which takes no temperature. The client's own retries are off: ours go through the journal."""

    model: str
    concurrency: int
    client: sdk.Anthropic = field(repr=False)
    name: str = "anthropic"
    batch_size: int = 1

    def generate(self, requests: Sequence[GenerationRequest]) -> list[Generation]:
        return [self._generate(request) for request in requests]

    def _generate(self, request: GenerationRequest) -> Generation:
        import anthropic as sdk

        system = "\n\n".join(m.content or "" for m in request.messages if m.role == "system")
        arguments: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": m.role, "content": m.content} for m in request.messages if m.role != "system"],
            "max_tokens": request.max_tokens,
        }
        if system:
            arguments["system"] = system
        try:
            answer = self.client.messages.create(**arguments)
        except sdk.APIStatusError as error:
            raise status_error(
                self.name, error.status_code, _error_type(error), error.response.headers.get("retry-after")
            ) from None
        except sdk.AnthropicError as error:
            raise ProviderError(f"{self.name}: {type(error).__name__}", fix="it is asked again later") from None
        except ValueError:
            raise ProviderError(f"{self.name} sent no JSON", fix="it is asked again later") from None
        return _read(self.model, answer)


def _error_type(error: sdk.APIStatusError) -> str | None:
    body = error.body
    inner = body.get("error") if isinstance(body, dict) else None
    return str(inner.get("type")) if isinstance(inner, dict) and inner.get("type") else None


def _read(model: str, answer: Any) -> Generation:
    blocks, usage = getattr(answer, "content", None), getattr(answer, "usage", None)
    if not isinstance(blocks, list) or usage is None:
        raise ProviderError("anthropic sent a message without content or usage", fix="it is asked again later")
    return Generation(
        text="".join(block.text for block in blocks if getattr(block, "type", None) == "text"),
        model=answer.model or model,
        input_tokens=int(usage.input_tokens or 0),
        output_tokens=int(usage.output_tokens or 0),
        stop_reason="length" if answer.stop_reason == "max_tokens" else "stop",
    )


@provider
def anthropic(settings: SynthSettings, default_model: str | None, offline: bool) -> Provider:
    """Anthropic; the key is read from ANTHROPIC_API_KEY."""
    refuse_offline(settings, offline)
    if not settings.model:
        raise SettingsError("provider 'anthropic' needs a model", fix="set synth.model")
    key = api_key(settings, "ANTHROPIC_API_KEY")
    try:
        import anthropic as sdk
    except ImportError as error:
        raise missing_extra("synth", error) from error
    client = sdk.Anthropic(
        api_key=key,
        base_url=settings.base_url or HOST,
        timeout=settings.timeout,
        max_retries=0,
        http_client=sdk.DefaultHttpxClient(follow_redirects=False, timeout=settings.timeout),
    )
    return Messages(settings.model, settings.concurrency, client)

"""Finds providers: one file each in `providers/`, or entry points "assay.providers"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, overload
from urllib.parse import urlsplit

from assay.errors import SettingsError
from assay.pricing import scaled
from assay.protocols import GenerationRequest, Price, Provider
from assay.records import Json
from assay.registry import Registry

from .settings import SynthSettings

FREE = Price(0.0, 0.0)
BATCH_FACTOR = 0.5
"""OpenAI's and Anthropic's alike."""


Make: TypeAlias = Callable[[SynthSettings, str | None, bool], Provider]
Body: TypeAlias = Callable[[SynthSettings, GenerationRequest], Json]


@dataclass(frozen=True)
class ProviderFactory:
    """function(settings, default_model, offline) -> Provider

    body  a request as it would be sent, for --dry-run; None: as messages
    """

    name: str
    function: Make
    body: Body | None = None


@overload
def provider(function: Make) -> ProviderFactory: ...


@overload
def provider(*, body: Body) -> Callable[[Make], ProviderFactory]: ...


def provider(
    function: Make | None = None, *, body: Body | None = None
) -> ProviderFactory | Callable[[Make], ProviderFactory]:
    """Decorates the function that makes a provider from settings; its name is the provider's."""

    def decorate(made: Make) -> ProviderFactory:
        return ProviderFactory(made.__name__, made, body)

    return decorate if function is None else decorate(function)


PROVIDERS: Registry[ProviderFactory] = Registry("assay.synth.providers", "assay.providers", "provider", ProviderFactory)


def make_provider(settings: SynthSettings, default_model: str | None, *, offline: bool = False) -> Provider:
    """Raises UnknownNameError, SettingsError, MissingExtraError."""
    return PROVIDERS.get(settings.provider).function(settings, default_model, offline)


def price_of(settings: SynthSettings) -> Price:
    """What a token costs. Raises SettingsError for a remote model without a price: a cap needs one."""
    live = _live_price(settings)
    return scaled(live, BATCH_FACTOR) if settings.batch else live


def _live_price(settings: SynthSettings) -> Price:
    if settings.price is not None:
        return settings.price
    if settings.provider == "local" or (settings.base_url and is_loopback(settings.base_url)):
        return FREE
    raise SettingsError(
        f"no price is known for {settings.provider} {settings.model or ''}".rstrip(),
        fix="give it in dollars a million tokens: synth.price={input: 0.15, output: 0.60}",
    )


def is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


def model_of(settings: SynthSettings) -> str:
    """Raises SettingsError where none is named."""
    if not settings.model:
        raise SettingsError(f"provider '{settings.provider}' needs a model", fix="set synth.model")
    return settings.model


def api_key(settings: SynthSettings, default_variable: str) -> str:
    """The key from the environment. Raises SettingsError that names the variable, never a value."""
    import os

    variable = settings.api_key_env or default_variable
    key = os.environ.get(variable)
    if not key:
        raise SettingsError(f"no key in the environment variable {variable}", fix=f"export {variable}=...")
    return key


def refuse_offline(settings: SynthSettings, offline: bool) -> None:
    if offline and not (settings.base_url and is_loopback(settings.base_url)):
        raise SettingsError(f"--offline, but provider '{settings.provider}' is remote", fix="use synth.provider=local")

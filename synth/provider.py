"""Finds providers: one file each in `providers/`, or entry points "assay.providers"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeAlias, overload
from urllib.parse import urlsplit

from assay.calls.pricing import scaled
from assay.errors import SettingsError
from assay.protocols import GenerationRequest, Price, Provider
from assay.records import Json
from assay.registry import Registry

from .costs.prices import MOST_DAYS, listed_price
from .settings import SynthSettings

FREE = Price(0.0, 0.0)
BATCH_FACTOR = 0.5
"""OpenAI's and Anthropic's alike."""


Make: TypeAlias = Callable[[SynthSettings, str | None, bool], Provider]
Body: TypeAlias = Callable[[SynthSettings, GenerationRequest], Json]


@dataclass(frozen=True)
class ProviderFactory:
    """function(settings, default_model, offline) -> Provider

    body               a request as it would be sent, for --dry-run; None: as messages
    takes_temperature  whether one is sent
    """

    name: str
    function: Make
    body: Body | None = None
    takes_temperature: bool = True


@overload
def provider(function: Make) -> ProviderFactory: ...


@overload
def provider(*, body: Body, takes_temperature: bool = True) -> Callable[[Make], ProviderFactory]: ...


def provider(
    function: Make | None = None, *, body: Body | None = None, takes_temperature: bool = True
) -> ProviderFactory | Callable[[Make], ProviderFactory]:
    """Decorates the function that makes a provider from settings; its name is the provider's."""

    def decorate(made: Make) -> ProviderFactory:
        return ProviderFactory(made.__name__, made, body, takes_temperature)

    return decorate if function is None else decorate(function)


PROVIDERS: Registry[ProviderFactory] = Registry("assay.synth.providers", "assay.providers", "provider", ProviderFactory)


def make_provider(settings: SynthSettings, default_model: str | None, *, offline: bool = False) -> Provider:
    """Raises UnknownNameError, SettingsError, MissingExtraError."""
    return PROVIDERS.get(settings.provider).function(settings, default_model, offline)


def check_temperature(settings: SynthSettings) -> None:
    """Raises SettingsError for one that would not be sent, and that the lineage would tell all the same."""
    if settings.temperature is not None and not PROVIDERS.get(settings.provider).takes_temperature:
        raise SettingsError(
            f"provider '{settings.provider}' is asked without a temperature, since its newer models take none",
            fix=f"leave temperature unset (it is {settings.temperature:g})",
        )


@dataclass(frozen=True)
class Priced:
    """of: where the price comes from, in words."""

    price: Price
    of: str


def price_of(settings: SynthSettings) -> Price:
    """What a token costs. Raises SettingsError for a remote model without a price: a cap needs one."""
    return priced(settings).price


def priced(settings: SynthSettings, today: date | None = None) -> Priced:
    """As `price_of`; today: by which the list's prices are young enough."""
    found = _live(settings, today or datetime.now(UTC).date())
    if not settings.batch:
        return found
    return Priced(scaled(found.price, BATCH_FACTOR), f"{found.of}, half of it in a batch job")


def _live(settings: SynthSettings, today: date) -> Priced:
    if settings.price is not None:
        return Priced(settings.price, "given in synth.price")
    if is_local(settings):
        return Priced(FREE, "on this machine")
    fix = "give it in dollars a million tokens: synth.price={input: 0.15, output: 0.60}"
    listed = None if settings.base_url else listed_price(settings.provider, settings.model or "")
    if listed is None:
        PROVIDERS.get(settings.provider)  # a name that is mistyped lacks no price
        model_of(settings)
        raise SettingsError(f"no price is known for {settings.provider} {settings.model or ''}".rstrip(), fix=fix)
    if listed.days_old(today) > MOST_DAYS:
        age = f"{listed.as_of}, {listed.days_old(today)} days ago"
        raise SettingsError(
            f"the price in the list for {settings.model} is of {age}", fix=f"see {listed.source}; {fix}"
        )
    return Priced(listed.price, f"{listed.source}, {listed.as_of}")


def is_local(settings: SynthSettings) -> bool:
    """Whether nothing leaves the machine."""
    return settings.provider == "local" or bool(settings.base_url and is_loopback(settings.base_url))


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

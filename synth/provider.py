"""Finds providers: one file each in `providers/`, or entry points "assay.providers"."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from assay.errors import ProviderError, ProviderRefusedError, SettingsError
from assay.protocols import Price, Provider
from assay.registry import Registry

from .settings import SynthSettings

FREE = Price(0.0, 0.0)
CODE = re.compile(r"[a-z]+(_[a-z]+)*")
RETRYABLE_STATUS = frozenset({408, 409, 429, 500, 502, 503, 504, 529})


@dataclass(frozen=True)
class ProviderFactory:
    """function(settings, default_model, offline) -> Provider"""

    name: str
    function: Callable[[SynthSettings, str | None, bool], Provider]


def provider(function: Callable[[SynthSettings, str | None, bool], Provider]) -> ProviderFactory:
    """Decorates the function that makes a provider from settings; its name is the provider's."""
    return ProviderFactory(function.__name__, function)


PROVIDERS: Registry[ProviderFactory] = Registry("assay.synth.providers", "assay.providers", "provider", ProviderFactory)


def make_provider(settings: SynthSettings, default_model: str | None, *, offline: bool = False) -> Provider:
    """Raises UnknownNameError, SettingsError, MissingExtraError."""
    return PROVIDERS.get(settings.provider).function(settings, default_model, offline)


def price_of(settings: SynthSettings) -> Price:
    """What a token costs. Raises SettingsError for a remote model without a price: a cap needs one."""
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


def status_error(provider_name: str, status: int, code: str | None, retry_after: str | None) -> ProviderError:
    """The error for an HTTP status. The server's own words are left out: they may quote the key or a record.

    So may what it sends for a code, unless that is one plain word.
    """
    reason = f"{provider_name} answered {status}" + (f" ({code})" if CODE.fullmatch(code or "") else "")
    if status in RETRYABLE_STATUS and code not in ("insufficient_quota", "billing_hard_limit_reached"):
        error = ProviderError(reason, fix="it is asked again later")
        error.retry_after, error.may_have_run = _seconds(retry_after), False
        return error
    fixes = {401: "check the key", 403: "check what the key may do", 404: "check synth.model and synth.base_url"}
    if 300 <= status < 400:  # the request would go to a host that the settings do not name
        fixes[status] = "it points to another address: name that as synth.base_url if you trust it"
    return ProviderRefusedError(reason, fix=fixes.get(status, "asking again cannot help"))


def _seconds(text: str | None) -> float:
    """A Retry-After header in seconds; dates, which it may also hold, count as no wish."""
    try:
        return max(0.0, float(text)) if text else 0.0
    except ValueError:
        return 0.0

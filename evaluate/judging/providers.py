"""The judges of a command: speaks to them through the providers that generation has too."""

from __future__ import annotations

from pathlib import Path

from assay.errors import SettingsError
from assay.protocols import Price, Provider

from .asking import Judges
from .settings import JudgeSettings


def judges(store: Path, *, offline: bool = False) -> Judges:
    """store: the folder of runs, where answers are kept."""

    def make(settings: JudgeSettings) -> tuple[Provider, Price]:
        return _make(settings, offline=offline)

    return Judges(make, store)


def _make(settings: JudgeSettings, *, offline: bool) -> tuple[Provider, Price]:
    """Raises UnknownNameError, SettingsError, MissingExtraError, ModelError."""
    from assay.stages import SynthSettings, make_provider, price_of

    given = SynthSettings(
        provider=settings.provider,
        model=settings.model,
        base_url=settings.base_url,
        api_key_env=settings.api_key_env,
        price=settings.price,
        concurrency=settings.concurrency,
        timeout=settings.timeout,
        max_tokens=settings.max_tokens,
        temperature=settings.temperature,
    )
    try:
        price = price_of(given)
    except SettingsError as error:
        raise SettingsError(
            f"no price is known for the judge {settings.name}",
            where="scorer llm_judge",
            fix="give it in dollars a million tokens: price: {input: 0.15, output: 0.60}",
        ) from error
    return make_provider(given, None, offline=offline), price

"""Who judges: the model that writes, or another one, asked through the same journal and under the same caps."""

from __future__ import annotations

import dataclasses

from assay.errors import SettingsError
from assay.protocols import Provider

from ..provider import Priced, priced
from ..settings import SynthSettings
from ..verifier import steps
from .personal import make_guarded_provider

OWN = (
    "The judge is the model that writes, and models rate their own answers higher than others do (Panickssery et al. "
    "2024, arXiv:2404.13076); synth.judge={provider: ..., model: ...} names another."
)


def is_asked(settings: SynthSettings) -> bool:
    """Whether a step asks a judge. Raises SettingsError."""
    return any(step.verifier.judges for step in steps(settings))


def judges_itself(settings: SynthSettings) -> bool:
    """Whether the judge is the writer: the same model at the same place."""
    return _place(judge_settings(settings)) == _place(settings)


def judge_settings(settings: SynthSettings) -> SynthSettings:
    """With which the judge is asked; the run's own where none is named. Raises SettingsError."""
    judge = settings.judge
    if judge is None:
        return settings
    provider = judge.provider or settings.provider
    same = provider == settings.provider and judge.base_url in (None, settings.base_url)
    model = judge.model or (settings.model if same else None)
    if model is None and provider != "local":
        raise SettingsError("synth.judge names a provider and no model", fix="set synth.judge.model")
    its_price = settings.price if same and model == settings.model else None
    return dataclasses.replace(
        settings,
        provider=provider,
        model=model,
        base_url=settings.base_url if same else judge.base_url,
        api_key_env=judge.api_key_env or (settings.api_key_env if same else None),
        api=judge.api or (settings.api if same else "chat"),
        batch=(settings.batch and provider == settings.provider) if judge.batch is None else judge.batch,
        price=judge.price or its_price,
        max_tokens=judge.max_tokens or settings.max_tokens,
        temperature=judge.temperature,
        judge=None,
    )


def judge_price(settings: SynthSettings) -> Priced:
    """Raises SettingsError where none is known."""
    try:
        return priced(judge_settings(settings))
    except SettingsError as error:
        fix = (error.fix or "").replace("synth.price", "synth.judge.price")
        raise SettingsError(error.what, where="synth.judge", fix=fix) from error


def make_judge(settings: SynthSettings, default_model: str | None, *, offline: bool = False) -> Provider | None:
    """None where nobody judges, or the writer does and is asked as it is for what it writes.

    Raises as `make_provider` does.
    """
    if settings.judge is None or not is_asked(settings):
        return None
    return make_guarded_provider(judge_settings(settings), default_model, offline=offline)


def in_words(settings: SynthSettings) -> str | None:
    """Who judges, and what that costs; None where nobody does. Raises SettingsError."""
    if not is_asked(settings):
        return None
    if judges_itself(settings):
        return OWN
    own, price = judge_settings(settings), judge_price(settings)
    return (
        f"Judge: {own.provider} {own.model or ''}".rstrip()
        + f", ${price.price.input:g} in, ${price.price.output:g} out, a million tokens ({price.of})."
    )


def _place(settings: SynthSettings) -> tuple[str, str | None, str | None]:
    return settings.provider, settings.model, settings.base_url

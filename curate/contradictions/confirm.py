"""Makes the confirmer that the settings name: an NLI model here, a judge by a provider that the command hands in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from assay.errors import SettingsError
from assay.protocols import Price, Provider

from .confirmers import Confirmer, ConfirmSettings, JudgeSettings, journal_path


def make_confirmer(settings: ConfirmSettings, *, offline: bool = False) -> Confirmer:
    """An NLI model. Raises SettingsError for a judge, which needs a provider, ModelError, MissingExtraError."""
    if settings.nli is not None:
        from .nli import load_nli

        return load_nli(settings.nli, offline=offline)
    raise SettingsError(
        "a judge needs a provider, and none was handed in",
        where="curate.checks.contradiction.confirm.judge",
        fix="run it by `assay audit` or `assay curate`, or pass confirmer= to audit()",
    )


def make_judge(
    settings: JudgeSettings, provider: Provider, price: Price, folder: Path, say: Callable[[str], None]
) -> Confirmer:
    """folder: where its journal is kept."""
    from .judge import Judge

    return Judge(
        provider,
        price,
        journal_path(folder),
        settings.max_usd,
        max_requests=settings.max_requests,
        max_retries=settings.max_retries,
        say=say,
    )

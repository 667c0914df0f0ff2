"""Curate's judgement as a function, for a stage that makes records and must have them judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from assay.dataset import Dataset
from assay.protocols import Audit, Judged

from .settings import CurateSettings, active_checks
from .stage import audit

if TYPE_CHECKING:
    from assay.chat import ChatTarget
    from assay.suites import EvaluationText, Suite


def make_audit(
    settings: CurateSettings | None = None,
    target: ChatTarget | None = None,
    suites: Sequence[Suite] = (),
    evaluation_texts: Sequence[EvaluationText] = (),
) -> Audit:
    """An `assay.protocols.Audit` with these settings. Raises SettingsError at once, not when it is first called."""
    chosen = settings or CurateSettings()
    active_checks(chosen)

    def judge(data: Dataset) -> Judged:
        audited = audit(data, chosen, target, suites, evaluation_texts)
        return Judged(audited.decided.ledger, audited.findings)

    return judge

"""Scores stored outputs again: for the sensitivity checks and for `assay verify`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .evaluation import SuiteResult


class Rescore(Protocol):
    """Scores outputs of a suite against references, as `SuiteResult.scorer` says, without a model."""

    def __call__(
        self,
        result: SuiteResult,
        outputs: Sequence[str],
        references: Sequence[str],
        contexts: Sequence[str | None],
    ) -> list[float] | None:
        """One score an output, in order; None where this suite cannot be scored again here.

        contexts  of the items: `Item.context`
        """
        ...

"""What is wrong with a suite, as `assay suite check` says it."""

from __future__ import annotations

from dataclasses import dataclass

from assay.findings import Severity
from assay.records import Json


@dataclass(frozen=True)
class SuiteProblem:
    """One thing that is wrong with a suite.

    severity  error: its scores would say nothing true; warning: look at it
    items     ids of those concerned
    quote     text of the suite that shows it; not said where record text is to stay out of reports
    """

    problem: str
    severity: Severity
    message: str
    items: tuple[str, ...] = ()
    quote: str = ""

    def text(self, *, redact: bool = False) -> str:
        return f"{self.message} ({self.quote})" if self.quote and not redact else self.message

    def to_json(self, *, redact: bool = False) -> dict[str, Json]:
        return {
            "problem": self.problem,
            "severity": str(self.severity),
            "message": self.text(redact=redact),
            "items": list(self.items),
        }

"""What a check may say: findings of its own, about the record it was given, that can be written down.

Checks of other packages are run beside assay's own. One that gives back something else would be met far from here, in
the ledger, in a report or on the way to another process; here it is the check that fails.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from assay.findings import Finding, Severity, Span

if TYPE_CHECKING:
    from assay.records import Record

    from .check import Check

FAILURES = (Exception, SystemExit)
"""What a check may raise and still cost nothing but its own findings; a library that it calls may want to exit."""


def sound(found: object, check: Check, record: Record | None = None) -> Finding:
    """The finding, if it is one of this check, about the record where there is one.

    Raises TypeError or ValueError that say what is wrong with it.
    """
    if not isinstance(found, Finding):
        raise TypeError(f"it gave {type(found).__name__} in place of a finding")
    if found.check != check.name:
        raise ValueError(f"it gave a finding of the check {found.check!r}")
    if record is not None and found.row_id != record.row_id:
        raise ValueError("it gave a finding about another record")
    if not isinstance(found.severity, Severity) or not isinstance(found.message, str):
        raise TypeError("a finding has no severity or no message")
    if not isinstance(found.span, Span | None) or not isinstance(found.group, str | None):
        raise TypeError("the span or group of a finding is none")
    if found.evidence:
        _check_evidence(dict(found.evidence))
    return found


def _check_evidence(evidence: dict[str, object]) -> None:
    import orjson

    try:
        orjson.dumps(evidence)
    except TypeError:  # a lone surrogate or a large number, which are JSON to Python, or what is no JSON at all
        json.dumps(evidence)

"""Why a record is dropped, mostly: one key each."""

from __future__ import annotations

REASONS = (
    "wrong fact",
    "out of date",
    "invented",
    "does not answer",
    "wrong label",
    "wrong format",
    "incomplete",
    "a copy",
    "unsafe",
)
"""By the digits 1 to 9."""


def reason_of(digit: str) -> str | None:
    """None for what is no key of a reason."""
    return REASONS[int(digit) - 1] if digit in tuple("123456789") else None

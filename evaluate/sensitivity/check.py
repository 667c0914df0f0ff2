"""One thing that was looked at before a suite may prove anything."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """ok is None for a check that could not be run; detail says what was seen, in words.

    quote  text of the data that shows it. It stands in reports for people alone, where they are not to be redacted:
           detail goes into reasons, certificates and logs
    """

    name: str
    ok: bool | None
    detail: str
    quote: str = ""

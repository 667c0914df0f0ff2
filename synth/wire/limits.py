"""What a server's headers say about how fast it lets itself be asked."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

from assay.calls.pacing import Allowance, Limits

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def ratelimit_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """By name in small letters; looking a dozen names up in the client's own headers took a twentieth of a request."""
    return {
        name.decode("latin-1").lower(): value.decode("latin-1")
        for name, value in raw
        if b"ratelimit" in name or b"RateLimit" in name
    }


def limits_of(headers: Mapping[str, str]) -> Limits:
    """OpenAI's `x-ratelimit-*` and Anthropic's `anthropic-ratelimit-*`; of those on tokens the one with least left."""
    if not headers:
        return Limits()
    read = _anthropic if any(name.startswith("anthropic-") for name in headers) else _openai
    kinds = ("tokens", "input-tokens", "output-tokens") if read is _anthropic else ("tokens",)
    tokens = [found for kind in kinds if (found := read(headers, kind)) is not None]
    return Limits(read(headers, "requests"), min(tokens, key=lambda allowance: allowance.left, default=None))


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that the server asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date; 0 for none."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    given = headers.get("retry-after")
    seconds = _number(given)
    if seconds is not None or not given:
        return seconds or 0.0
    try:
        return max(0.0, parsedate_to_datetime(given).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0


def _openai(headers: Mapping[str, str], kind: str) -> Allowance | None:
    """The reset is a duration: 1s, 6m0s, 120ms."""
    left = _number(headers.get(f"x-ratelimit-remaining-{kind}"))
    if left is None:
        return None
    most = _number(headers.get(f"x-ratelimit-limit-{kind}"))
    return Allowance(int(left), _whole(most), _duration(headers.get(f"x-ratelimit-reset-{kind}")))


def _anthropic(headers: Mapping[str, str], kind: str) -> Allowance | None:
    """The reset is a time, RFC 3339."""
    left = _number(headers.get(f"anthropic-ratelimit-{kind}-remaining"))
    if left is None:
        return None
    most = _number(headers.get(f"anthropic-ratelimit-{kind}-limit"))
    return Allowance(int(left), _whole(most), _until(headers.get(f"anthropic-ratelimit-{kind}-reset")))


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _number(text: str | None) -> float | None:
    """Not below 0; None for what is no number."""
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < float("inf") else None


def _duration(text: str | None) -> float:
    seconds = _number(text)
    if seconds is not None:
        return seconds
    return sum(float(value) * _SECONDS[unit] for value, unit in _PART.findall(text or ""))


def _until(text: str | None) -> float:
    try:
        return max(0.0, datetime.fromisoformat((text or "").replace("Z", "+00:00")).timestamp() - time.time())
    except ValueError:
        return 0.0

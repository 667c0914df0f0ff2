"""How long to wait before a request is sent again."""

from __future__ import annotations

import random

MAX_SECONDS = 30.0


def seconds(retry: int, retry_after: float) -> float:
    """Full jitter, doubling; never sooner than the server asked."""
    jittered = random.uniform(0, min(MAX_SECONDS, 0.5 * 2**retry))
    return max(jittered, retry_after)

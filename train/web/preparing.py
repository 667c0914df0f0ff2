"""What is done in a thread when the server starts."""

from __future__ import annotations

import time
from contextlib import suppress

from assay.web.site import Site

from .drafts import Drafts
from .look import NOT_TO_BE_SEEN

DAY = 24 * 3600.0
KEPT_DAYS = 14
"""A training that was put together and never started is kept so long."""


def prepare(site: Site) -> None:
    """Forgets what nobody came back to."""
    now = time.time()
    with suppress(OSError):
        Drafts(site).forget(now - KEPT_DAYS * DAY)
        for path in site.project.glob(f"{NOT_TO_BE_SEEN}*.yaml"):  # of a look that was killed
            if path.stat().st_mtime < now - DAY:
                path.unlink(missing_ok=True)

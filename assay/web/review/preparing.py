"""What the first page of the queue would wait for, done in a thread when the server starts."""

from __future__ import annotations

from contextlib import suppress

from assay.errors import AssayError

from ..rendering import environment
from ..site import Site
from .decisions import decisions_at
from .desk import opened_run
from .view import shown_of

PAGES = ("web/review_item.html", "web/review_parts.html", "web/review_done.html", "web/review_decisions.html")


def prepare(site: Site) -> None:
    """Templates, the decisions that there are, and the queue of the data that is looked at first."""
    for name in PAGES:
        environment(False).get_template(name)
    with suppress(AssayError, OSError):  # the page says what is wrong
        decisions_at(site.journal)
        for name in site.data_runs()[:1]:
            queue = opened_run(site.folder(name), site.seeds).queue
            for key in queue.keys[:1]:
                for side in queue.sides(key):
                    shown_of(side.item)

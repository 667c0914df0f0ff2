"""What the first page would wait for, done in a thread when the server starts."""

from __future__ import annotations

from contextlib import suppress

import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import AssayError
from assay.web.rendering import environment
from assay.web.site import Site

from .columns import columns_of
from .keeping import cache_of, tidy
from .overview import overview_of

PAGES = (
    *("web/base.html", "web/parts.html", "web/plots.html"),
    *("curate/overview.html", "curate/records.html", "curate/shelf.html"),
)


def prepare(site: Site) -> None:
    """Libraries, templates, and the columns of the data that is looked at first; then what is kept is tidied."""
    pc.fill_null(pa.array([True]), False)  # with the first value made of Python's, pyarrow imports pandas
    for name in PAGES:
        environment(False).get_template(name)
    with suppress(AssayError, OSError):  # the page says what is wrong
        for name in site.data_runs()[:1]:
            overview_of(site, name)
            columns = columns_of(site.folder(name))
            columns.row_ids()
            columns.counts  # noqa: B018 - read once, and kept
    tidy(cache_of(site))

"""`assay curate --diff OLD NEW`."""

from __future__ import annotations

from assay.console import Options, on_one_line
from assay.errors import Exit
from assay.storage import write_json

from ..pages.diff import render_diff, write_diff
from .difference import compare
from .version import read_version


def show_diff(options: Options, old: str, new: str) -> int:
    """Shows what a new version changes; with -o writes diff.html and diff.json there. Raises SourceError."""
    found = compare(*(read_version(name, offline=options.offline) for name in (old, new)))
    found = found.without_text() if options.redact else found
    options.show(render_diff(found))
    if options.output is not None:
        write_json(options.output / "diff.json", found.to_json())
        write_diff(found, options.output / "diff.html")
        options.show(f"  {on_one_line(options.output / 'diff.html')}    the records, with the words that changed")
    options.emit(found.to_json())
    return int(Exit.OK)

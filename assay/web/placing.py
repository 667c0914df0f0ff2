"""Places on this machine, as a page that leaves it may name them: from the project's folder, or by the name alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .site import Site

_ABSOLUTE = re.compile(r"(?<![\w:/.~<-])/(?:[^\s/'\"<>:;,()]+/)+(?=[^\s/'\"<>:;,()])")
"""The folders of an absolute path inside a line, but not of an address of the web."""


def placing(site: Site) -> Callable[[object], str]:
    """A function from a line that may name absolute paths to the line without them.

    What lies in the project is named from there; of all else the last part is left.
    """
    roots = [site.project, site.store.root.parent, site.store.root, *site.folders.values()]
    places = {place for root in roots for place in (root.resolve(), root.absolute())}
    known = [str(place) for place in places if len(place.parts) > 2]
    named = [(re.compile(rf"{re.escape(root)}(?![\w.-])"), Path(root).name) for root in known]

    def placed(text: object) -> str:
        line = str(text)
        for root in sorted(known, key=len):
            line = line.replace(f"{root}/", "")
        for pattern, name in named:
            line = pattern.sub(name.replace("\\", r"\\"), line)
        return _ABSOLUTE.sub("", line)

    return placed

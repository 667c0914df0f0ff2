"""Places on this machine, as a page that leaves it may name them: from the project's folder, or by the name alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .site import Site

_ABSOLUTE = re.compile(r"(?<![\w:/.~<-])/(?:[^\s/'\"<>:;,()]+/)+(?=[^\s/'\"<>:;,()])")
"""The folders of an absolute path inside a line, but not of an address of the web."""


def placing(site: Site) -> Callable[[object], str]:
    """A function from a line that may name absolute paths to the line without them.

    What lies in the project is named from there; of all else the last part is left.
    """
    from_project = leaving_out_roots(site)
    return lambda text: _ABSOLUTE.sub("", from_project(str(text)))


def leaving_out_roots(site: Site) -> Callable[[str], str]:
    """A function from a text, or a page, to the same without the folders of this site: the project's, the store's, and
    those that were opened."""
    roots = [site.project, site.store.root.parent, site.store.root, *site.folders.values()]
    places = {place for root in roots for place in (root.resolve(), root.absolute())}
    written = {form for place in places if len(place.parts) > 2 for form in (str(place), escape(str(place)))}
    known = sorted(written, key=len)
    named = [(re.compile(rf"{re.escape(root)}(?![\w-]|\.\w)"), root.rpartition("/")[2]) for root in known]

    def left_out(text: str) -> str:
        for root in known:
            text = text.replace(f"{root}/", "")
        for pattern, name in named:
            text = pattern.sub(name.replace("\\", r"\\"), text)
        return text

    return left_out

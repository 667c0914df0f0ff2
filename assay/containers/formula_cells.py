"""Cells that a spreadsheet would compute: written with an apostrophe before them, and read without it.

A record that begins with `=HYPERLINK(...)` must stay text when somebody opens the file to look at it. The apostrophe
is what spreadsheets and OWASP's page on CSV injection use; taking one off again on reading loses nothing, since a
cell that had one of its own gets another.
"""

from __future__ import annotations

import re

_COMPUTED = re.compile(r"'*[=+\-@\t\r]")
_ESCAPED = re.compile(r"'+[=+\-@\t\r]")


def escape(cell: str) -> str:
    """The cell as it is written."""
    return f"'{cell}" if _COMPUTED.match(cell) else cell


def unescape(cell: str) -> str:
    """The cell as it was before `escape`."""
    return cell[1:] if _ESCAPED.match(cell) else cell

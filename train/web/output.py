"""What a process has written, as a terminal would show its end."""

from __future__ import annotations

import os
import re
from pathlib import Path

READ = 64 * 1024
"""Bytes from the end."""

_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
"""Colours, movements and titles of a terminal (ECMA-48)."""

_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|CREDENTIAL", re.IGNORECASE)
SHORTEST_SECRET = 8


def last_lines(path: Path, most: int = 30) -> str:
    """Of a log; "" where there is none. Of a line that was written over, what stood there last.

    Values of this process's environment that are named like a secret are left out, in whatever message they stand.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - READ))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    if size > READ:
        text = text.partition("\n")[2]
    lines = [_overwritten(line).rstrip() for line in _SEQUENCE.sub("", text).rstrip().split("\n")]
    return without_secrets("\n".join(lines[-most:]))


def without_secrets(text: str) -> str:
    """The text with every value of a secret in the environment replaced by the variable's name."""
    for name, value in os.environ.items():
        if _SECRET.search(name) and len(value) >= SHORTEST_SECRET:
            text = text.replace(value, f"({name})")
    return text


def _overwritten(line: str) -> str:
    """
    >>> _overwritten("10 %\\r55 %\\r100 %\\r")
    '100 %'
    """
    return next((part for part in reversed(line.split("\r")) if part), "")

"""Logs of one JSON object a line, as a killed process may have left them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def read_lines(path: Path, make: Callable[..., T]) -> list[T]:
    """What `make` makes of each line's members, up to the first line that is not whole; none where there is no file."""
    found: list[T] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return found
    for line in lines:
        try:
            found.append(make(**json.loads(line)))
        except (ValueError, TypeError):
            break
    return found

"""Stand-ins: what is put in place of a conversation's contents, to see where a template writes them.

Four kinds, told apart by their spelling, so that one can be found again in whatever text it was written into:

    Zq12x7Kd        text
    Zi12xkkk7Kd     an id of a tool call, as long as the id that it stands for
    48151623420127  an integer;  4815162.3420127  a float
"""

from __future__ import annotations

import re
from typing import TypeAlias

Value: TypeAlias = "str | int | float"

PATTERN = re.compile(r"Zq(\d+)x7Kd|Zi(\d+)xk*7Kd|4815162342(\d{3})7|4815162\.342(\d{3})7")
_PROBED = re.compile(r"Zq(\d+)([^\sZ]{1,24}?)x7Kd")
SHORTEST_ID = 9
MOST = 1000


def text(number: int, probe: str = "") -> str:
    """probe: characters in the middle of it, which show how the place writes them."""
    return f"Zq{number}{probe}x7Kd"


def identifier(number: int, length: int) -> str:
    """Raises nothing for lengths from `SHORTEST_ID` on and numbers below `MOST`."""
    bare = f"Zi{number}x7Kd"
    return f"Zi{number}x{'k' * (length - len(bare))}7Kd"


def integer(number: int) -> int:
    return int(f"4815162342{number:03}7")


def fraction(number: int) -> float:
    return float(f"4815162.342{number:03}7")


def cut(written: str) -> tuple[list[str], list[int]]:
    """What stands before, between and after the stand-ins of a text, and their numbers."""
    literals, numbers, at = [], [], 0
    for match in PATTERN.finditer(written):
        literals.append(written[at : match.start()])
        numbers.append(_number(match))
        at = match.end()
    return [*literals, written[at:]], numbers


def probes_in(written: str) -> list[tuple[int, str]]:
    """The stand-ins of a text that have a probe in them, with what has become of it; "" for those that have none."""
    found = [(match.start(), _number(match), "") for match in PATTERN.finditer(written)]
    found += [(match.start(), int(match[1]), match[2]) for match in _PROBED.finditer(written)]
    return [(number, sign) for _, number, sign in sorted(found)]


def numbers_in(written: str) -> list[int]:
    """Of the stand-ins in a text, in their order."""
    return [_number(match) for match in PATTERN.finditer(written)]


def _number(match: re.Match[str]) -> int:
    return int(next(filter(None, match.groups())))


def stands_in(value: object) -> bool:
    """Whether a stand-in is in a text, or a number is one."""
    if isinstance(value, str):
        return PATTERN.search(value) is not None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return PATTERN.fullmatch(repr(value)) is not None
    return False

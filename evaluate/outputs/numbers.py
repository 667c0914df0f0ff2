"""Numbers as people and models write them."""

from __future__ import annotations

import re
from decimal import Decimal

NUMBER = re.compile(
    r"(?<![\w.])[-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d{1,4})?(?!\w)"  # 1,250.50 and 3e-4
    r"|(?<![\w.])[-+−]?\.\d+"  # .5
)


def numbers_in(text: str) -> list[Decimal]:
    """In order; `1,250.50` is read with its thousands."""
    return [Decimal(match.group().replace(",", "").replace("−", "-")) for match in NUMBER.finditer(text)]

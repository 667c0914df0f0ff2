"""A domain suite that is learned, and six general ones that are kept."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def domain(suite: Any) -> Any:
    return suite("support", n=300, p_base=0.3, gain=0.10, discordance=0.2, p_damaged=0.02, chance=None, kind="suite")


@pytest.fixture
def general(suite: Any) -> list[Any]:
    return [suite(f"general_{i}") for i in range(6)]

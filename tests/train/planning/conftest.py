"""A subject of a known shape, and lengths."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from assay.train.before.checked import checked_shape
from assay.train.planning.reading import from_config
from assay.train.planning.shapes import load_shapes
from assay.train.planning.stage import Subject
from assay.train.planning.workload import Lengths


@pytest.fixture(scope="session")
def subject() -> Callable[[str], Subject]:
    def made(name: str) -> Subject:
        return Subject(name, from_config(load_shapes(None).config(name), name))

    return made


@pytest.fixture(scope="session")
def lengths() -> Callable[..., Lengths]:
    def made(records: int = 5000, tokens: int = 500) -> Lengths:
        return Lengths(records, records * tokens, tokens, checked_shape([tokens] * min(records, 4)), 0.5, unequal=False)

    return made

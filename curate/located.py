"""A finding, and where in the data its record stands."""

from __future__ import annotations

from typing import NamedTuple

from assay.findings import Finding


class Located(NamedTuple):
    """position: of the record in the data, from 0."""

    position: int
    finding: Finding

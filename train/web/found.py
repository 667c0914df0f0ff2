"""What is known of a training before it starts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass
class Found:
    """What the page shows. refused: (data, model or settings; the line that `assay train` would end with)"""

    run: str = ""
    refused: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    preview: dict[str, Any] = dataclasses.field(default_factory=dict)
    plan: dict[str, Any] = dataclasses.field(default_factory=dict)
    audit: Audit | None = None


@dataclasses.dataclass(frozen=True)
class Audit:
    """fit: verdict and reasons. findings: {check: records}. failed: the line that the audit ended with"""

    fit: Mapping[str, Any]
    findings: Mapping[str, int]
    failed: str = ""

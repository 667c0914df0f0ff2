"""Findings about the groups of a tier."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from assay.findings import Finding
from assay.records import Record

from ..check import Check, place

if TYPE_CHECKING:
    from .tiers import Tier


def tier_findings(check: Check, records: Sequence[Record], tier: Tier, shared: str) -> Iterator[Finding]:
    """One a record of each group, with the record most similar to it. shared: words between share and place."""
    nearest = tier.tied.nearest()
    for group in tier.groups:
        name = min(records[position].id for position in group)
        for position in group:
            similarity, other = nearest[int(position)]
            record, alike = records[position], records[other]
            yield check.about(
                record,
                f"{similarity:.0%} {shared} {place(alike, record)}"
                + (f" ({len(group)} records alike)" if len(group) > 2 else ""),
                group=name,
                evidence={"other": alike.row_id, "similarity": round(similarity, 4)},
            )

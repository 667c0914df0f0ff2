"""Chooses the families that become a suite: at random in proportion to the labels, or the newest."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from assay.records import Record

from .records import Candidates


@dataclass(frozen=True)
class Bounds:
    """items  to be chosen, at most; records  that may leave training for it, relatives of items included."""

    items: int
    records: int


@dataclass
class _Room:
    """What is still free within the bounds."""

    items: int
    records: int

    def take(self, items: int, records: int) -> bool:
        if items > self.items or records > self.records:
            return False
        self.items -= items
        self.records -= records
        return True


def choose_random(candidates: Candidates, labels: Mapping[str, str], bounds: Bounds, seed: int) -> set[str]:
    """Names of families, the same for the same seed on any machine; each label gets its share of the items."""
    members = _members(candidates)
    by_label: dict[str, list[str]] = defaultdict(list)
    for family in sorted(members, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()):
        label = Counter(labels.get(record.row_id, "") for record in members[family]).most_common(1)[0][0]
        by_label[label].append(family)
    share = min(1.0, bounds.items / len(candidates.records)) if candidates.records else 0.0
    chosen: set[str] = set()
    room = _Room(bounds.items, bounds.records)
    wanted, taken = 0.0, 0
    # What one label could not give in whole families, the next one makes up for; so the sum stays in proportion.
    for label in sorted(by_label):
        wanted += share * sum(len(members[family]) for family in by_label[label])
        for family in by_label[label]:
            size = len(members[family])
            if taken + size / 2 <= wanted + 1e-9 and room.take(size, candidates.sizes[family]):
                chosen.add(family)
                taken += size
    return chosen


def choose_newest(candidates: Candidates, times: Mapping[str, datetime], bounds: Bounds) -> set[str]:
    """Names of families by their newest record; one that is too large is passed over, one without a time stays."""
    members = _members(candidates)
    newest: dict[str, datetime] = {}
    for row_id, family in candidates.families.items():
        moment = times.get(row_id)
        if moment is not None and family in members:
            newest[family] = max(moment, newest.get(family, moment))
    room = _Room(bounds.items, bounds.records)
    ordered = sorted(newest, key=lambda family: (newest[family], family), reverse=True)
    return {family for family in ordered if room.take(len(members[family]), candidates.sizes[family])}


def _members(candidates: Candidates) -> dict[str, Sequence[Record]]:
    members: dict[str, list[Record]] = defaultdict(list)
    for record in candidates.records:
        members[candidates.families[record.row_id]].append(record)
    return dict(members)

"""What was found in the records of a batch, kept for all checks that ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from assay.records import Record

if TYPE_CHECKING:
    from .pattern import Found
    from .strings import Text

KEY = "personal.looked"
"""Among what a context shares: the `Looked` of the batch that is looked at."""


class Place(NamedTuple):
    """A value and where it stands."""

    where: Text
    found: Found


@dataclass
class Looked:
    """At which records was looked, the signs of each of them, and what was found in some so far."""

    records: Sequence[Record]
    signs: Mapping[str, int]
    found: dict[str, Sequence[Place]] = field(default_factory=dict)

"""Groups of alike prompts whose answers have mixed styles: a clear majority, and a few that differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from assay.writing.style import FEATURES

from .columns import LEVELS

if TYPE_CHECKING:
    from ..column import Array


@dataclass(frozen=True)
class Level:
    """How prompts are alike, and what may then be compared.

    majority  the share that stands against the rest must be this high: the wider the group, the clearer
    features  those that do not depend on what exactly was asked
    """

    name: str
    majority: float
    features: tuple[str, ...]


_VOICE = ("address", "language", "emoji")
_LAYOUT = ("form", "headings", "bullets", "bold", "code")

COMPARED = (
    Level("template", 0.70, tuple(FEATURES)),
    Level("opening", 0.85, (*_LAYOUT, *_VOICE, "person")),
    Level("topic", 0.90, (*_LAYOUT, *_VOICE)),
    Level("source", 0.90, (*_LAYOUT, *_VOICE, "person")),
    Level("system", 0.90, (*_LAYOUT, *_VOICE, "person")),
    Level("all", 0.90, (*_LAYOUT, *_VOICE, "person")),
)
"""From the narrowest to the widest; a record is told of a feature once, in the narrowest group where it differs."""

_OF_A_LANGUAGE = ("person", "address")
"""Each language has its own ways: compared are answers in the same one."""

NARROWER = 5
"""So many records of a narrower group that mostly agree with a dissenter are a task of their own."""


class Mix(NamedTuple):
    """One group, one feature, and one style that differs from the majority's.

    majority, minority  positions of the records, in order
    values              (of the majority, of the minority)
    known               records of the group of which the feature says something
    """

    level: str
    key: int
    feature: str
    values: tuple[int, int]
    majority: Array
    minority: Array
    known: int

    @property
    def share(self) -> float:
        return len(self.majority) / self.known


def find_mixes(
    kinds: Array, styles: Array, topics: Array, least_majority: float, min_group: int, min_minority: int
) -> Iterator[Mix]:
    """The mixes of every level, narrowest first; kinds and styles are the columns of columns.py.

    topics  of each record, 0 for none, shape [records]
    """
    import numpy as np

    told = np.zeros(styles.shape, bool)
    narrow = [group_by(kinds[:, level]) for level in range(2)]
    for level in COMPARED:
        if level.name == "all":
            keys: Array = np.asarray(styles.any(axis=1), np.uint64)
        else:
            keys = topics if level.name == "topic" else kinds[:, LEVELS.index(level.name)]
        languages = styles[:, list(FEATURES).index("language")]
        large = _at_least(group_by(keys), min_group)
        large_by_language = _at_least(group_by(_with(keys, languages)), min_group)
        narrower = narrow[: LEVELS.index(level.name)] if level.name in LEVELS[:2] else narrow
        for feature in level.features:
            column = list(FEATURES).index(feature)
            own: Array | None = None
            threshold = max(level.majority, least_majority)
            groups = large_by_language if feature in _OF_A_LANGUAGE else large
            for mix in _of_feature(groups, styles[:, column], threshold, min_group, min_minority):
                own = _own_task(narrower, styles[:, column]) if own is None else own
                minority = mix.minority[~told[mix.minority, column] & ~own[mix.minority]]
                if len(minority) >= min_minority:
                    told[minority, column] = True
                    yield mix._replace(level=level.name, feature=feature, minority=minority)


class Grouped(NamedTuple):
    """groups[i] is the group of record i, -1 for none; order lists records by group, starts where each begins."""

    keys: Array
    groups: Array
    sizes: Array
    order: Array
    starts: Array


def _with(keys: Array, values: Array) -> Array:
    """Keys of groups that are equal only where the values are, too; 0 stays 0."""
    import numpy as np

    mixed = keys ^ ((values.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15))
    return np.where(keys == 0, np.uint64(0), mixed)


def group_by(keys: Array) -> Grouped:
    import numpy as np

    unique, groups = np.unique(keys, return_inverse=True)
    groups = groups.reshape(-1).astype(np.int64)
    if len(unique) and unique[0] == 0:
        unique, groups = unique[1:], groups - 1
    order = np.argsort(groups, kind="stable")
    order = order[np.searchsorted(groups[order], 0) :]
    sizes = np.bincount(groups[groups >= 0], minlength=len(unique))
    return Grouped(unique, groups, sizes, order, np.concatenate([[0], np.cumsum(sizes)]))


def _at_least(grouped: Grouped, size: int) -> Grouped:
    """Its groups of so many records and more."""
    import numpy as np

    large = grouped.sizes >= size
    renumbered = np.append(np.where(large, np.cumsum(large) - 1, -1), -1)  # the last one is for records of no group
    groups = renumbered[grouped.groups]
    sizes = grouped.sizes[large]
    order = grouped.order[groups[grouped.order] >= 0]
    return Grouped(grouped.keys[large], groups, sizes, order, np.concatenate([[0], np.cumsum(sizes)]))


def _counts(grouped: Grouped, values: Array) -> Array:
    """Of each group how often each value occurs; shape [groups, values]."""
    import numpy as np

    width = int(values.max(initial=0)) + 1
    inside = grouped.groups >= 0
    flat = grouped.groups[inside] * width + values[inside]
    return np.bincount(flat, minlength=len(grouped.keys) * width).reshape(len(grouped.keys), width)


def _own_task(narrower: list[Grouped], values: Array) -> Array:
    """Records whose narrower group mostly has their value: the task asks for it, whatever the wider group does."""
    import numpy as np

    own = np.zeros(len(values), bool)
    for grouped in narrower:
        if not len(grouped.keys):
            continue
        counts = _counts(grouped, values)
        inside = grouped.groups >= 0
        groups = grouped.groups[inside]
        same = counts[groups, values[inside]]
        known = counts[groups, 1:].sum(axis=1)
        own[inside] |= (grouped.sizes[groups] >= NARROWER) & (same * 2 >= known)
    return own


def _of_feature(grouped: Grouped, values: Array, threshold: float, min_group: int, min_minority: int) -> Iterator[Mix]:
    import numpy as np

    if not len(grouped.keys):
        return
    counts = _counts(grouped, values)
    counts[:, 0] = 0
    known = counts.sum(axis=1)
    most = counts.argmax(axis=1)
    clear = (known >= min_group) & (counts.max(axis=1, initial=0) >= threshold * known)
    counts[np.arange(len(counts)), most] = 0
    for group, value in np.argwhere(clear[:, None] & (counts >= min_minority)):
        members = grouped.order[grouped.starts[group] : grouped.starts[group + 1]]
        of_members = values[members]
        yield Mix(
            "",
            int(grouped.keys[group]),
            "",
            (int(most[group]), int(value)),
            members[of_members == most[group]],
            members[of_members == value],
            int(known[group]),
        )

"""The style that most answers have, and where one strays from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from assay.writing.style import FEATURES, Style

LEAST_SHOWN = 5
"""Answers that show a feature, below which there is no majority to speak of."""


def majority(styles: Sequence[Style], features: Sequence[str], min_share: float) -> dict[str, int]:
    """{feature: the value that at least `min_share` of the answers that show it have}; features without one are left
    out. Raises KeyError for what is no feature."""
    found: dict[str, int] = {}
    for feature in features:
        FEATURES[feature]
        counts = Counter(value for style in styles if (value := int(getattr(style, feature))))
        if sum(counts.values()) < LEAST_SHOWN:
            continue
        value, count = min(counts.items(), key=lambda item: (-item[1], item[0]))
        if count >= min_share * sum(counts.values()):
            found[feature] = value
    return found


def differing(style: Style, wanted: Mapping[str, int]) -> list[str]:
    """Features in which a style shows another value than the wanted one."""
    return [name for name, value in wanted.items() if int(getattr(style, name)) not in (0, value)]


def described(wanted: Mapping[str, int]) -> list[str]:
    """The names of the values, for a prompt."""
    return [FEATURES[name][value] for name, value in wanted.items()]

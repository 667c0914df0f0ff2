"""Which checks set records against one another: people decide on all of such a group at once."""

from __future__ import annotations

CONTRADICTIONS = ("contradiction", "conflicting_answers")
EXACT = "exact_duplicate"
"""Copies of it have nothing to compare, and one decision, by content, is about all of them."""

DUPLICATES = (
    "edited_duplicate",
    "reworded_answer",
    "same_meaning",
    "near_duplicate",
    "normalised_duplicate",
    EXACT,
)
"""Checks that keep one row of a cluster; the first that found something says beside which record it is shown."""

LABELS = ("label_noise",)

OPPOSED = frozenset({*CONTRADICTIONS, *DUPLICATES})
"""Where all but one of a group are dropped, nothing is left that speaks against the one."""

from __future__ import annotations

from collections.abc import Sequence

from assay.errors import did_you_mean
from assay.writing.style import FEATURES, style_of

from ..scorer import scorer


@scorer(text_reference=True)
def same_style(output: str, reference: str, *, features: Sequence[str] = ()) -> float:
    """The share of features of style in which the output is like the reference, whatever it says.

    For references in the style of the house: form, length, headings, bullets, bold, code, person, address,
    contractions, exclamation, emoji, apology, closing, language. `features` names those that count; without it, all.
    What the reference says nothing of (the layout of one word, the person of a text in Finnish) does not count.
    """
    for name in features:
        if name not in FEATURES:
            raise ValueError(f"there is no feature of style '{name}'; {did_you_mean(name, FEATURES)}")
    given, wanted = style_of(output), style_of(reference)
    counted = [name for name in features or FEATURES if wanted.value(name)]
    if not counted:
        raise ValueError(f"the reference {reference!r:.60} says nothing of its style")
    return sum(given.value(name) == wanted.value(name) for name in counted) / len(counted)

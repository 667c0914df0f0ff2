"""Which kinds of values may stand in which text, as bits: two walks over the bytes of many texts at once, compiled.

Each shape (`shapes.py`) has a bit, and each kind of secret one of its own. A bit that is set says that a look is worth
it; one that is not, that nothing of the kind stands there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from ..cues import Automaton, Cues, utf8
from .digits import OTHER_DIGITS, in_ascii
from .pattern import Pattern
from .secrets import SECRETS
from .shapes import GATES

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

EVERYTHING = -1
"""The bits of a text at which nobody looked."""

_AT = Cues("@")


def _of_literals(pattern: Pattern) -> Cues:
    small = [literal for literal in pattern.literals if literal == literal.lower()]
    return Cues(*(literal for literal in pattern.literals if literal not in small), any_case=small)


_SETS: Mapping[str, Cues] = {
    **{shape: gate.cues for shape, gate in GATES.items() if gate.cues != Cues()},
    **{pattern.name: _of_literals(pattern) for pattern in SECRETS},
}
_NUMBER, _LETTERED = 1 << 60, 1 << 61
_BITS: Mapping[str, int] = {
    **{name: 1 << place for place, name in enumerate(_SETS)}, "number": _NUMBER, "lettered": _LETTERED
}  # fmt: skip


def bit_of(pattern: Pattern) -> int:
    """Set where a value of the pattern may stand."""
    return _BITS[pattern.name if pattern.shape == "token" else pattern.shape]


@cache
def _automaton() -> Automaton:
    """Its bits are those of _BITS, and a few more."""
    return Automaton([*_SETS.values(), OTHER_DIGITS, _AT])


def signs_of(texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """The bits of each text, shape [texts]: 0 for most."""
    import numpy as np

    signs, others = _signs(texts)
    found = np.flatnonzero(others).tolist()
    if found:
        signs[found] |= _signs([in_ascii(texts[place]) for place in found])[0]
    return signs


def _signs(texts: Sequence[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The bits, and in which texts there are digits of other scripts."""
    import numpy as np

    from .digit_kernel import digit_signs

    automaton = _automaton()
    data, offsets = utf8(texts)
    marks = automaton.masks(data, offsets)
    signs = marks & ((1 << len(_SETS)) - 1)
    digit_signs(data, offsets, np.int64(_NUMBER), np.int64(_LETTERED), np.int64(_BITS["address"]), signs)
    signs[marks & automaton.bits[_AT] == 0] &= ~_BITS["url_credentials"]
    return signs, marks & automaton.bits[OTHER_DIGITS] != 0

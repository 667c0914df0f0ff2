"""The walk of the automaton of `cues.py`, compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = TypeVar("Function", bound=Callable[..., Any])

    def compiled(function: Function) -> Function: ...

else:
    from numba import njit

    compiled = njit(cache=True, nogil=True)


@compiled
def mark(
    data: Any, offsets: Any, classes: Any, transitions: Any, found: Any, long_bits: Any, long_word: Any, masks: Any
) -> None:
    """Into `masks` of each text the bits of what is found in it; long_bits where long_word letters stand on end."""
    after_line_break = transitions[0, classes[10]]
    for text in range(len(masks)):
        state, mask, run = after_line_break, 0, 0
        for position in range(offsets[text], offsets[text + 1]):
            byte = data[position]
            state = transitions[state, classes[byte]]
            mask |= found[state]
            lower = byte | 32
            run = run + 1 if (97 <= lower <= 122) or (48 <= byte <= 57) else 0
            if run == long_word:
                mask |= long_bits
        masks[text] = mask | found[transitions[state, classes[10]]]

"""Which of many texts may run in a loop: the share of distinct trigrams of loops.py, counted in one compiled walk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from .loops import DISTINCT_TRIGRAMS, RUN, WINDOW_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = TypeVar("Function", bound=Callable[..., Any])

    def compiled(function: Function) -> Function: ...

else:
    from numba import njit

    compiled = njit(cache=True, nogil=True)

_FNV_OFFSET, _FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_MIX, _SHIFT = np.uint64(0x9E3779B97F4A7C15), np.uint64(29)


def may_loop(texts: Sequence[str]) -> npt.NDArray[np.bool_]:
    """False where `find_loop` finds nothing for certain; True for what is not ASCII, holds code, or is very long.

    Two trigrams with one hash count as one, which makes a text no less likely to be looked at.
    """
    plain = [text if _is_plain(text) else "" for text in texts]
    offsets = np.zeros(len(plain) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, plain), np.int64, len(plain)), out=offsets[1:])
    out = np.fromiter((bool(text) and not kept for text, kept in zip(texts, plain, strict=True)), np.bool_, len(plain))
    slots = 16
    while slots < 2 * int(np.diff(offsets).max(initial=0)):
        slots *= 2
    data = np.frombuffer("".join(plain).encode(), np.uint8)
    _walk(data, offsets, np.zeros(slots, np.uint64), np.full(slots, -1, np.int64), out)
    return out


def _is_plain(text: str) -> bool:
    return text.isascii() and "`" not in text and "\\" not in text and len(text) <= 2 * WINDOW_CHARACTERS


@compiled
def _walk(data: Any, offsets: Any, keys: Any, owners: Any, out: Any) -> None:
    for text in range(len(out)):
        start, end = offsets[text], offsets[text + 1]
        if start == end:
            continue
        slots = 16
        while slots < 2 * (end - start):
            slots *= 2
        mask = np.uint64(slots - 1)
        tokens, distinct, longest = 0, 0, 0
        before, last = np.uint64(0), np.uint64(0)
        position = start
        while position < end:
            byte = data[position]
            begin = position
            position += 1
            if byte == 32 or 9 <= byte <= 13 or 28 <= byte <= 31:
                continue
            lower = byte | 32
            token = _FNV_OFFSET ^ np.uint64(byte)
            if 97 <= lower <= 122 or 48 <= byte <= 57:
                token = (_FNV_OFFSET ^ np.uint64(lower)) * _FNV_PRIME
                while position < end:
                    byte = data[position]
                    lower = byte | 32
                    if not (97 <= lower <= 122 or 48 <= byte <= 57):
                        break
                    token = (token ^ np.uint64(lower)) * _FNV_PRIME
                    position += 1
                longest = max(longest, position - begin)
            tokens += 1
            if tokens > 2:
                trigram = ((before * _FNV_PRIME ^ last) * _MIX ^ token) * _MIX
                slot = (trigram >> _SHIFT) & mask
                while owners[slot] == text and keys[slot] != trigram:
                    slot = (slot + np.uint64(1)) & mask
                if owners[slot] != text:
                    owners[slot], keys[slot] = text, trigram
                    distinct += 1
            before, last = last, token
        out[text] = longest >= RUN or not distinct > DISTINCT_TRIGRAMS * (tokens - 2)

"""Where numbers stand that may be somebody's: one walk over the bytes of many texts, compiled.

A number of a person or a telephone has seven digits and more, with at most two separators between two of them; dates
and ranges of years have seven and eight as well and are passed over. An identifier with letters has digits right
beside capitals, or beside two letters. What is marked here is looked at closely in `scan.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = TypeVar("Function", bound=Callable[..., Any])

    def compiled(function: Function) -> Function: ...

else:
    from numba import njit

    compiled = njit(cache=True, nogil=True)

SHORTEST, LONGEST_DATE = 7, 8
"""Digits of the shortest number that counts, and of the longest date."""

SPACE, HYPHEN, DOT, SLASH, OPEN, CLOSE = 32, 45, 46, 47, 40, 41


@compiled
def digit_signs(data: Any, offsets: Any, number: Any, lettered: Any, address: Any, masks: Any) -> None:
    """Into `masks` of each text the bits of what may stand in it: a number, one with letters, a postal code."""
    for text in range(len(masks)):
        masks[text] |= _signs(data[offsets[text] : offsets[text + 1]], number, lettered, address)


@compiled
def _signs(text: Any, number: Any, lettered: Any, address: Any) -> Any:
    mask = 0
    digits, start, end = 0, 0, -9
    position, length = 0, len(text)
    while position < length:
        if not _is_digit(text, position):
            position += 1
            continue
        first = position
        while position < length and _is_digit(text, position):
            position += 1
        if not _goes_on(text, end, first):
            if digits >= SHORTEST and not (digits <= LONGEST_DATE and _is_date(text, start, end)):
                mask |= number
            digits, start = 0, first
        digits += position - first
        end = position
        if _beside_letters(text, first, position):
            mask |= lettered
        if position - first >= 5 and _is_after_a_word(text, first):
            mask |= address
    if digits >= SHORTEST and not (digits <= LONGEST_DATE and _is_date(text, start, end)):
        mask |= number
    return mask


@compiled
def _is_digit(text: Any, position: Any) -> Any:
    return 48 <= text[position] <= 57


@compiled
def _is_capital(text: Any, position: Any) -> Any:
    return position >= 0 and 65 <= text[position] <= 90


@compiled
def _is_letter(text: Any, position: Any) -> Any:
    return position >= 0 and 97 <= text[position] | 32 <= 122


@compiled
def _goes_on(text: Any, end: Any, first: Any) -> Any:
    """Whether the digits from `first` on belong to the number that ended: at most two separators between them."""
    if first - end > 2:
        return False
    for position in range(end, first):
        byte = text[position]
        if byte not in (SPACE, HYPHEN, DOT, SLASH, OPEN, CLOSE):
            return False
    return True


@compiled
def _beside_letters(text: Any, first: Any, end: Any) -> Any:
    """Whether digits [first, end) may be part of an identifier with letters: of all that GATES["lettered"] matches,
    and of little else.
    """
    count = end - first
    if count >= SHORTEST:
        return True
    if count >= 2 and _is_letter(text, first - 1) and _is_letter(text, first - 2):
        return True
    between = first > 0 and text[first - 1] in (SPACE, HYPHEN)
    if count >= 2 and between and _is_capital(text, first - 2) and _is_capital(text, first - 3):
        return True
    if count >= 3 and _is_capital(text, first - (2 if between else 1)):
        return count >= 6 or (end + 1 < len(text) and text[end] == HYPHEN and _is_digit(text, end + 1))
    if end >= len(text):
        return False
    if count >= 6:
        return text[end] in (HYPHEN, 43) or _is_capital(text, end)
    return _in_pairs(text, end)


@compiled
def _is_after_a_word(text: Any, first: Any) -> Any:
    """Whether a letter stands before, with at most a comma, two spaces and a line break between."""
    place = first - 1
    if place >= 0 and text[place] == 10:
        place -= 1
    for _ in range(2):
        if place >= 0 and text[place] == SPACE:
            place -= 1
    if place >= 0 and text[place] == 44:
        place -= 1
    return _is_letter(text, place)


@compiled
def _in_pairs(text: Any, end: Any) -> Any:
    """Whether digits go on as " 55 08 2A ": a French number begins like that."""
    return (
        end + 9 < len(text)
        and text[end] == text[end + 3] == text[end + 6] == text[end + 9] == SPACE
        and _run(text, end + 1) == 2
        and _run(text, end + 4) == 2
    )


@compiled
def _is_year(text: Any, start: Any) -> Any:
    return text[start] == 49 or (text[start] == 50 and text[start + 1] == 48)


@compiled
def _is_date(text: Any, start: Any, end: Any) -> Any:
    """Two years, or a year before or after a month and a day, all with the same separator."""
    first, last = _run(text, start), _run_before(text, end)
    if first == 4 and last == 4:
        return _is_year(text, start) and _is_year(text, end - 4) and _is_to(text, start + 4, end - 4)
    if first == 4:
        return _is_year(text, start) and _is_day_and_month(text, start + 5, end, text[start + 4], 49)
    if last == 4:
        return _is_year(text, end - 4) and _is_day_and_month(text, start, end - 5, text[end - 5], 51)
    return False


@compiled
def _is_to(text: Any, start: Any, end: Any) -> Any:
    """A hyphen, or a hyphen and a space."""
    if end - start == 1:
        return text[start] == HYPHEN
    return (text[start] == HYPHEN and text[start + 1] == SPACE) or (text[start] == SPACE and text[start + 1] == HYPHEN)


@compiled
def _is_day_and_month(text: Any, start: Any, end: Any, separator: Any, greatest: Any) -> Any:
    """One or two digits of which the first is at most `greatest`, the separator, one or two digits."""
    if separator not in (HYPHEN, DOT, SLASH):
        return False
    first = _run(text, start)
    place = start + first
    last = end - place - 1
    if not (1 <= first <= 2 and place < end and text[place] == separator and 1 <= last <= 2):
        return False
    low = (first == 1 or text[start] <= greatest) and (last == 1 or text[place + 1] <= 51)
    return low and _run(text, place + 1) >= last


@compiled
def _run(text: Any, start: Any) -> Any:
    """Digits on end from `start` on, up to five."""
    count = 0
    while count < 5 and start + count < len(text) and _is_digit(text, start + count):
        count += 1
    return count


@compiled
def _run_before(text: Any, end: Any) -> Any:
    """Digits on end before `end`, up to five."""
    count = 0
    while count < 5 and end - count > 0 and _is_digit(text, end - count - 1):
        count += 1
    return count

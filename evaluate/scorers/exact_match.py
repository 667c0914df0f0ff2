from __future__ import annotations

from ..scorer import scorer


@scorer(text_reference=True)
def exact_match(output: str, reference: str, *, ignore_case: bool = False) -> float:
    """1 when the output is the reference, white space around it aside.

    For labels and other answers of a fixed form: `refund_status` against `refund_status`.
    """
    given, expected = output.strip(), reference.strip()
    if ignore_case:
        given, expected = given.casefold(), expected.casefold()
    return float(given == expected)

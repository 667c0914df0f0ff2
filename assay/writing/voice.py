"""Who speaks in a text and how the reader is addressed: person and form of address, by language.

Tables of function words, made for English, German, Spanish, French, Chinese and Japanese; elsewhere nothing is said.
What a word alone cannot tell (German "Sie" at the beginning of a sentence, Spanish "su") is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

LANGUAGES = ("en", "de", "es", "fr", "zh", "ja")
"""Those in which person is judged; address is judged in all of them but English, which has one form."""

FEWEST_WORDS = 8
"""A text of fewer words without any pronoun says nothing of its person."""


class Person(IntEnum):
    """Whose words they are. UNKNOWN also stands for a text in which both "I" and "we" speak."""

    UNKNOWN = 0
    I = 1  # noqa: E741 - the pronoun
    WE = 2
    YOU = 3
    IMPERSONAL = 4


class Address(IntEnum):
    """Sie, usted, vous, 您 and polite Japanese against du, tú, tu, 你 and plain Japanese; UNKNOWN when mixed."""

    UNKNOWN = 0
    FORMAL = 1
    INFORMAL = 2


@dataclass(frozen=True)
class _Words:
    """Words of a language that has spaces, as they stand in running text."""

    i: frozenset[str]
    we: frozenset[str]
    you: frozenset[str]
    formal: frozenset[str] = frozenset()
    informal: frozenset[str] = frozenset()


def _words(text: str) -> frozenset[str]:
    """The words, each also with a capital."""
    return frozenset(form for word in text.split() for form in (word, word[:1].upper() + word[1:]))


def _exact(text: str) -> frozenset[str]:
    """The words as they are written."""
    return frozenset(text.split())


SPACED: Mapping[str, _Words] = {
    "en": _Words(
        i=_words("I I'm I've I'll I'd I’m I’ve I’ll I’d my me myself mine"),
        we=_words("we we're we've we'll we'd we’re we’ve we’ll we’d our us ours ourselves"),
        you=_words("you you're you've you'll you’re you’ve you’ll your yours yourself"),
    ),
    "de": _Words(
        i=_words("ich mir mich mein meine meinen meinem meiner meines"),
        we=_words("wir uns unser unsere unseren unserem unserer unseres"),
        you=_words("du dich dir dein deine deinen deinem deiner") | _exact("Sie Ihnen Ihre Ihren Ihrem Ihrer"),
        formal=_exact("Sie Ihnen Ihre Ihren Ihrem Ihrer Ihres Ihr"),
        informal=_words("du dich dir dein deine deinen deinem deiner deines euch eure euren eurem eurer"),
    ),
    "es": _Words(
        i=_words("yo mi mis mí conmigo puedo tengo creo soy estoy"),
        we=_words("nosotros nosotras nuestro nuestra nuestros nuestras nos podemos tenemos ofrecemos somos estamos"),
        you=_words("usted ustedes tú tu tus ti te contigo puedes tienes quieres debes"),
        formal=_words("usted ustedes ud. uds.")
        | _exact("Haga Pulse Introduzca Seleccione Consulte Verifique Póngase Diríjase Indique Escríbanos"),
        informal=_words("tú tu tus ti te contigo puedes tienes quieres debes necesitas estás eres podrás tendrás")
        | _exact("Haz Ponte Dinos Escríbenos Elige Introduce"),
    ),
    "fr": _Words(
        i=_words("je moi mon ma mes me j'ai j’ai"),
        we=_words("nous notre nos"),
        you=_words("vous votre vos tu toi tes"),
        formal=_words("vous votre vos vous-même"),
        informal=_words("tu toi tes t'es t’es t'as t’as"),
    ),
}

_EDGES = '.,;:!?()[]"“”„«»…*_'
_SENTENCE_ENDS = (".", "!", "?", ":", "…", '"', "“", "”", "„", "»", "«", "*", "-", "•")

_POLITE = re.compile(r"(?:です|ます|ません|ました|でした|ましょう|ください|下さい)[かねよ]{0,2}(?=[。！？!?\n）」]|$)")
_PLAIN = re.compile(
    r"(?:だ|である|だった|する|した|ない|いる|ある|れる|った|なる|せる|よう)[よねな]?(?=[。！？!?\n]|$)"
)


_UNSPACED_PERSON: Mapping[tuple[str, Person], re.Pattern[str]] = {
    ("zh", Person.I): re.compile("我(?!们)"),
    ("zh", Person.WE): re.compile("我们|本公司"),
    ("ja", Person.I): re.compile("私(?!たち|ども)|僕|俺"),
    ("ja", Person.WE): re.compile("私たち|私ども|わたしたち|弊社|当社|我々"),
}
_UNSPACED_YOU = ("你", "您", "あなた")
_UNSPACED_ADDRESS: Mapping[tuple[str, Address], re.Pattern[str]] = {
    ("zh", Address.FORMAL): re.compile("您"),
    ("zh", Address.INFORMAL): re.compile("你"),
    ("ja", Address.FORMAL): _POLITE,
    ("ja", Address.INFORMAL): _PLAIN,
}


def is_judged(language: str) -> bool:
    """Whether `person_of` can say anything of a text in this language."""
    return language in LANGUAGES


def person_of(text: str, words: frozenset[str] | set[str], language: str) -> Person:
    """words are the text's, split at white space."""
    if language in ("zh", "ja"):
        i, we = (_UNSPACED_PERSON[language, person].search(text) is not None for person in (Person.I, Person.WE))
        return _person(i, we, any(word in text for word in _UNSPACED_YOU))
    table = SPACED.get(language)
    if table is None:
        return Person.UNKNOWN
    found = _person(not table.i.isdisjoint(words), not table.we.isdisjoint(words), not table.you.isdisjoint(words))
    return Person.UNKNOWN if found is Person.IMPERSONAL and len(words) < FEWEST_WORDS else found


def _person(i: bool, we: bool, you: bool) -> Person:
    if i and we:
        return Person.UNKNOWN
    if i or we:
        return Person.I if i else Person.WE
    return Person.YOU if you else Person.IMPERSONAL


def address_of(text: str, words: frozenset[str] | set[str], language: str) -> Address:
    """words are the text's, split at white space."""
    if language == "zh":
        return _address("您" in text, "你" in text)
    if language == "ja":  # one plain clause in ten polite sentences is still polite
        polite, plain = len(_POLITE.findall(text)), len(_PLAIN.findall(text))
        return _address(polite > 3 * plain, plain > 3 * polite)
    table = SPACED.get(language)
    if table is None or not table.formal:
        return Address.UNKNOWN
    formal = not table.formal.isdisjoint(words)
    if formal and language == "de":
        formal = _capital_inside_a_sentence(text, table.formal)
    return _address(formal, not table.informal.isdisjoint(words))


def _address(formal: bool, informal: bool) -> Address:
    if formal == informal:
        return Address.UNKNOWN
    return Address.FORMAL if formal else Address.INFORMAL


def _capital_inside_a_sentence(text: str, forms: frozenset[str]) -> bool:
    """At the beginning of a sentence "Sie" may be she or they."""
    before = ""
    for word in text.split():
        if word in forms and before and not before.endswith(_SENTENCE_ENDS):
            return True
        before = word
    return False


def person_words(text: str, language: str, person: Person) -> Iterator[tuple[int, int]]:
    """Where the words of a person (I or WE) stand: characters [start, end)."""
    pattern = _UNSPACED_PERSON.get((language, person))
    if pattern is not None:
        yield from (match.span() for match in pattern.finditer(text))
        return
    table = SPACED.get(language)
    if table is not None:
        yield from _places(text, table.i if person is Person.I else table.we)


def address_words(text: str, language: str, address: Address) -> Iterator[tuple[int, int]]:
    """Where the words of a form of address stand: characters [start, end)."""
    pattern = _UNSPACED_ADDRESS.get((language, address))
    if pattern is not None:
        yield from (match.span() for match in pattern.finditer(text))
        return
    table = SPACED.get(language)
    if table is None:
        return
    forms = table.formal if address is Address.FORMAL else table.informal
    for start, end in _places(text, forms):
        before = text[max(0, start - 3) : start].rstrip()[-1:]
        if language != "de" or address is Address.INFORMAL or (before and before not in _SENTENCE_ENDS):
            yield start, end


def bare_words(text: str) -> frozenset[str]:
    """The words of a text without punctuation around them."""
    return frozenset(word.strip(_EDGES) for word in set(text.split()))


def may_speak(words: frozenset[str], language: str, person: Person) -> bool:
    """Whether `person_words` is worth asking: False when none of its words is among the bare words."""
    table = SPACED.get(language)
    return table is None or not (table.i if person is Person.I else table.we).isdisjoint(words)


def may_address(words: frozenset[str], language: str, address: Address) -> bool:
    """Whether `address_words` is worth asking: False when none of its words is among the bare words."""
    table = SPACED.get(language)
    return table is None or not (table.formal if address is Address.FORMAL else table.informal).isdisjoint(words)


def _places(text: str, forms: frozenset[str]) -> Iterator[tuple[int, int]]:
    for match in re.finditer(r"\S+", text):
        word = match.group().strip(_EDGES)
        if word in forms:
            start = match.start() + match.group().index(word)
            yield start, start + len(word)

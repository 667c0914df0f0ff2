"""Words that exclude each other in one place: he cannot be a boy and a girl, asleep and running, on a Monday and a
Tuesday. English, of what is often described; a list ends where an honest one does, and an encoder goes on."""

from __future__ import annotations

from collections.abc import Mapping

from assay.text import words

from .alignment import content_words

_EXCLUSIVE = """
man woman boy girl baby | men women boys girls babies | male female | gentleman lady | father mother | son daughter
brother sister | husband wife | king queen | uncle aunt
sitting standing running sleeping walking swimming jumping kneeling flying climbing dancing
sits stands runs sleeps walks swims jumps flies climbs dances
sit stand run sleep walk swim jump fly climb dance
inside outside | indoors outdoors | indoor outdoor | awake asleep | awake sleeping | empty full | dead alive
happy sad angry bored | smiling crying frowning | laughing crying | smiles cries frowns
alone together | crowded empty | quiet loud | silent loud | wet dry | hot cold | clean dirty | open closed
red blue green yellow black white brown orange pink purple gray
summer winter spring autumn | morning afternoon evening night | day night | sunny rainy snowy | sun rain snow
soccer football baseball basketball tennis hockey golf cricket volleyball rugby chess
guitar piano drums violin flute trumpet | dog cat horse cow elephant bird fish | dogs cats horses cows birds
car bus train bike motorcycle boat airplane | beach mountain desert forest kitchen office park pool street
old young | elderly young | child adult | children adults | kids adults
tall short | big small | large small | fast slow
before after | increase decrease | increased decreased | rise fall | rises falls | higher lower | above below
north south east west | northern southern eastern western | left right | first last | early late | begin end
american british french german italian spanish chinese japanese indian russian canadian australian mexican
monday tuesday wednesday thursday friday saturday sunday
january february march april june july august september october november december
winter summer | urban rural | rich poor | win lose | won lost | wins loses | buys sells | love hate | loves hates
accepted refused | accept refuse | accepts refuses | agreed refused | passed failed | married single | born died
singer painter politician actor scientist athlete | novel film album song painting | film album | book film
"""
_ATTRIBUTE_WORDS = (
    "red blue green yellow black white brown orange pink purple gray old young elderly tall short big large small "
    "wet dry clean dirty empty full american british french german italian spanish chinese japanese indian russian "
    "canadian australian mexican northern southern eastern western left right"
)
_ATTRIBUTES = frozenset(_ATTRIBUTE_WORDS.split())
"""Words that say something of the word after them: a blue jacket and a yellow bike exclude nothing."""

_GROUPS = [frozenset(group.split()) for line in _EXCLUSIVE.strip().splitlines() for group in line.split("|")]


def _by_word() -> Mapping[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for group in _GROUPS:
        for word in group:
            found[word] = found.get(word, frozenset()) | (group - {word})
    return found


EXCLUDED_BY = _by_word()
"""{word: the words that cannot stand in its place at the same time}"""


def opposed(one: str, other: str) -> tuple[str, str] | None:
    """The word of each sentence that excludes the other's, where nearly all else of the shorter is in the longer."""
    mine, theirs = content_words(one), content_words(other)
    own, foreign = mine - theirs, theirs - mine
    for word in sorted(own):
        for excluded in sorted(EXCLUDED_BY.get(word, frozenset()) & foreign):
            if (mine | theirs) & (EXCLUDED_BY[word] & EXCLUDED_BY[excluded]):
                continue  # a third of their kind is there: they may belong to different things
            if word in _ATTRIBUTES and _after(word, one) != _after(excluded, other):
                continue
            shared = len(mine & theirs)
            if shared >= 2 and shared >= 0.6 * (min(len(mine), len(theirs)) - 1) and min(len(own), len(foreign)) <= 1:
                return word, excluded
    return None


def _after(word: str, text: str) -> str:
    """The word that follows another one."""
    found = words(text)
    place = found.index(word) + 1 if word in found else len(found)
    return found[place] if place < len(found) else ""

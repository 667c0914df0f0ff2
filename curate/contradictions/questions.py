"""What a prompt asks, in a form that is equal for nearly the same words and for those only.

Two prompts are near-identical when nothing but politeness, articles, plural endings, spelling variants, word order at
a clause boundary, case and punctuation tells them apart. Another number, name, negation, tense, question word or
preposition asks something else, and so does any other content word: no similarity measure over words or n-grams can
tell those apart from a change that does not matter, which is why the comparison is of equality and not of distance.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

MOST_WORDS = 40
"""A longer prompt is more often an instruction with its material than a question; its words all count."""

_SIGNS = re.compile(r"[\n\"“”„«»`{}\[\]:'()+*/<>=]")
_MATERIAL = re.compile(r"[\n\"“”„«»`{}\[\]]|:\s|(?<!\w)'\w|(?<!\S)[()+*/<>=](?!\S)")
"""Signs of a text that is to be worked on, in which articles, endings and punctuation are what the task is about."""

_EDIT_WORDS = (
    "correct fix proofread edit punctuate punctuation capitalize capitalise capitalization grammar grammatical "
    "grammatically spell spelling typo typos plural singular article articles rewrite translate sentence tense "
    "syllable syllables letter letters character characters word words"
)
_EDITS = frozenset(_EDIT_WORDS.split())
_POLITE = re.compile(
    r"(?:\W*\b(?:please|kindly|bitte|por favor|hi|hello|hey|good (?:morning|evening)|quick question"
    r"|(?:can|could|would|will) you(?: please)?(?= (?:tell|explain|say|let|give|help|describe|show|list|name)\b)"
    r"|(?:tell|let) me(?: know)?|do you (?:happen to )?know|i(?: just)? (?:want|would like|'d like|need) to know"
    r"|i(?:'m| am| was) wondering)\b)+[,:]?",
    re.IGNORECASE,
)
"""What a request begins with and is not about."""

_AROUND = ".,;:!?…()'’。，、！？؟،"
_END = " \t\r\n.!?…。！？؟"

_FOLDED = {
    **dict.fromkeys(["a", "an", "the", "The", "An", "is", "Is", "are", "Are", "am", "do", "Do", "does", "Does"], ""),
    **dict.fromkeys(
        ["please", "kindly", "bitte", "of", "so", "then", "just", "also", "really", "exactly", "actually"], ""
    ),
    "which": "what",
    "Which": "what",
    "whats": "what",
    "whos": "who",
    "wheres": "where",
    "hows": "how",
    "cannot": "can not",
    "won't": "will not",
    "dont": "not",
    "doesnt": "not",
    "isnt": "not",
    "cant": "can not",
    "i'm": "i",
    "i've": "i have",
    "i'd": "i would",
    "you're": "you",
    "they're": "they",
    "it's": "it",
    "that's": "that",
    "there's": "there",
    "let's": "let us",
    "'s": "",
    "colour": "color",
    "favourite": "favorite",
    "centre": "center",
    "metre": "meter",
    "litre": "liter",
    "theatre": "theater",
    "grey": "gray",
    "tyre": "tire",
}
_AUXILIARIES = "can could will would should must may did was were has have had shall might"
_QUESTION_WORDS = frozenset(["what", "who", "whom", "whose", "when", "where", "why", "how", *_AUXILIARIES.split()])
"""Words whose place among the others says only whether a question is direct: where can I, tell me where I can."""

_ASKING = frozenset(["is", "are", "am", "do", "does", *_AUXILIARIES.split()])
"""Words that make a question of yes or no when they come first; elsewhere their place does not count."""

_NUMBER_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
_FOLDED |= {word: str(value) for value, word in enumerate(_NUMBER_WORDS.split())}


def asked(text: str) -> str:
    """Equal for prompts that are the same or near-identical.

    >>> asked("Please tell me what the capital of France is.") == asked("What's France's capital?")
    True
    >>> asked("How long is the warranty?") == asked("How long was the warranty?")
    False
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    if len(text) > MOST_WORDS * 12 or (_SIGNS.search(text) and _MATERIAL.search(text)):
        return _as_it_stands(text)
    polite = _POLITE.match(text)
    tokens = (text.casefold() if text.isupper() else text)[polite.end() if polite else 0 :].split()
    folded = list(filter(None, map(_fold, tokens)))
    if len(tokens) > MOST_WORDS or len(folded) < 2 or not _EDITS.isdisjoint(folded):
        return _as_it_stands(text)
    head = [] if _QUESTION_WORDS.isdisjoint(folded) else [word for word in folded if word in _QUESTION_WORDS]
    if tokens[0].casefold() in _ASKING:
        head.insert(0, "?")  # "is it pending" is another matter than "it is pending"
    rest = [word for word in folded if word not in _QUESTION_WORDS] if head else folded
    if len(set(rest)) < len(rest):  # "true and not false", where a clause cannot be told from a formula
        return " ".join([*head, *rest])
    start = rest.index(min(rest)) if rest else 0
    return " ".join([*head, *rest[start:], *rest[:start]])


def _as_it_stands(text: str) -> str:
    """All of the text but case, white space and the sign at its end."""
    return " ".join(text.casefold().split()).rstrip(_END)


@lru_cache(maxsize=1 << 16)
def _fold(token: str) -> str:
    """A word without what does not tell questions apart; "" for one that never does.

    Upper case counts where it makes another word: US and us, WHO and who, vitamin A and a vitamin.
    """
    token = token.strip(_AROUND)
    known = _FOLDED.get(token)
    if known is not None:
        return known
    if token.isupper() and (len(token) > 1 or token in "AI"):
        return token if token != "I" else "i"
    word = token.casefold().replace("’", "'")
    known = _FOLDED.get(word)
    if known is not None:
        return known
    if word.endswith("n't"):
        return f"{word[:-3]} not"
    for ending in ("'s", "s'", "'"):
        if word.endswith(ending) and len(word) > len(ending):
            word = word[: -len(ending)]
            break
    else:
        if len(word) > 3 and word.endswith("s") and word[-2] not in "sui" and word.isalpha():
            word = word[:-1]
    return _FOLDED.get(word, word)


_NAMES = re.compile(r"(?<=[\w,;] )[A-Z][\w’'-]+|\d+(?:[.,]\d+)*|[%$€£¥]")
_QUESTION_WORD = re.compile(
    r"\b(?:who|whom|whose|what|which|when|where|why|how(?: (?:many|much|long|far|old|often))?)\b"
)
_WAY = re.compile(
    r"\bwhat(?: is|'s| are)(?: the| a| some)?(?: best| good| easiest| right)? (?:ways?|methods?|steps?"
    r"|procedures?) (?:to|of|for)\b"
    r"|\bhow (?:can|do|should|could|would|does|to)\b",
    re.IGNORECASE,
)
"""Ways of asking how."""

_DENIAL = re.compile(
    r"\b(?:not|never|no|without|except|unless|only|cannot|\w+n['’]t|nicht|kein\w*|ohne|sin|nunca)\b|[不没無无非]"
    r"|ない|ません|لا|ليس"
)
_DIRECTION = re.compile(
    r"\b(?:before|after|from|to|over|under|more|less|most|least|first|last|best|worst|highest|lowest|largest|smallest"
    r"|largest|oldest|youngest|old|new|male|female|men|women|man|woman|boy|girl|was|were|did|will|should|can|may|must"
    r"|increase|decrease|start|stop|buy|sell|open|close|import|export|add|remove|north|south|east|west|left|right)\b"
)


_YES_OR_NO = re.compile(r"\W*(?:is|are|am|do|does|did|was|were|has|have|can|could|will|would|should|must|may)\b")


def plainly(text: str) -> str:
    """The question with one way of asking how, and without politeness.

    >>> plainly("What is the best way to fix a bike?")
    'how fix a bike?'
    """
    return re.sub(r"\bwhich\b", "what", _WAY.sub("how", _POLITE.sub(" ", text)), flags=re.IGNORECASE).strip()


REPEATS = 0.67


def _repeats_itself(text: str) -> bool:
    """Whether a third of the words stood there before, as in "not true and not false": their order is the matter."""
    said = text.casefold().split()
    return len(said) > 4 and len(set(said)) <= REPEATS * len(said)


def may_ask_the_same(one: str, other: str) -> bool:
    """Whether nothing that an encoder of meaning overlooks tells two prompts of the same meaning apart.

    Those are numbers, names, negation, the question word, and words that point one way or the other.
    """
    if max(len(one), len(other)) > MOST_WORDS * 12 or _MATERIAL.search(one) or _MATERIAL.search(other):
        return False
    if _repeats_itself(one) or _repeats_itself(other):
        return False
    lower, other_lower = plainly(one).casefold(), plainly(other).casefold()
    if (_YES_OR_NO.match(lower) is None) is not (_YES_OR_NO.match(other_lower) is None):
        return False
    return (
        {name.casefold() for name in _NAMES.findall(one)} == {name.casefold() for name in _NAMES.findall(other)}
        and set(_QUESTION_WORD.findall(lower)) == set(_QUESTION_WORD.findall(other_lower))
        and sorted(_DENIAL.findall(lower)) == sorted(_DENIAL.findall(other_lower))
        and sorted(_DIRECTION.findall(lower)) == sorted(_DIRECTION.findall(other_lower))
    )

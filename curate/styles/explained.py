"""Whether the prompt explains the style of its answer: it asks for it, shows it, or is another kind of task."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from assay.text import words
from assay.writing.style import FEATURES, Style, style_of

_CREATIVE = (
    r"letter|e-?mail|story|poem|song|lyric|dialog|speech|diary|journal|rewrite|rephrase|paraphrase|edit|translate"
    r"|compose|essay|quote|conversation|script|post|tweet|review|message|statement|sentence|paragraph|invitation|slogan"
    r"|caption|headline|ad|advert\w*|greeting|announce\w*|pitch|bio|tagline|jingle|play|role|pretend|imagine|act as"
    r"|joke|memo|blog|article|testimonial|summar\w*|continue|complete|correct|convert|brief|gedicht|geschichte|schreib\w*"
    r"|umformulier\w*|übersetz\w*|escrib\w*|carta|poema|historia|traduc\w*|écri\w*|lettre|poème|histoire|tradui\w*"
)
_UNSPACED_CREATIVE = "写|翻译|改写|诗|故事|信|書いて|翻訳|書き換え|詩|物語|手紙"

_LIST = (
    r"list\w*|bullet\w*|steps?|step-by-step|points?|ways|tips|reasons|examples|ideas|items|outline|schedule|itinerary"
    r"|recipe|ingredients|plan|rank|sort|order|top|names?|enumerate|categor\w*|compare|pros|differences|instructions"
    r"|how (?:to|do|can|would)|two|three|four|five|six|seven|eight|nine|ten|several|some|multiple|(?:[2-9]|1\d|20) \w+s"
    r"|liste|schritt\w*"
    r"|aufzähl\w*|gründe|tipps|beispiele|lista|pasos|razones|consejos|ejemplos|étapes|raisons|conseils|exemples"
)
_UNSPACED_LIST = "列出|列表|步骤|几个|哪些|一覧|手順|箇条書き|リスト|いくつか"

_LONG = (
    r"detail\w*|essay|article|story|explain\w*|elaborate|in.depth|thorough\w*|comprehensive|paragraphs?|describe"
    r"|long|report|step|discuss|analy[sz]e|compare|write|words|ausführlich|erklär\w*|detall\w*|explica\w*|détail\w*"
)
_SHORT = (
    r"brief\w*|short|in (?:\d+|\w+) words?"
    r"|one|single|concise|summar\w*|only|just|yes or no|true or false|sentence|tweet|headline|title|name"
    r"|kurz|nur|breve|solo|bref|court|seulement|classif\w*|identify|choose|which|label"
)
_CODE = (
    r"code|function|program\w*|script|sql|query|html|css|python|java\w*|command|regex|c\+\+|bash|algorithm|implement"
    r"|class|snippet|json|xml|yaml|format\w*|table"
)
_JSON = r"json|object|schema|structured|dictionary|array|format\w*|fields?|extract|parse|xml|yaml|table|data structure"
_LANGUAGES = (
    r"translat\w*|in (?:english|german|spanish|french|italian|portuguese|dutch|chinese|japanese|korean|russian|arabic)"
    r"|english|german|spanish|french|italian|portuguese|dutch|chinese|japanese|korean|russian|arabic|latin|hindi|language"
    r"|übersetz\w*|deutsch|englisch|traduc\w*|español|inglés|tradui\w*|anglais|français"
)

_CUES: Mapping[tuple[str, str], str] = {
    ("form", "JSON"): _JSON,
    ("form", "code"): _CODE,
    ("form", "prose"): r"explain\w*|describe|why|text|words|plain",
    ("length", "long-form"): _LONG,
    ("length", "concise"): _SHORT,
    ("headings", "headings"): r"headings?|sections?|outline|article|report|blog|essay|document|markdown|guide|plan",
    ("bullets", "bulleted"): _LIST,
    ("bullets", "no list"): r"paragraphs?|sentence|essay|story|text|prose|summar\w*|without",
    ("bold", "bold"): r"bold|highlight|emphasi\w*|markdown|headings?|article|report|guide",
    ("code", "code block"): _CODE,
    ("language", ""): _LANGUAGES,
    ("emoji", "emoji"): r"emoji\w*|emoticon\w*|tweet|post|caption|instagram|social|message|fun|playful",
    ("exclamation", "exclamation marks"): _CREATIVE + r"|exclam\w*|excit\w*|enthusias\w*|congrat\w*|birthday",
    ("closing", "ends with a question"): _CREATIVE + r"|ask|questions?|quiz|interview|riddle|clarif\w*|survey|trivia",
    ("closing", "ends with an offer"): _CREATIVE,
    ("person", ""): _CREATIVE + r"|you|your|opinion|feel|think|favou?rite",
    ("address", ""): _CREATIVE,
    ("contractions", ""): _CREATIVE + r"|formal\w*|casual\w*|informal\w*|tone",
    ("apology", "apology"): _CREATIVE + r"|sorry|apolog\w*|complain\w*|refund|refus\w*",
}  # fmt: skip
_UNSPACED: Mapping[str, str] = {
    "bullets": _UNSPACED_LIST,
    "person": _UNSPACED_CREATIVE,
    "address": _UNSPACED_CREATIVE,
    "language": "翻译|翻訳|英语|英語|日语|日本語|中文|中国語",
}

_SHOWN_IN_PROMPT = frozenset(
    ("form", "headings", "bullets", "bold", "code", "emoji", "address", "language", "exclamation", "person")
)
"""Features that an answer may take over from its prompt."""

OF_THE_SPEAKER = frozenset(("person", "address", "contractions", "exclamation", "apology", "closing"))
"""Features of whoever speaks: in a text that was ordered that is not the one who answers."""

_PLAIN = frozenset(
    ("prose", "no headings", "no list", "no bold", "no code block", "no emoji", "no exclamation marks", "no apology")
)
"""Values that a prompt has without asking for anything."""


def _compiled(feature: str, value: str) -> re.Pattern[str] | None:
    spaced = _CUES.get((feature, value)) or _CUES.get((feature, ""))
    if spaced is None:
        return None
    unspaced = _UNSPACED.get(feature)
    return re.compile(rf"\b(?:{spaced})\b" + (f"|{unspaced}" if unspaced else ""), re.IGNORECASE)


_PATTERNS = {(feature, value): _compiled(feature, value) for feature, values in FEATURES.items() for value in values}
_LOOKED_AT = 2_000


def asks_for(prompt: str, feature: str, value: str) -> bool:
    """Whether the prompt asks for this style, or shows it."""
    head = prompt[:_LOOKED_AT]
    pattern = _PATTERNS[feature, value]
    if pattern is not None and pattern.search(head):
        return True
    if feature not in _SHOWN_IN_PROMPT or value in _PLAIN:
        return False
    shown: Style = style_of(head)
    return shown.value(feature) == value


FEWEST_TELLING, TELLING_SHARE, OTHERWISE_SHARE, TELLING_RATIO = 3, 0.6, 0.2, 4.0
SMALL_MINORITY = 6
"""Among fewer prompts than this a word that most of them share is chance: all of them must have it."""

LENGTH_RATIO = 3.0


def telling_word(minority: Sequence[str], majority: Sequence[str]) -> str | None:
    """A word that most prompts of the minority have and hardly one of the majority: they ask for something else."""
    few, many = (
        Counter(word for prompt in prompts for word in set(words(prompt[:_LOOKED_AT])))
        for prompts in (minority, majority)
    )
    for word, count in few.most_common():
        share, otherwise = count / len(minority), many[word] / len(majority)
        if count < FEWEST_TELLING or share < (1.0 if len(minority) < SMALL_MINORITY else TELLING_SHARE):
            return None
        if otherwise <= OTHERWISE_SHARE and share >= TELLING_RATIO * otherwise:
            return word
    return None


def other_lengths(minority: Sequence[str], majority: Sequence[str]) -> bool:
    """Whether the prompts of the minority are of another length altogether, as with a text to work on."""
    from statistics import median

    few, many = (median(len(prompt) for prompt in prompts) + 20 for prompts in (minority, majority))
    return max(few, many) > LENGTH_RATIO * min(few, many)

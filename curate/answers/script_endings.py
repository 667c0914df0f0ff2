"""How a text in Chinese, Japanese or Arabic ends: finished, or cut off in a sentence.

These scripts have their own full stops, and Chinese and Japanese no spaces, so the rules of endings.py, which look at
words, find nothing in them. An answer of a few characters without a full stop is a label and no sentence.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, TypeAlias

Script: TypeAlias = Literal["zh", "ja", "ar"]

NO_FULL_STOP = "no full stop at its end, where nearly all other answers have one"


class Stop(NamedTuple):
    """why is for people; confidence is between 0 and 1."""

    why: str
    confidence: float


_KANA = re.compile(r"[\u3041-\u30fa\u30fc]")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_ARABIC = re.compile(r"[\u0621-\u064a]")
_FINISHED = re.compile(r"[。．.!！?？…~～؟۔:：;；؛)）」』】》\"”’'\]}>*|♪♡❤\U0001F300-\U0001FAFF]\s*$")
_OPEN = re.compile(r"[，、,،(（「『《【“]\s*$")
_LETTER = re.compile(r"[^\W\d_]")
_LIST = re.compile(r"^\s*(?:[-*+•·‣–—]|\(?[\d０-９٠-٩]{1,3}[.):、．）]|#{1,6}\s|\|)")

_UNENDED = {
    "zh": re.compile(
        r"(?:因为|由于|所以|但是|但|不过|然而|并且|而且|而|以及|及|或者|或|和|与|跟|如果|假如|虽然|例如|比如|包括"
        r"|根据|按照|关于|对于|为了|通过"
        r"|随着|除了|直到|当|在|把|被|将|从|向|往|由|对|于|是|会|能|可以|应该|需要|必须|一个|这个|那个|这些|各种"
        r"|我们的|您的|他们的|非常|更加|最)$"
    ),
    "ja": re.compile(
        r"(?:また|そして|しかし|ただし|なぜなら|たとえば|例えば|および|または|もし|さらに|つまり|を|へ|は|が|に|で"
        r"|の|や|と|も|から|まで|より"
        r"|ので|ため|という|として|について|によって|において|に関する|この|その|あの|これらの|、)$"
    ),
    "ar": re.compile(
        r"(?:^|\s)(?:و|أو|ثم|في|من|إلى|على|عن|مع|بين|بعد|قبل|أن|إن|أنّ|التي|الذي|الذين|لأن|لكن|ولكن|حيث|إذا|عندما"
        r"|كما|مثل|هذا|هذه|ذلك|تلك"
        r"|كل|بعض|غير|قد|سوف|لن|لم|حتى|بسبب|خلال|عبر|ضد|نحو|لدى|عند|منذ|بدون|وفي|ومن|وعلى|وإلى|بأن|كان|كانت|يمكن"
        r"|يجب|يكون|أي|بما|مما|ألا|إما)$"
    ),
}
"""What no sentence ends with: conjunctions, prepositions, and particles that want a noun or a verb."""

_MAY_END = {"ja": re.compile(r"(?:ですが|ますが|けれど|けど|のは|とは|のに|のも|まで|から|ので)$")}
"""Endings among those that an unfinished style of speech uses."""

_ATTRIBUTE = re.compile(r"^(?!.*[是挺很太真])(?=.*[，、]).*的$")
"""的 wants a noun after it, but in sentences that say how or what something is."""

_SENTENCE_STOP = re.compile(r"[。！？؟!?]|(?<=[\u0621-\u064a])\.")
_SENTENCE_LETTERS = 8
"""An earlier sentence of fewer letters is a greeting, and says nothing about how sentences end here."""

_LEAST_LETTERS = {"zh": 6, "ja": 10, "ar": 15}


def script_of(text: str) -> Script | None:
    """The script of the end of a text, where it is one of these three."""
    tail = text[-200:]
    if tail.isascii():
        return None
    letters = len(_LETTER.findall(tail))
    if _KANA.search(tail):
        return "ja"
    if len(_HAN.findall(tail)) * 2 > letters:
        return "zh"
    return "ar" if len(_ARABIC.findall(tail)) * 2 > letters else None


def stops_in_sentence(text: str, script: Script, others_finish: bool) -> Stop | None:
    """Where a text stops within a sentence; None where it ends, or is no prose.

    others_finish  whether the answers beside it end their sentences, so that a missing full stop says something
    """
    stripped = text.rstrip()
    line = stripped[stripped.rfind("\n") + 1 :].strip()
    if _OPEN.search(line) and len(_LETTER.findall(line)) >= _LEAST_LETTERS[script]:
        return Stop("stops after a comma or an opening bracket", 0.8)
    if _FINISHED.search(line) or len(_LETTER.findall(line)) < _LEAST_LETTERS[script] or _LIST.match(line):
        return None
    plain = re.sub(r"[\u064b-\u0652]", "", line)
    match = _UNENDED[script].search(plain) or (_ATTRIBUTE.search(plain) if script == "zh" else None)
    before = any(len(_LETTER.findall(part)) >= _SENTENCE_LETTERS for part in _SENTENCE_STOP.split(stripped)[:-1])
    if match is not None:
        soft = script in _MAY_END and _MAY_END[script].search(plain) is not None
        if not soft or before or others_finish:
            return Stop(f"stops after '{match.group().strip()[-12:]}'", 0.9 if before else 0.8)
    if re.search(r"[A-Za-z0-9]$", line):
        return None  # a name, a number or a link may end anything
    if before:
        return Stop("stops without the end of its sentence, where it ends others", 0.8)
    return Stop(NO_FULL_STOP, 0.6) if others_finish else None

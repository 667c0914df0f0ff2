"""Yes or no, denied or affirmed, and words of which one turns the other round."""

from __future__ import annotations

import re
from collections.abc import Mapping

YES, NO = "yes", "no"

_YES: Mapping[str, re.Pattern[str]] = {
    "en": re.compile(
        r"\W*(?:yes|yep|yeah|true|correct|right|certainly|definitely|absolutely|of course|sure|affirmative|indeed)\b",
        re.IGNORECASE,
    ),
    "de": re.compile(r"\W*(?:ja|jawohl|doch|richtig|korrekt|stimmt|wahr|natürlich|selbstverständlich|genau)\b", re.I),
    "es": re.compile(
        r"\W*(?:sí|si,|verdadero|correcto|cierto|claro|por supuesto|efectivamente|desde luego)(?!\w)", re.I
    ),
    "zh": re.compile(
        r"[\s\"“「]*(?:是(?:的|啊)?(?=[，。,.!！\s]|$)|对(?:的)?(?=[，。,.!！\s]|$)|正确|没错|可以(?=[，。,.!！\s]"
        r"|$)|能(?=[，。,.!！\s]|$)|会的|有的|当然|真(?=[，。,.\s]|$))"
    ),
    "ja": re.compile(r"[\s\"“「]*(?:はい|ええ|そうです|その通り|正しい|もちろん|真(?=[、。\s]|$))"),
    "ar": re.compile(r"\W*(?:نعم|أجل|بلى|صحيح|صح|بالتأكيد|بالطبع|طبعا|طبعًا)(?!\w)"),
}
_NO: Mapping[str, re.Pattern[str]] = {
    "en": re.compile(
        r"\W*(?:no|nope|nah|false|incorrect|wrong|never|negative|not at all|unfortunately not|not)\b"
        r"(?!\s+(?:problem|worries|one|doubt|matter|longer|more|sooner|later|fewer|less|only|sure|certain|clear|all"
        r"|every|much|many|really sure|necessarily|applicable)\b)",
        re.IGNORECASE,
    ),
    "de": re.compile(
        r"\W*(?:nein|falsch|leider nein|leider nicht|keineswegs|niemals|nie|unwahr|auf keinen fall)\b", re.I
    ),
    "es": re.compile(r"\W*(?:no(?=\W|$)|falso|incorrecto|nunca|jamás|en absoluto|para nada)(?!\w)", re.I),
    "zh": re.compile(
        r"[\s\"“「]*(?:不(?:是|对|可以|能|会|行|正确)?(?:的)?(?=[，。,.!！\s]|$)|不是的?|否|没有(?=[，。,.!！\s]|$)"
        r"|错误|错(?=[，。,.\s]|$)|假(?=[，。,.\s]|$))"
    ),
    "ja": re.compile(r"[\s\"“「]*(?:いいえ|いえ|違います|ちがいます|間違い|誤り|偽(?=[、。\s]|$))"),
    "ar": re.compile(r"\W*(?:لا(?=[\s،,.!؛]|$)|كلا|خطأ|غير صحيح|ليس صحيحا|أبدا|أبدًا|مطلقا)(?!\w)"),
}
_GLADLY = re.compile(
    r"\s*(?:sure|of course|certainly|absolutely|right|correct)[,!.]?\s+(?:here|i|let|thing|happy|no problem|away)\b"
    r"|\s*(?:no|yes),? (?:but|and yes|and no)\b|\s*no\.\s?\d|\s*(?:true|false|right|correct|wrong) (?!and\b|that\b)\w"
    r"|\s*(?:natürlich|selbstverständlich|claro|por supuesto)[,!.]?\s+(?:hier|gern|aquí|con gusto)\b"
    r"|当然[，！,!]?\s*(?:这|以下|可以)",
    re.IGNORECASE,
)
"""Words of agreement that answer a request and no question: "Sure, here is the list"."""

_NEGATOR: Mapping[str, re.Pattern[str]] = {
    "en": re.compile(
        r"\b(?:not|never|no|none|nothing|nobody|nowhere|neither|nor|cannot|cant|dont|doesnt|isnt|wont|without|unable"
        r"|impossible|illegal|unlikely|hardly|rarely|(?:ca|wo|do|does|did|is|are|was|were|has|have|had|should|would"
        r"|could|must"
        r"|need)n'?t)\b",
        re.IGNORECASE,
    ),
    "de": re.compile(r"\b(?:nicht|nichts|kein(?:e[nmrs]?)?|nie|niemals|nirgends|niemand|weder|ohne|unmöglich)\b", re.I),
    "es": re.compile(r"\b(?:no|nunca|jamás|nada|nadie|ningún|ninguna|ninguno|tampoco|sin|imposible)\b", re.I),
    "zh": re.compile(
        r"不(?!过|仅|但|只|同|断|久|少|妨|如)|没有|没|無|无(?!论)|未(?!来)|非(?!常|洲)|别(?=[再去做把])|勿"
    ),
    "ja": re.compile(
        r"ない(?=[。、でとのがけかわよ\s]|$)|ません|なかった|なく(?=て|、)|ず(?=に|、)|ぬ(?=。)|不可|禁止|無(?=し|料)"
    ),
    "ar": re.compile(r"(?<!\w)(?:و?لا|لم|لن|ليس|ليست|ليسوا|غير|بدون|دون|ما(?= (?:كان|زال))|مستحيل|يستحيل)(?!\w)"),
}
_ANTONYMS = """
allowed/forbidden allowed/prohibited permitted/prohibited permitted/forbidden required/optional mandatory/optional
always/never before/after increase/decrease increases/decreases increased/decreased higher/lower more/less true/false
valid/invalid legal/illegal possible/impossible safe/unsafe safe/dangerous open/closed opens/closes included/excluded
includes/excludes enabled/disabled hot/cold left/right above/below minimum/maximum most/least accept/reject
accepts/rejects accepted/rejected inside/outside positive/negative able/unable win/lose won/lost
buy/sell internal/external first/last supported/unsupported correct/incorrect compatible/incompatible
available/unavailable covered/excluded both/neither all/none indoors/outdoors indoor/outdoor empty/full
asleep/awake sleeping/awake standing/sitting sitting/running sleeping/running day/night up/down upstairs/downstairs
old/young older/younger dead/alive happy/sad smiling/crying smiling/frowning laughing/crying alone/together dry/wet
dark/bright rich/poor wide/narrow deep/shallow loud/quiet same/different male/female enough/insufficient
can/cannot does/doesn't is/isn't likely/unlikely agree/disagree success/failure succeeded/failed passed/failed
free/paid included/extra daily/weekly daily/monthly weekly/monthly monthly/yearly monthly/annually
erlaubt/verboten möglich/unmöglich immer/nie vor/nach offen/geschlossen geöffnet/geschlossen mehr/weniger
gestattet/untersagt enthalten/ausgeschlossen kostenlos/kostenpflichtig richtig/falsch pflicht/freiwillig
permitido/prohibido posible/imposible siempre/nunca antes/después abierto/cerrado más/menos gratis/pagado
obligatorio/opcional incluido/excluido verdadero/falso legal/ilegal seguro/peligroso seguro/inseguro
مسموح/ممنوع ممكن/مستحيل دائما/أبدا قبل/بعد مفتوح/مغلق أكثر/أقل إلزامي/اختياري مجاني/مدفوع آمن/خطير
"""
ANTONYMS = frozenset(frozenset(pair.split("/")) for pair in _ANTONYMS.split())
"""Pairs of words of which one in the other's place turns a statement round."""

_CJK_ANTONYMS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "zh": (
        ("允许", "禁止"),
        ("可以", "不得"),
        ("必须", "无需"),
        ("开放", "关闭"),
        ("免费", "收费"),
        ("增加", "减少"),
        ("之前", "之后"),
        ("包括", "不包括"),
        ("安全", "危险"),
        ("上升", "下降"),
        ("打开", "关上"),
        ("合法", "非法"),
        ("需要", "无需"),
    ),
    "ja": (
        ("可能", "不可"),
        ("許可", "禁止"),
        ("無料", "有料"),
        ("必須", "任意"),
        ("増加", "減少"),
        ("以前", "以後"),
        ("含まれ", "除か"),
        ("安全", "危険"),
        ("開いて", "閉まって"),
        ("営業", "休業"),
        ("必要", "不要"),
        ("合法", "違法"),
    ),
}


def leading_polarity(text: str, language: str = "en") -> str | None:
    """YES or NO when the text begins with one."""
    plain = text[:120].replace("’", "'")
    if _GLADLY.match(plain):
        return None
    for name in dict.fromkeys([language, "en"]):
        if name in _YES and _YES[name].match(plain):
            return YES
        if name in _NO and _NO[name].match(plain):
            return NO
    return None


_LEAD = re.compile(
    r"\W*(?:yes|no|nope|yeah|true|false|correct|incorrect|right|wrong|ja|nein|doch|richtig|falsch|sí|verdadero|falso"
    r"|correcto|incorrecto|نعم|لا|صحيح|خطأ|はい|いいえ|正しい|間違い|是的?|不是|对|不对|正确|错误|可以|不可以|会的"
    r"|不会)"
    r"\s*[,.:;!，。、،]\s*",
    re.IGNORECASE,
)


def without_lead(text: str) -> str:
    """The text without the yes or no that it begins with, which would count as one more denial."""
    return _LEAD.sub("", text, count=1) if _LEAD.match(text) else text


def negations(text: str, language: str = "en") -> int:
    """How many words deny."""
    return len(_NEGATOR.get(language, _NEGATOR["en"]).findall(text.replace("’", "'")))


def without_negations(text: str, language: str = "en") -> str:
    """The text without the words that deny."""
    return _NEGATOR.get(language, _NEGATOR["en"]).sub(" ", text.replace("’", "'"))


def turned_round(one: str, other: str, language: str) -> bool:
    """Whether two texts without spaces between words differ by an antonym in the other's place, and little else."""
    for first, second in _CJK_ANTONYMS.get(language, ()):
        for a, b in ((one, other), (other, one)):
            if first in a and second in b and second not in a and first not in b.replace(second, ""):
                return True
    return False

"""How dates are written in English, German, Spanish, Chinese, Japanese and Arabic: patterns, and when each can match.

A text of some length is searched only for the forms that its signs and words allow, since twenty searches of every
answer would cost more than all other comparisons together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_MONTH_NAMES = (
    "jan january januar jänner enero يناير",
    "feb february februar febrero فبراير شباط",
    "mar march märz marzo مارس آذار",
    "apr april abril أبريل إبريل نيسان",
    "may mai mayo مايو أيار",
    "jun june juni junio يونيو حزيران",
    "jul july juli julio يوليو تموز",
    "aug august agosto أغسطس آب",
    "sep sept september septiembre setiembre سبتمبر أيلول",
    "oct okt october oktober octubre أكتوبر",
    "nov november noviembre نوفمبر",
    "dec dez december dezember diciembre ديسمبر",
)
MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, start=1) for name in names.split()}
_MONTH = r"(?P<month>" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")\b\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|\.|º)?"
_YEAR = r"(?:,?\s+(?:of\s+|del?\s+)?(?P<year>\d{4}))?\b"
_WEEKDAY_NAMES = (
    "monday mondays montag montags lunes 星期一 周一 月曜日 月曜 الاثنين الإثنين",
    "tuesday tuesdays dienstag dienstags martes 星期二 周二 火曜日 火曜 الثلاثاء",
    "wednesday wednesdays mittwoch mittwochs miércoles 星期三 周三 水曜日 水曜 الأربعاء",
    "thursday thursdays donnerstag donnerstags jueves 星期四 周四 木曜日 木曜 الخميس",
    "friday fridays freitag freitags viernes 星期五 周五 金曜日 金曜 الجمعة",
    "saturday saturdays samstag samstags sonnabend sábado sábados 星期六 周六 土曜日 土曜 السبت",
    "sunday sundays sonntag sonntags domingo domingos 星期日 星期天 周日 日曜日 日曜 الأحد",
)
WEEKDAYS = {name: number for number, names in enumerate(_WEEKDAY_NAMES, start=1) for name in names.split()}
_CJK_DAYS = "|".join(sorted((name for name in WEEKDAYS if name[0] > "\u2e7f"), key=len, reverse=True))
_OTHER_DAYS = "|".join(sorted((name for name in WEEKDAYS if name[0] < "\u2e7f"), key=len, reverse=True))
_HAN_DIGIT = "〇零一二三四五六七八九十"
_BEFORE_YEAR = (
    r"(?:(?:in|since|by|of|from|until|till|year|during|to|before|after|around|circa|late|early|mid|and|or|is|was|spring"
    r"|summer|autumn|fall|winter|seit|im|jahr|jahre|ab|bis|von|vor|nach|um|en|desde|hasta|de|del|año|a|y|عام|سنة|في|منذ"
    r"|[-–—(,;:])\s*|^\s*|\W\s)"
)
_AFTER_YEAR = r"(?=\s*(?:$|[.,;:!?)–—\-\"”]|(?:and|to|by|when|until|in|at|after|for|was|is|and|und|bis|y|a|و|年)\b|年))"
DIGIT, YEAR, MONTH, WEEKDAY, CLOCK, CENTURY, HAN = ["digit", "year", "month", "weekday", "clock", "century", "han"]

_FORMS = (
    (YEAR, re.compile(r"(?<!\d)(?P<year>\d{4})[-./](?P<number>\d{1,2})[-./](?P<day>\d{1,2})(?!\d)")),
    (HAN, re.compile(r"(?:(?P<year>\d{4})年)?(?P<number>\d{1,2})月(?P<day>\d{1,2})[日号號]")),
    (YEAR, re.compile(r"(?<![\d.,-])(?P<year>1[5-9]\d\d|20\d\d)\s?(?:--|[-–—/])\s?\d\d(?![\d-])")),
    (HAN, re.compile(r"(?P<year>\d{4})年(?P<number>\d{1,2})月")),
    (HAN, re.compile(r"(?P<year>(?:1\d|20)\d\d)年(?![間前])")),
    (
        HAN,
        re.compile(
            rf"(?P<hyear>[〇零一二三四五六七八九]{{4}})年(?:(?P<hmonth>[{_HAN_DIGIT}]{{1,2}})月)?(?:(?P<hday>[{_HAN_DIGIT}]{{1,3}})[日号])?"
        ),
    ),
    (HAN, re.compile(rf"(?<![{_HAN_DIGIT}])(?P<hmonth>[{_HAN_DIGIT}]{{1,2}})月(?P<hday>[{_HAN_DIGIT}]{{1,3}})[日号]")),
    (MONTH, re.compile(rf"\b{_DAY}(?:\s+(?:of|de))?\s+{_MONTH}{_YEAR}", re.I)),
    (MONTH, re.compile(rf"\b{_MONTH}\s+{_DAY}(?![\d:]){_YEAR}", re.I)),
    (MONTH, re.compile(rf"\b{_MONTH},?\s+(?:of\s+|del?\s+)?(?P<year>\d{{4}})\b", re.I)),
    (YEAR, re.compile(r"(?<![\d/.-])(?P<first>\d{1,2})[/.-](?P<second>\d{1,2})[/.-](?P<year>\d{4})(?![\d/])")),
    (DIGIT, re.compile(r"(?<![\d/.-])(?P<first>\d{1,2})\.(?P<second>\d{1,2})\.(?![\d/])")),
    (
        DIGIT,
        re.compile(r"\b(?P<decade>1[0-9]\d0|20\d0)(?:s|'s|er)(?:\s?jahren?)?\b|\baños (?P<short>\d0)\b", re.I),
    ),
    (CENTURY, re.compile(r"\b(?P<century>1?\d|2[01])(?:st|nd|rd|th)[\s-]century\b", re.I)),
    (
        CLOCK,
        re.compile(r"(?P<clock>(?<![\d.:])\d{1,2}:\d{2})(?!\d)(?::\d\d)?\s?(?P<half>[ap]\.?m\b\.?)?", re.I),
    ),
    (CLOCK, re.compile(r"(?P<clock>(?<![\d.:$€£,])\d{1,2})\s?(?P<half>[ap]\.?m\b\.?)", re.I)),
    (YEAR, re.compile(rf"{_BEFORE_YEAR}(?P<year>1[0-9]\d\d|20\d\d)(?![\w%/$€£¥]|[.,]\d){_AFTER_YEAR}", re.I)),
    (WEEKDAY, re.compile(rf"\b(?P<weekday>{_OTHER_DAYS})\b|(?P<cjk_weekday>{_CJK_DAYS})", re.I)),
    (
        MONTH,
        re.compile(
            r"(?<=\s)(?:in|im|en|since|until|on|last|next|by|of|every|each)\s+(?P<month>january|february|march|april"
            r"|may|june|july|august|september|october|november|december|januar|februar|märz|mai|juni|juli|oktober"
            r"|dezember|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre)\b",
            re.I,
        ),
    ),
)
"""From the most explicit form to a bare year: (what a text must have, the form)."""

_WORD = re.compile(r"[^\W\d_]+")
_FOUR_DIGITS = re.compile(r"\d{4}|\d0\b")


def forms_in(text: str) -> Iterator[re.Pattern[str]]:
    """The forms that a text with ASCII digits may have."""
    signs = _signs(text)
    return (form for need, form in _FORMS if need in signs)


def _signs(text: str) -> frozenset[str]:
    lower = text.casefold()
    spoken = set(_WORD.findall(lower))
    has_digit = any(digit in text for digit in "0123456789")
    found = {
        DIGIT: has_digit,
        YEAR: has_digit and _FOUR_DIGITS.search(text) is not None,
        MONTH: not spoken.isdisjoint(MONTHS),
        WEEKDAY: not spoken.isdisjoint(WEEKDAYS) or any(sign in text for sign in "曜星周"),
        CLOCK: has_digit and (":" in text or any(sign in lower for sign in ("am", "pm", "a.m", "p.m"))),
        CENTURY: has_digit and "century" in lower,
        HAN: "年" in text or "月" in text,
    }
    return frozenset(sign for sign, present in found.items() if present)

"""Numbers as they are written in English, German, Spanish, Chinese, Japanese and Arabic, as values.

Digits of any script; grouping by comma, point, space or apostrophe; words up to the millions; 万, 億 and their like.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

_DIGITS = str.maketrans(
    "٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹０１２３４５６７８９٫٬％．，／：−﹣", "012345678901234567890123456789.,%.,/:--"
)


def with_ascii_digits(text: str) -> str:
    """Of the same length, so that positions stay."""
    return text if text.isascii() else text.translate(_DIGITS)


# ------------------------------------------------------------------------------------------------ words

_EN_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_EN_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_DE_SMALL = [
    "null",
    "eins",
    "zwei",
    "drei",
    "vier",
    "fünf",
    "sechs",
    "sieben",
    "acht",
    "neun",
    "zehn",
    "elf",
    "zwölf",
    "dreizehn",
    "vierzehn",
    "fünfzehn",
    "sechzehn",
    "siebzehn",
    "achtzehn",
    "neunzehn",
]
_DE_TENS = ["zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"]
_ES_SMALL = [
    "cero",
    "uno",
    "dos",
    "tres",
    "cuatro",
    "cinco",
    "seis",
    "siete",
    "ocho",
    "nueve",
    "diez",
    "once",
    "doce",
    "trece",
    "catorce",
    "quince",
    "dieciséis",
    "diecisiete",
    "dieciocho",
    "diecinueve",
    "veinte",
    "veintiuno",
    "veintidós",
    "veintitrés",
    "veinticuatro",
    "veinticinco",
    "veintiséis",
    "veintisiete",
    "veintiocho",
    "veintinueve",
]
_ES_TENS = ["treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa"]
_ES_HUNDREDS = [
    "cien",
    "doscientos",
    "trescientos",
    "cuatrocientos",
    "quinientos",
    "seiscientos",
    "setecientos",
    "ochocientos",
    "novecientos",
]
_AR_SMALL = ["صفر", "واحد", "اثنان", "ثلاثة", "أربعة", "خمسة", "ستة", "سبعة", "ثمانية", "تسعة", "عشرة"]
_AR_FEMININE = ["واحدة", "اثنتان", "ثلاث", "أربع", "خمس", "ست", "سبع", "ثماني", "تسع", "عشر"]
_AR_TENS = ["عشرون", "ثلاثون", "أربعون", "خمسون", "ستون", "سبعون", "ثمانون", "تسعون"]
_AR_TENS_OBLIQUE = ["عشرين", "ثلاثين", "أربعين", "خمسين", "ستين", "سبعين", "ثمانين", "تسعين"]


def _german() -> dict[str, int]:
    tens = {word: 10 * value for value, word in enumerate(_DE_TENS, start=2)}
    units = ["ein", *_DE_SMALL[2:10]]
    compounds = {
        f"{unit}und{word}": value + number for word, value in tens.items() for number, unit in enumerate(units, start=1)
    }
    return {word: value for value, word in enumerate(_DE_SMALL)} | tens | compounds


def _spanish() -> dict[str, int]:
    tens = {word: 10 * value for value, word in enumerate(_ES_TENS, start=3)}
    hundreds = {word: 100 * value for value, word in enumerate(_ES_HUNDREDS, start=1)}
    return {word: value for value, word in enumerate(_ES_SMALL)} | tens | hundreds | {"ciento": 100}


WORDS: Mapping[str, int] = {
    **{word: value for value, word in enumerate(_EN_SMALL)},
    **{word: 10 * value for value, word in enumerate(_EN_TENS, start=2)},
    "dozen": 12,
    **_german(),
    **_spanish(),
    **{word: value for value, word in enumerate(_AR_SMALL)},
    **{word: value for value, word in enumerate(_AR_FEMININE, start=1)},
    **{word: 10 * value for value, word in enumerate(_AR_TENS, start=2)},
    **{word: 10 * value for value, word in enumerate(_AR_TENS_OBLIQUE, start=2)},
}

SCALES: Mapping[str, float] = {
    "hundred": 1e2,
    "thousand": 1e3,
    "million": 1e6,
    "billion": 1e9,
    "trillion": 1e12,
    "k": 1e3,
    "m": 1e6,
    "bn": 1e9,
    "mn": 1e6,
    "hundert": 1e2,
    "tausend": 1e3,
    "millionen": 1e6,
    "mio": 1e6,
    "milliarde": 1e9,
    "milliarden": 1e9,
    "mrd": 1e9,
    "cientos": 1e2,
    "mil": 1e3,
    "millón": 1e6,
    "millones": 1e6,
    "millardo": 1e9,
    "billones": 1e12,
    "billón": 1e12,
    "مئة": 1e2,
    "مائة": 1e2,
    "ألف": 1e3,
    "آلاف": 1e3,
    "ألفا": 1e3,
    "مليون": 1e6,
    "ملايين": 1e6,
    "مليار": 1e9,
}
WORD_SCALES = frozenset(SCALES) - {"k", "m", "bn", "mn", "mio", "mrd"}

AMBIGUOUS_IN = frozenset({"de", "es"})
"""Languages in which "1.234" is 1234 and "1,5" is one and a half."""


@lru_cache(maxsize=8192)
def spoken(written: str) -> float | None:
    """The value of number words: "two hundred and five", "treinta y dos", "zweihundertfünf"; None for no number."""
    total = current = 0.0
    found = False
    for word in re.findall(r"[^\W\d_]+", written.casefold()):
        if word in WORDS:
            current += WORDS[word]
        elif word in SCALES:
            current = max(current, 1.0) * SCALES[word]
            if SCALES[word] >= 1000:
                total, current = total + current, 0.0
        elif (compound := _compound(word)) is not None:
            current += compound
        elif word not in ("and", "y", "und", "و"):
            return None
        else:
            continue
        found = True
    return total + current if found else None


def _compound(word: str) -> float | None:
    """A German number in one word: "zweihundertfünf", "dreitausend"."""
    for scale, size in (("tausend", 1000), ("hundert", 100)):
        head, sign, tail = word.partition(scale)
        if sign:
            first = 1.0 if head in ("", "ein") else WORDS.get(head) or _compound(head)
            last = 0.0 if not tail else WORDS.get(tail) or _compound(tail)
            return None if first is None or last is None else first * size + last
    return None


# ------------------------------------------------------------------------------------------------ digits


@lru_cache(maxsize=8192)
def readings(digits: str, language: str) -> frozenset[float]:
    """The values that ASCII digits with their separators may stand for in a language, usually one."""
    plain = re.sub(r"[\s'’\u00a0\u202f]", "", digits)
    points, commas = plain.count("."), plain.count(",")
    if points and commas:
        decimal = "." if plain.rfind(".") > plain.rfind(",") else ","
        return _one(plain.replace("," if decimal == "." else ".", "").replace(decimal, "."))
    sign = "." if points else "," if commas else ""
    if not sign:
        return _one(plain)
    if plain.count(sign) > 1:
        return _one(plain.replace(sign, ""))
    grouped, decimal_ = _one(plain.replace(sign, "")), _one(plain.replace(sign, "."))
    if re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", plain) is None:
        return decimal_
    if language in AMBIGUOUS_IN:
        return grouped if sign == "." else grouped | decimal_
    return grouped if sign == "," else decimal_


def _one(text: str) -> frozenset[float]:
    try:
        return frozenset({float(text)})
    except ValueError:
        return frozenset()


# ------------------------------------------------------------------------------------------------ Han

_HAN_DIGITS = {sign: value for value, sign in enumerate("〇一二三四五六七八九")} | {
    "零": 0,
    "两": 2,
    "兩": 2,
    "半": 0.5,
}
_HAN_TENS = {"十": 10.0, "百": 100.0, "千": 1000.0}
_HAN_MYRIADS = {"万": 1e4, "萬": 1e4, "亿": 1e8, "億": 1e8, "兆": 1e12}
HAN = "〇一二三四五六七八九零两兩十百千万萬亿億兆"


@lru_cache(maxsize=8192)
def han(written: str) -> float | None:
    """The value of 三万五千, 1.5億, 二〇二四, 3万5千; None for no number."""
    total = section = 0.0
    digit: float | None = None
    if len(written) > 1 and all(sign in _HAN_DIGITS for sign in written):
        return float("".join(str(_HAN_DIGITS[sign]) for sign in written if sign != "半") or 0)
    for part in re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?|.", written):
        if part[0].isascii() and part[0].isdigit():
            digit = float(part.replace(",", ""))
        elif part in _HAN_DIGITS:
            digit = float(_HAN_DIGITS[part])
        elif part in _HAN_TENS:
            section += (1.0 if digit is None else digit) * _HAN_TENS[part]
            digit = None
        elif part in _HAN_MYRIADS:
            total += (section + (digit or 0.0) or 1.0) * _HAN_MYRIADS[part]
            section, digit = 0.0, None
        else:
            return None
    return total + section + (digit or 0.0)

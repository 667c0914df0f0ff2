"""Finds template variables that nobody filled in: {{name}}, [YOUR NAME], <insert date>, ${plan}, __X__."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ..cues import Cues
from .markup import blank_code, is_code_line, looks_like_code

_NOUNS = (
    "name|surname|date|time|day|month|year|address|street|city|town|state|country|zip|postcode|email|e-mail|phone|telephone"
    "|mobile|number|no|amount|price|sum|total|company|organi[sz]ation|employer|business|firm|school|university|department"
    "|product|item|order|invoice|account|customer|client|recipient|sender|manager|position|job|role|title|location|place"
    "|venue|event|duration|deadline|url|link|website|signature|contact|details|info|information|description|reason|topic"
    "|subject|text|content|message|value|id|code|plan|brand|service|model|reference|age|gender|hotel|restaurant|charity"
    "|hours|minutes|percentage|currency|language|team|project|username|password|author|user"
)
_START = (
    "(?:insert|enter|add|specify|fill in|provide|your|my|their|his|her|type|state|mention|include"
    "|company|customer|client)"
)
_PHRASE = rf"{_START}\s+[\w'’&/-]+(?:[\s,]+[\w'’&/.-]+){{0,5}}"
_NOUN_PHRASE = rf"(?:[\w'’&/-]+\s+){{0,3}}(?:{_NOUNS})s?(?:\s+(?:here|of(?:\s+[\w-]+){{0,3}}|and\s+[\w-]+))?"

_DOUBLE_BRACES = re.compile(r"(?<![{$#%\\])\{\{\s*[\w.\- ]{1,40}\s*\}\}(?!\})")
_DOLLAR = re.compile(r"\$\{\s*[A-Za-z_][\w.]{0,40}\s*\}")
_PERCENT = re.compile(r"(?<![\w%])%%?[A-Z][A-Z_]{2,30}%%?(?!\w)")
_UNDERSCORES = re.compile(r"(?<!\w)__+[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*__+(?!\w)")
_INSERT = re.compile(r"[\[<({]\s*(?:insert|enter|fill in|add your|your)\s[^\]>)}\n]{2,60}[\]>)}]", re.IGNORECASE)
_BRACKETS = re.compile(rf"(?<![\w\]!\\])\[\s*(?:{_PHRASE}|{_NOUN_PHRASE})\s*\](?![(\[:])", re.IGNORECASE)
_CAPITAL_BRACKETS = re.compile(
    rf"(?<![\w\]!\\])\[(?:{_NOUNS.upper()}|X{{2,8}}|[A-Z][A-Z0-9]*(?:[ _-][A-Z0-9]+){{1,4}})S?\](?![(\[:])"
)
"""A single word has to be a known noun: "[BMI]" is what writers of papers do for "(BMI)"."""

_ANGLES = re.compile(
    rf"<\s*(?:{_PHRASE}|(?:[\w-]+[ _])+(?:{_NOUNS})|[A-Z][A-Z0-9]*(?:[ _-][A-Z0-9]+){{1,4}}"
    r"|NAME|DATE|TIME|EMAIL|ADDRESS|AMOUNT|NUMBER|CITY|COMPANY|URL)\s*>"
)
_BRACES = re.compile(rf"(?<![{{$\\\w])\{{(?:[a-z]+_[a-z_]+|(?:{_NOUNS}))\}}(?!\}})", re.IGNORECASE)
_OTHER_LANGUAGES = re.compile(
    r"(?<![\w\]!\\])\[\s*(?:(?:Ihr|Dein|Sein)(?:e[rnms]?)?|Name(?:n)?\s+(?:des|der|Ihres)|Datum|Ort|Betreff|Adresse"
    r"|Firma"
    r"|Empfänger|Absender|Unterschrift|(?:Su|Tu|Mi)\s+\w+|Nombre|Apellidos?|Fecha|Dirección|Empresa|Ciudad|Correo"
    r"|(?:Votre|Ton|Ta|Mon)\s+\w+|Nom|Prénom|Adresse|Entreprise|Ville|Seu\s+\w+|Nome|Cognome|Il tuo\s+\w+)"
    r"(?:\s+[\w'’&/-]+){0,4}\s*\](?![(\[:])"
    r"|[\[【［](?:您的?|你的?|请(?:填写|输入|插入)|填写|输入|插入|姓名|名字|日期|公司名?称?|地址|电话|邮箱|職?位|收件人|寄件人)"
    r"[\u4e00-\u9fff]{0,10}[\]】］]|[\[【［](?:あなたの|お客様の?|貴社|氏名|お名前|名前|日付|会社名|住所|電話番号|件名|宛名)"
    r"[\u3040-\u30ff\u4e00-\u9fff]{0,10}[\]】］]|[\[【](?:اسمك|اسم|التاريخ|تاريخ|العنوان|عنوان|اسم الشركة|رقم|توقيعك"
    r"|البريد)"
    r"(?:\s+[\u0620-\u064a]+){0,4}[\]】]"
)
"""The bracketed phrases of German, Spanish, French, Portuguese, Italian, Chinese, Japanese and Arabic."""

_FILLER = re.compile(r"\blorem ipsum\b|\[TBD\]|\bXX?X?[/-]XX?X?[/-]XXXX\b", re.IGNORECASE)

CERTAIN = (_DOUBLE_BRACES, _DOLLAR, _PERCENT, _UNDERSCORES, _INSERT, _CAPITAL_BRACKETS, _ANGLES, _FILLER)
LIKELY = (_BRACKETS, _BRACES, _OTHER_LANGUAGES)

_NOT_PLACEHOLDERS = re.compile(
    r"\[(?:[ xX✓-]|\d+|sic|[A-Z]{1,2}\d*|OK|INFO|WARN(?:ING)?|ERROR|DEBUG|NOTE|END|START|MUSIC|INST)\]"
)
_TEMPLATE_TALK = re.compile(
    r"\b(?:templates?|placeholders?|jinja2?|handlebars|mustache|mail ?merge|form letter|boilerplate|f-strings?"
    r"|string interpolation|variables?|regex(?:es)?|regular expressions?|vorlage|plantilla|fill[- ]in[- ]the[- ]blanks?"
    r"|mad ?libs|tokens?|vue|angular|liquid|helm|html|xml|latex|markdown|json schema|curly|brackets?|braces)\b"
    r"|模板|占位符",
    re.IGNORECASE,
)


MOST = 500
"""More than anybody needs to see of one text."""


class Placeholder(NamedTuple):
    """Characters [start, end) of a text. certain: its form is used for nothing else in prose."""

    start: int
    end: int
    text: str
    certain: bool


CUES = Cues("{", "\\[", "<", "(", "%", "X", "__", "【", "［", any_case=("orem ipsum",))
"""Of these one stands in every text with a placeholder in it."""


def may_hold_placeholders(text: str) -> bool:
    """Cheap, and false for most texts: whether there is a sign that placeholders are made of."""
    if not text.isascii() and ("【" in text or "［" in text):
        return True
    if "{" in text or "[" in text or "<" in text or "__" in text or "orem ipsum" in text:
        return True
    if "%" in text and _PERCENT.search(text) is not None:
        return True
    return ("(" in text and _INSERT.search(text) is not None) or ("X" in text and _FILLER.search(text) is not None)


def find_placeholders(text: str) -> Iterator[Placeholder]:
    """In order; code, mathematics and links are passed over."""
    if not may_hold_placeholders(text):
        return
    prose = blank_code(text)
    if looks_like_code(prose):
        return
    code_lines = sum(map(is_code_line, prose.splitlines()))
    taken: list[tuple[int, int]] = []
    found: list[Placeholder] = []
    for certain, patterns in ((True, CERTAIN), (False, LIKELY)):
        for pattern in patterns:
            for match in pattern.finditer(prose):
                if len(found) >= MOST:
                    break
                start, end = match.span()
                if any(start < other_end and other_start < end for other_start, other_end in taken):
                    continue
                if _NOT_PLACEHOLDERS.fullmatch(match.group()) or _is_closed_tag(match.group(), prose):
                    continue
                if _is_mask(match.group()):
                    continue
                if code_lines >= 2 and pattern in (_DOLLAR, _BRACES):
                    continue
                taken.append((start, end))
                found.append(Placeholder(start, end, text[start:end], certain))
    yield from sorted(found)


def talks_about_templates(text: str) -> bool:
    """Whether a prompt asks for, or is about, text with variables in it: then they are meant to stay."""
    return _TEMPLATE_TALK.search(text) is not None


def _is_mask(found: str) -> bool:
    """What stands in the place of masked personal data: <EMAIL_1>."""
    from ..personal.masking import MASK

    return MASK.fullmatch(found) is not None


def _is_closed_tag(found: str, text: str) -> bool:
    return found.startswith("<") and f"</{found[1:-1].strip().split()[0]}" in text

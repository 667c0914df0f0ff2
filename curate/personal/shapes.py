"""Where a text is worth a look: a few shapes that nearly all texts lack, cheap to look for.

Each is a regular expression that both RE2 (for a whole column at once) and `re` understand. The patterns of a
shape are tried on a window around each place where it stands, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..cues import Cues, first_bytes
from .pattern import Shape


class Gate(NamedTuple):
    """regex, and how many characters before and after a match a value may reach.

    rare  what stands in every text in which `regex` leads to anything, and in fewer others: for RE2 over a column
    """

    regex: str
    before: int
    after: int
    rare: str = ""

    @property
    def prefilter(self) -> str:
        return self.rare or self.regex


_SHORT_NUMBERS = (
    r"(?i:phone|tel|fono|fone|mob|cell|handy|rufnummer|fax|whatsapp|hotline|call|sms|dial|desk|message|answer|reach|regist|text"
    r"|m[oó]vil|celular|portable|contact|电话|手机|電話|携帯|전화|телефон|моб|هاتف|جوال|फ़ोन|मोबाइल)"
)
"""A number of seven or eight digits is none of a telephone unless such a word stands before it."""


GATES: Mapping[Shape, Gate] = {
    "number": Gate(
        r"[0-9](?:[ .\-/()]{0,2}[0-9]){6,}",
        6,
        8,
        rare=r"[0-9](?:[ .\-/()]{0,2}[0-9]){8}|\+[0-9](?:[ .\-/()]{0,2}[0-9]){6}"
        rf"|{_SHORT_NUMBERS}[^0-9\n]*[0-9](?:[ .\-/()]{{0,2}}[0-9]){{6}}",
    ),
    "lettered": Gate(
        r"[A-Z]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2}|[A-Za-z]{2}[0-9]{2}[ -]?[0-9A-Za-z]{4}[ -]?[0-9A-Za-z]{4}"
        r"|[A-Za-z]{6}[0-9]{2}[A-Za-z]|[A-Z]{5}[0-9]{4}|[A-Z][- ]?[0-9]{3}-?[0-9]{3}|[0-9]{7}|[0-9]{6}[-+A-Z][0-9]{3}"
        r"|[0-9] [0-9]{2} [0-9]{2} [0-9AB]{2} [0-9]{3}|[A-Z]{4}[0-9]{6}|[A-Z]{2,5}9{0,3}[0-9]{6}"
        r"|[A-Z]{2}[A-Z0-9][0-9]{4}",
        24,
        40,
    ),
    "address": Gate(
        r"[A-Za-z],? {0,2}\n?[0-9]{5}|[A-Z][0-9][A-Z0-9]? ?[0-9][A-Z]{2}"
        r"|(?:stra(?:ß|ss)e|str\.|weg|platz|allee|gasse) [0-9]",
        120,
        60,
    ),
    "at": Gate(r"[A-Za-z0-9_'%+-]@[A-Za-z0-9À-ž]", 66, 400),
    "network": Gate(
        r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]|[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:"
        r"|[0-9A-Fa-f]{1,4}::[0-9A-Fa-f]|[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-",
        45,
        45,
    ),
    "wallet": Gate(
        r"(?:bc|ltc|tb|BC|LTC|TB)1[0-9A-Za-z]{11}|0x[0-9a-fA-F]{40}|[123DLMT9A][1-9A-HJ-NP-Za-km-z]{25}", 2, 80
    ),
    "labelled": Gate(
        r"(?i:birth|d\.?o\.?b\b|geburtsdatum|geb\. am|nacimiento|naissance|nascita|nascimento|geboortedatum|født den)"
        r"|出生日期|生年月日|생년월일|ождения|الميلاد",
        16,
        60,
    ),
    "token": Gate(
        r"AKIA|ASIA|ABIA|ACCA|AIza|ya29\.|GOCSPX-|gh[pousr]_|github_pat_|gl[a-z]{2,4}-|xox[abeoprs]-|xapp-"
        r"|hooks\.slack\.com|[sr]k_(?:live|test)_|whsec_|sk-[A-Za-z0-9]|hf_[A-Za-z]|api_org_|pypi-AgE|npm_|(?:SK|AC)[0-9a-f]{4}"
        r"|SG\.|key-[0-9a-f]{4}|do[opr]_v1_|shp[a-z]{2}_|gsk_|r8_|dapi[a-f0-9]|:AA|sq0[a-z]{3}-|AGE-SECRET|hv[sbr]\."
        r"|AccountKey=|[78]Q~|sig=|PRIVATE KEY|eyJ|://[^\s/@]+@"
        r"|(?i:passw|pwd|passphrase|passcode|contraseña|mot de passe|senha|key|token|secret|credential)\w*"
        r"[\"'`]?\s*[:=]"
        r"|(?i:passw\w*|pwd|passphrase|passcode|contraseñas?|passe|senha)\s+(?:is|was|ist|lautet|es|est|è|é)\s"
        r"|密码|パスワード|비밀번호|(?i:пароль|authorization[\"']?\s*[:=])",
        0,
        0,
    ),
}

ALL_SHAPES: tuple[Shape, ...] = tuple(GATES)

_TYPOGRAPHIC = r"\x{a0}\x{2007}\x{202f}\x{2010}-\x{2015}\x{2212}"
_OTHER_DIGITS = (
    r"\x{660}-\x{669}\x{6f0}-\x{6f9}\x{7c0}-\x{7c9}\x{966}-\x{96f}\x{9e6}-\x{9ef}\x{a66}-\x{a6f}\x{ae6}-\x{aef}"
    r"\x{b66}-\x{b6f}\x{be6}-\x{bef}\x{c66}-\x{c6f}\x{ce6}-\x{cef}\x{d66}-\x{d6f}\x{e50}-\x{e59}\x{ed0}-\x{ed9}"
    r"\x{f20}-\x{f29}\x{1040}-\x{1049}\x{17e0}-\x{17e9}\x{1810}-\x{1819}\x{ff10}-\x{ff19}"
)
"""Of Arabic, Persian, N'Ko, Devanagari, Bengali, Gurmukhi, Gujarati, Odia, Tamil, Telugu, Kannada, Malayalam, Thai,
Lao, Tibetan, Burmese, Khmer, Mongolian; full-width."""

PREFILTER = (
    "|".join(f"(?:{gate.prefilter})" for gate in GATES.values())
    + rf"|[{_OTHER_DIGITS}][{_OTHER_DIGITS} .\-/]{{4}}|[0-9][0-9 .\-/()]{{0,4}}[{_TYPOGRAPHIC}][0-9]"
    + r"|[\x{ff01}-\x{ff5e}]{5}"
)
"""For RE2: matches wherever a value may stand, in digits of any script; most texts do not match it."""


CUES = Cues(
    *"0123456789@",
    "::", ":[0-9a-fA-F]:", ":[0-9a-fA-F][0-9a-fA-F]:", ":[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]:",
    ":[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]:", "-[0-9a-fA-F][0-9a-fA-F]-",
    "AKIA", "ASIA", "ABIA", "ACCA", "AIza", "GOCSPX-", "gh[pousr]_", "github_pat_",
    "gl[a-z][a-z]-", "gl[a-z][a-z][a-z]-", "gl[a-z][a-z][a-z][a-z]-", "xox[abeoprs]-", "xapp-", "hooks.slack.com",
    "k_live_", "k_test_", "whsec_", "sk-", "hf_", "api_org_", "pypi-AgE", "npm_", "SK[0-9a-f]", "AC[0-9a-f]", "SG.",
    "shp[a-z][a-z]_", "gsk_", "dapi[a-f0-9]", ":AA", "hv[sbr].", "sig=", "eyJ",
    any_case=(
        *(f"{born}[^0-9A-Za-z_]" for born in ("dob", "d.ob", "do.b", "d.o.b")),
        "birth", "geburtsdatum", "geb. am", "nacimiento", "naissance", "nascita",
        "nascimento", "geboortedatum", "dt den", "passw", "pwd", "passphrase", "passcode", "contrase", "de passe",
        "passe[ \t\n\r\f]", "senha", "key", "token", "secret", "credential", "authorization",
    ),
    raw=(*first_bytes("\u0100", "\u1fff"), b"\xe2[^\x80]", *first_bytes("\u3000", "\U0010ffff")),
    long_words=True,
)  # fmt: skip
"""Of these one stands in every text that PREFILTER matches: a digit, an at sign, the beginning of a key, a word, or a
character beyond the Latin ones of Western Europe and the usual quotes and dashes."""


class Window(NamedTuple):
    """Characters [start, end) of a text, and the most digits that stand together in it, separators passed over."""

    start: int
    end: int
    digits: int


_DATE = re.compile(
    r"(?:1\d|20)\d\d ?- ?(?:1\d|20)\d\d|(?:1\d|20)\d\d([-./])[01]?\d\1[0-3]?\d|[0-3]?\d([-./])[0-3]?\d\2(?:1\d|20)\d\d"
)
"""Two years, or a date: the numbers of most texts."""


def windows(text: str, shape: Shape) -> Iterator[Window]:
    """Ranges of the text that may hold a value of the shape, in order and without overlap."""
    if shape == "token":
        yield Window(0, len(text), 0)
        return
    gate = GATES[shape]
    open_: Window | None = None
    for match in _compiled(shape).finditer(text):
        digits = 0
        if shape == "number":
            if _DATE.fullmatch(text, *match.span()):
                continue
            digits = sum(map(str.isdigit, match.group()))
        start, end = max(0, match.start() - gate.before), min(len(text), match.end() + gate.after)
        if open_ is not None and start <= open_.end:
            open_ = Window(open_.start, max(end, open_.end), max(digits, open_.digits))
            continue
        if open_ is not None:
            yield open_
        open_ = Window(start, end, digits)
    if open_ is not None:
        yield open_


_COMPILED: dict[Shape, re.Pattern[str]] = {}


def _compiled(shape: Shape) -> re.Pattern[str]:
    if shape not in _COMPILED:
        _COMPILED[shape] = re.compile(GATES[shape].regex)
    return _COMPILED[shape]

"""Where a text is worth a look: a few shapes that nearly all texts lack, cheap to look for.

The patterns of a shape are tried on a window around each place where its regular expression matches, and nowhere
else; which texts are worth trying the expression itself is told by `signs.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import NamedTuple

from ..cues import Cues, first_bytes
from .pattern import Shape


class Gate(NamedTuple):
    """regex, and how many characters before and after a match a value may reach.

    cues  of which one stands in every text that `regex` matches, but for what `digit_kernel.py` sees: numbers, and
          the postal code after a town
    """

    regex: str
    before: int
    after: int
    cues: Cues = Cues()


_HEX = "[0-9A-Fa-f]"


def _variants(*parts: str | tuple[str, ...]) -> tuple[str, ...]:
    """Cues of all choices: of a part that is several strings, each."""
    choices = [(part,) if isinstance(part, str) else part for part in parts]
    return tuple("".join(chosen) for chosen in product(*choices))


def _up_to(cue: str, most: int, fewest: int = 0) -> tuple[str, ...]:
    return tuple(cue * count for count in range(fewest, most + 1))


_STREETS = (
    "Street", "St", "Avenue", "Ave", "Road", "Rd", "Boulevard", "Blvd", "Lane", "Ln", "Drive", "Court", "Terrace",
    "Parkway", "Highway",
)  # fmt: skip
"""Words behind the name of a street; not "Dr", who is a doctor more often."""

AFTER_NAMES = (
    "straße", "strasse", "weg", "platz", "allee", "gasse", "gata", "gatan", "gade", "vej", "vegen", "veien", "katu",
    "straat", "laan",
)  # fmt: skip
BEFORE_NAMES = (
    "Rua", "Rue", "Via", "Viale", "Calle", "Avenida", "Piazza", "Plaza", "Praça", "Travessa", "Chemin", "Quai",
)  # fmt: skip
"""Parts of the name of a street, in the north and in German, and words before it in Romance languages."""

_BESIDE_LETTERS = "|".join(
    [
        r"(?:(?<=[A-Z]{2}[0-9])|(?<=[A-Z]{2} [0-9]))[0-9] ?[0-9]{2} ?[0-9]{2}",
        r"(?<=[A-Za-z]{2}[0-9])[0-9][ -]?[0-9A-Za-z]{4}[ -]?[0-9A-Za-z]{4}",
        r"(?<=[A-Za-z]{6}[0-9])[0-9][A-Za-z]",
        r"(?<=[A-Z]{2}[0-9])[0-9]{4}",
        r"(?<=[A-Z]{3}[0-9])[0-9]{3}",
        r"(?:(?<=[A-Z][0-9])|(?<=[A-Z][- ][0-9]))[0-9]{2}-?[0-9]{3}",
        r"[0-9]{6}",
        r"[0-9]{5}[-+A-Z][0-9]{3}",
        r" [0-9]{2} [0-9]{2} [0-9AB]{2} [0-9]{3}",
    ]
)
"""After the first digit of a number: what makes it look like an identifier with letters, or a long one."""

GATES: Mapping[Shape, Gate] = {
    "number": Gate(r"[0-9](?:[ .\-/()]{0,2}[0-9]){6,}", 6, 8),
    "lettered": Gate(rf"[0-9](?:{_BESIDE_LETTERS})", 30, 44),
    "address": Gate(
        r"[A-Za-z],? {0,2}\n?[0-9]{5}|[A-Z][0-9][A-Z0-9]? ?[0-9][A-Z]{2}"
        rf"| (?:{'|'.join(_STREETS)})(?![A-Za-z])|(?:{'|'.join(AFTER_NAMES)}|str\.) [0-9]"
        rf"|(?:{'|'.join(BEFORE_NAMES)}) ",
        120,
        60,
        Cues(
            *_variants("[A-Z][0-9]", _up_to("[A-Z0-9]", 1), _up_to(" ", 1), "[0-9][A-Z][A-Z]"),
            *_variants(" ", _STREETS, "[^A-Za-z]"),
            *_variants((*AFTER_NAMES, "str."), " [0-9]"),
            *_variants(BEFORE_NAMES, " "),
        ),
    ),
    "at": Gate(
        r"@(?<=[A-Za-z0-9_'%+-]@)[A-Za-z0-9À-ž]",
        67,
        400,
        Cues(raw=(b"[A-Za-z0-9_'%+-]@[A-Za-z0-9\xc3-\xc5]",)),
    ),
    "network": Gate(
        r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]|[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:"
        r"|[0-9A-Fa-f]{1,4}::[0-9A-Fa-f]|[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-",
        45,
        45,
        Cues(
            *_variants("[0-9].", _up_to("[0-9]", 3, 1), ".", _up_to("[0-9]", 3, 1), ".[0-9]"),
            *_variants(":", _up_to(_HEX, 4), ":", _up_to(_HEX, 4), ":"),
            "::[0-9A-Fa-f]",
            f"-{_HEX}{_HEX}-{_HEX}{_HEX}-",
        ),
    ),
    "wallet": Gate(
        r"(?:bc|ltc|tb|BC|LTC|TB)1[0-9A-Za-z]{11}|0x[0-9a-fA-F]{40}|[123DLMT9A][1-9A-HJ-NP-Za-km-z]{25}",
        2,
        80,
        Cues(*_variants(("bc", "tc", "tb", "BC", "TC", "TB"), "1[0-9A-Za-z]"), long_words=True),
    ),
    "labelled": Gate(
        r"(?i:birth|d\.?o\.?b\b|geburtsdatum|geb\. am|nacimiento|naissance|nascita|nascimento|geboortedatum|født den)"
        r"|出生日期|生年月日|생년월일|ождения|الميلاد",
        16,
        60,
        Cues(
            "出生日期",
            "生年月日",
            "생년월일",
            "ождения",
            "الميلاد",
            any_case=(
                *(f"{born}[^0-9A-Za-z_]" for born in ("dob", "d.ob", "do.b", "d.o.b")),
                "birth",
                "geburtsdatum",
                "geb. am",
                "nacimiento",
                "naissance",
                "nascita",
                "nascimento",
                "geboortedatum",
                "dt den",
            ),
        ),
    ),
}
"""Of all shapes but tokens, which have their signs each by itself: the literals of their patterns."""

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
"""Of these one stands in every text in which a value may stand: a digit, an at sign, the beginning of a key, a word, or
a character beyond the Latin ones of Western Europe and the usual quotes and dashes."""


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

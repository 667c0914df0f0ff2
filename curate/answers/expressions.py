"""Evaluates written arithmetic exactly: "1,200 * 3", "(4 + 5) / 2", "20% of 50", "2^3", "1 1/2"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

MAX_TOKENS = 60
MAX_DIGITS = 30
MAX_EXPONENT = 12

TOKEN = re.compile(
    r"(?P<fraction>\\[dt]?frac\{\d{1,9}\}\{\d{1,9}\})"
    r"|(?P<number>[$€£¥₹]?(?:\d+(?:[.,]\d+)*|(?<![\w.])\.\d+)(?:\\?%)?)"
    r"|(?P<of>(?<=%)\s+of(?=\s+[$€£¥₹]?\d))"
    r"|(?P<operator>\\times|\\cdot|\\div|\*\*|[+*×·÷/^−–-]|(?<=[\d)\s])[xX](?=[\d(\s]))"
    r"|(?P<open>\()|(?P<close>\))"
    r"|(?P<space>[ \t\u00a0]+|\\[,;$])"
    r"|(?P<other>[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|\w+|.)",
    re.DOTALL,
)

_OPERATORS = {
    "\\times": "*", "\\cdot": "*", "\\div": "/", "**": "^", "×": "*", "·": "*", "÷": "/", "−": "-", "–": "-",
    "x": "*", "X": "*",
}  # fmt: skip

_THOUSANDS_COMMA = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_DECIMAL_COMMA = re.compile(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+(?:,\d+)?")


class Token(NamedTuple):
    """kind: number, operator, open or close; text as written; start and end are offsets in the text."""

    kind: str
    text: str
    start: int
    end: int


class Number(NamedTuple):
    """decimals: digits written after the decimal sign, or -1 for a fraction, which is exact."""

    value: Fraction
    decimals: int
    percent: bool


def tokens(text: str, start: int, end: int) -> Iterator[Token]:
    """Spaces left out; whatever is no arithmetic is of the kind "other"."""
    for match in TOKEN.finditer(text, start, end):
        kind = match.lastgroup or "other"
        if kind == "space":
            continue
        written = match.group()
        if kind == "of":
            yield Token("operator", "*", match.start(), match.end())
        elif kind == "operator":
            yield Token(kind, _OPERATORS.get(written, written), match.start(), match.end())
        else:
            yield Token("number" if kind == "fraction" else kind, written, match.start(), match.end())


def read_number(written: str, *, decimal_comma: bool) -> Number | None:
    """None where the separators do not fit the convention, or the number begins with zeros as codes and dates do."""
    if written.startswith("\\"):
        above, below = re.findall(r"\d+", written)
        return Number(Fraction(int(above), int(below)), -1, percent=False) if int(below) else None
    digits = written.lstrip("$€£¥₹").rstrip("%\\")
    digits = f"0{digits}" if digits[0] == "." and not decimal_comma else digits
    if len(digits) > MAX_DIGITS or (len(digits) > 1 and digits[0] == "0" and digits[1].isdecimal()):
        return None
    if not (_DECIMAL_COMMA if decimal_comma else _THOUSANDS_COMMA).fullmatch(digits) or not digits.isascii():
        return None
    thousands, decimal = (".", ",") if decimal_comma else (",", ".")
    plain = digits.replace(thousands, "").replace(decimal, ".")
    return Number(Fraction(plain), len(plain.partition(".")[2]), written.endswith("%"))


class Unreadable(Exception):  # noqa: N818 - no error of anybody's: the text is simply no arithmetic
    """The tokens are no expression, or one too large to evaluate."""


def evaluate(expression: Sequence[Token], numbers: Sequence[Fraction]) -> Fraction:
    """The value of an expression whose number tokens have the given values, in order.

    Raises Unreadable for what is no expression, divides by zero or raises to a large power.
    """
    return _Parser(expression, numbers).whole()


class _Parser:
    """Recursive descent; depth is bounded because MAX_TOKENS is."""

    def __init__(self, expression: Sequence[Token], numbers: Sequence[Fraction]) -> None:
        if len(expression) > MAX_TOKENS:
            raise Unreadable
        self._tokens = expression
        self._numbers = iter(numbers)
        self._at = 0

    def whole(self) -> Fraction:
        value = self._sum()
        if self._at != len(self._tokens):
            raise Unreadable
        return value

    def _next_is(self, *texts: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at].text in texts

    def _take(self) -> Token:
        if self._at >= len(self._tokens):
            raise Unreadable
        self._at += 1
        return self._tokens[self._at - 1]

    def _sum(self) -> Fraction:
        value = self._product()
        while self._next_is("+", "-"):
            sign = self._take().text
            other = self._product()
            value = value + other if sign == "+" else value - other
        return value

    def _product(self) -> Fraction:
        value = self._power()
        while self._next_is("*", "/", "("):
            sign = "*" if self._next_is("(") else self._take().text  # 3(4 + 5)
            other = self._power()
            if sign == "/" and not other:
                raise Unreadable
            value = value * other if sign == "*" else value / other
        return value

    def _power(self) -> Fraction:
        value = self._signed()
        if not self._next_is("^"):
            return value
        self._take()
        exponent = self._power()
        if exponent.denominator != 1 or abs(exponent) > MAX_EXPONENT or abs(value) > 10**MAX_DIGITS:
            raise Unreadable
        if not value and exponent < 0:
            raise Unreadable
        return value ** int(exponent)

    def _signed(self) -> Fraction:
        token = self._take()
        if token.text == "-":
            return -self._signed()
        if token.text == "(":
            value = self._sum()
            if not self._next_is(")"):
                raise Unreadable
            self._take()
            return value
        if token.kind != "number":
            raise Unreadable
        value = next(self._numbers)
        return value + self._mixed() if self._mixed_follows() else value

    def _mixed_follows(self) -> bool:
        """Whether "1/2" comes after the "1" of "1 1/2"."""
        following = self._tokens[self._at : self._at + 3]
        return [token.kind for token in following] == ["number", "operator", "number"] and following[1].text == "/"

    def _mixed(self) -> Fraction:
        self._at += 3
        above, below = next(self._numbers), next(self._numbers)
        if not below or above >= below or self._next_is("/"):  # 1 1/2 / 1/2 is read in several ways
            raise Unreadable
        return above / below

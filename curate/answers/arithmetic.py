"""Finds written arithmetic whose result is wrong.

Judged is what can be judged for certain: numbers on both sides of an equals sign, with nothing around them that could
be a variable, a function, a unit of scale or part of a date. Each number is read in both conventions (1,200.5 and
1.200,5), percent both as a hundredth and as a unit, results as rounded or cut where they are written; what is right
in any of these readings is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from ..cues import Cues
from .expressions import Number, Token, Unreadable, evaluate, read_number, tokens
from .markup import blank_code_blocks

REACH = 160
"""Characters looked at on either side of an equals sign."""

APPROXIMATE = Fraction(1, 10)
"""How far off an "about" may be, as a share of the result."""

_SIGN = re.compile(r"(?<![=<>!:+*/~^&|≠≤≥-])[=≈≅](?![=>~≠])")
_FUNCTION_WORD = re.compile(
    r"(?:of|log|ln|lg|sqrt|sin|cos|tan|exp|root|mod|modulo|power|times|plus|minus|over|by|divided|multiplied|half|twice"
    r"|squared?|cubed?|factorial|to|from|than|choose|max|min|gcd|lcm|sum|abs|per|version|step|no|number)\Z",
    re.IGNORECASE,
)
_SCALE = re.compile(
    r"\s*(?:dozen|hundred|thousand|million|billion|trillion|lakh|crore|k|m|mn|bn|percent|per\s?cent|percentage|pairs?"
    r"|r|rem|remainder|remaining|rest|left\s?over|with|mod|modulo|times|tens?|ones|scores?|to\s+the|squared|cubed"
    r"|nickels?|dimes?|quarters?|cents?|hours?\s+(?:and\s+)?\d|h\s*\d|hrs?\s+\d|minutes?\s+(?:and\s+)?\d"
    r"|f(?:oo|ee)t\s+(?:and\s+)?\d|years?\s+(?:and\s+)?\d|days?\s+(?:and\s+)?\d|weeks?\s+(?:and\s+)?\d"
    r"|and\s+(?:an?|one|half|\d+\s*/|\d+\s+(?:left|rem))|[ap]\.?m\.?|o'clock|万|億|亿|千|百|万円)\b|\s*[万億亿千百余]|\s*\(\s*(?:mod|base|binary|in\s+base)",
    re.IGNORECASE,
)
_ATTACHED_UNIT = re.compile(
    r"(?:[cmk]?m|km|[mk]?g|m?l|h|s|min|hrs?|mph|km/h|lbs?|oz|ft|in|usd|eur|gb|mb|kb|kwh|°[cf]?)(?:[²³]|\^[23])?(?!\w)",
    re.IGNORECASE,
)
_OTHER_RULES = re.compile(
    r"\b(?:mod(?:ulo|ular)?|binary|base[- ]?\d+|hex(?:adecimal)?|octal|boolean|xor|bitwise|clock|matrix"
    r"|matrices|vectors?)\b|≡|\bmod\(|⊕|二进制|二進",
    re.IGNORECASE,
)
_ON_PURPOSE = re.compile(
    r"\b(?:mistakes?|errors?|wrong|incorrect(?:ly)?|false|falsely|untrue|not\s+(?:true|correct|equal)|orwell\w*|1984|jokes?"
    r"|riddles?|pranks?|pretend|imagine|hypothetical|fals(?:ch|che[rns]?)|fehler|errores|equivocad\w+|incorrect[oa]s?|erreurs?|fau(?:x|sse))\b"
    r"|≠|!=|错误|錯|错|間違|誤|خطأ",
    re.IGNORECASE,
)
_WORDS = {
    "plus": "+", "minus": "-", "times": "*", "multiplied by": "*", "divided by": "/", "percent of": "%", "% of": "%",
}  # fmt: skip
_IN_WORDS = re.compile(
    r"(?<![\w.,$€£%/^-])(?P<a>[$€£]?\d[\d,]*(?:\.\d+)?)\s?(?P<operator>plus|minus|times|multiplied by|divided by"
    r"|percent of|%\sof)\s+(?P<b>[$€£]?\d[\d,]*(?:\.\d+)?)\s+(?:is|equals|is equal to|makes)\s+"
    r"(?P<c>[$€£]?\d[\d,]*(?:\.\d+)?)(?![\d%/^]|[.,:]\d|\s*[-+*/×÷^=]|\s*x\s*\d)"
)
_SIGNS = ("=", "≈", "≅")
_WORDED = (" plus ", " minus ", " times ", "ed by ", "% of ", " percent of ")
CUES = Cues(*_SIGNS, *_WORDED)
_COMPARED = re.compile(r"\s+(?:more|less|points?|greater|fewer)\b")
_WORD_BEFORE = re.compile(r"(\w+)[^\w.,;:!?]{0,3}\Z")
_NO_SPACES = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""Kana and Han, which stand beside numbers without a space and are no variables."""


class WrongResult(NamedTuple):
    """Characters [start, end) of a text say that an expression is `stated`; it is `expected`."""

    start: int
    end: int
    expression: str
    stated: str
    expected: Fraction


def wrong_results(text: str, question: str = "") -> Iterator[WrongResult]:
    """In order of the text. Code is passed over, and so is what is wrong on purpose, as far as the words tell."""
    has_sign = any(sign in text for sign in _SIGNS)
    worded = any(word in text for word in _WORDED)
    if not has_sign and not worded:
        return
    prose = blank_code_blocks(text) if "`" in text or "~~~" in text else text
    found = [*(_by_sign(prose) if has_sign else ()), *(_in_words(prose) if worded else ())]
    if not found or _ON_PURPOSE.search(question) or _OTHER_RULES.search(question) or _OTHER_RULES.search(text):
        return
    if next(_by_sign(question), None) is not None:  # "If 2+3=10 and 7+2=63, then ..."
        return
    for wrong in sorted(found):
        if not _ON_PURPOSE.search(_surroundings(text, wrong)):
            yield wrong


def written(value: Fraction) -> str:
    """As people write it: an integer, or a decimal with up to four places."""
    if value.denominator == 1:
        return f"{value.numerator:,}"
    return f"{float(value):,.4f}".rstrip("0")


def _surroundings(text: str, wrong: WrongResult) -> str:
    start = text.rfind("\n", 0, wrong.start) + 1
    end = text.find("\n", wrong.end)
    return text[max(start, wrong.start - REACH) : min(len(text) if end < 0 else end, wrong.end + REACH)]


def _by_sign(text: str) -> Iterator[WrongResult]:
    previous = 0
    for sign in _SIGN.finditer(text):
        start, previous = max(previous, sign.start() - REACH), sign.start()
        if not _near_digit(text, sign.start(), sign.end()):
            continue
        left = _left_of(text, start, sign.start())
        right = _right_of(text, sign.end())
        if left and right and any(token.kind == "operator" for token in left):
            expected = _contradicted(left, right, approximate=sign.group() != "=")
            if expected is not None:
                last = right[-1]
                yield WrongResult(
                    left[0].start,
                    last.end,
                    text[left[0].start : left[-1].end],
                    text[right[0].start : last.end],
                    expected,
                )


def _near_digit(text: str, start: int, end: int) -> bool:
    """Cheap: an expression ends just before the sign, and a number begins just after it."""
    before = text[max(0, start - 4) : start].rstrip(" *")[-1:]
    after = text[end : end + 5].lstrip(" *$€£¥₹-−\\(")[:1]
    return (before.isdecimal() or before in ")%}") and (after.isdecimal() or after in "df")


def _left_of(text: str, start: int, end: int) -> list[Token]:
    """The tokens of the expression in [start, end) that ends there; [] where something before might belong to it."""
    start = max(start, text.rfind("\n", start, end) + 1)
    run: list[Token] = []
    stop: Token | None = None
    for token in tokens(text, start, end):
        if token.kind == "other":
            run, stop = [], token
        else:
            run.append(token)
    if start and text[start - 1] != "\n" and stop is None:
        return []
    run = _balanced(run)
    while run and run[0].text == "^" and stop is None:
        run = run[1:]  # markdown's ** at the start of a line
    if not run or (stop is not None and not _separates(text, stop, run[0])):
        return []
    if run[0].kind == "operator":
        if (stop is not None and stop.text not in "=≈≅") or run[0].text not in "-+*":
            return []
        at_line_start = stop is None
        run = run[1:] if at_line_start or run[0].text != "-" else run
    return run


def _separates(text: str, stop: Token, first: Token) -> bool:
    """Whether what stands before an expression is apart from it: a word of prose, or punctuation."""
    attached = stop.end == first.start
    if _NO_SPACES.match(stop.text):
        return True
    if stop.text[0].isalnum() or stop.text[0] == "_":
        if attached or len(stop.text) == 1 or _FUNCTION_WORD.match(stop.text):
            return False
        return not text[max(0, stop.start - 1) : stop.start].startswith(("\\", "."))
    if stop.text in ".:'’" and attached and stop.start and text[stop.start - 1].isalnum():
        return stop.text == ":" and text[stop.start - 1].isalpha()
    return stop.text in "=≈≅:,;.!?<>|[\"'“”„«»`#→⇒⟹。，：；、！？（「~$" or stop.text.isspace()


def _balanced(run: list[Token]) -> list[Token]:
    """Without what stands before a closing parenthesis that nothing opened ("2) 3 + 4"), or an unclosed one."""
    opened: list[int] = []
    for position, token in enumerate(run):
        if token.kind == "open":
            opened.append(position)
        elif token.kind == "close":
            if not opened:
                return _balanced(run[position + 1 :])
            opened.pop()
    return run[opened[-1] + 1 :] if opened else run


def _right_of(text: str, start: int) -> list[Token]:
    """The number or expression that begins at `start`; [] where what follows might belong to it."""
    run: list[Token] = []
    follows = ""
    end_of_text = min(len(text), start + REACH)
    for token in tokens(text, start, end_of_text):
        if token.kind == "other":
            follows = text[token.start : token.start + 40]
            attached = bool(run) and token.start == run[-1].end
            unit = _ATTACHED_UNIT.match(follows) or _NO_SPACES.match(follows)
            if attached and follows[0].isalnum() and not unit:
                return []
            if attached and (follows[0] in "!²³^_" or (follows[0] in ".:'’" and follows[1:2].isdecimal())):
                return []
            break
        run.append(token)
    if _SCALE.match(follows):
        return []
    opened = 0
    for position, token in enumerate(run):
        opened += (token.kind == "open") - (token.kind == "close")
        if opened < 0:  # the whole equation stands in parentheses
            run = run[:position]
            break
    while run and run[-1].kind in ("operator", "open"):
        run.pop()
    return run


def _contradicted(left: Sequence[Token], right: Sequence[Token], *, approximate: bool) -> Fraction | None:
    """The value of the left side, where no reading of both sides makes them equal."""
    first: Fraction | None = None
    for decimal_comma in (False, True):
        given = _numbers(left, decimal_comma=decimal_comma)
        results = _numbers(right, decimal_comma=decimal_comma)
        if given is None or results is None:
            continue
        try:
            for percent in _percent_readings([*given, *results]):
                value = evaluate(left, [_value(number, percent) for number in given])
                if _agrees(value, left, given, right, results, percent, approximate=approximate):
                    return None
                first = value if first is None else first
        except (Unreadable, StopIteration):
            return None
    if first is not None and _mixes_percent(left, given or []):
        return None
    return first


def _percent_readings(numbers: Sequence[Number]) -> tuple[bool, ...]:
    return (True, False) if any(number.percent for number in numbers) else (True,)


def _mixes_percent(left: Sequence[Token], given: Sequence[Number]) -> bool:
    """50 + 10% means different things to different people."""
    signs = {token.text for token in left if token.kind == "operator"}
    return bool(signs & {"+", "-"}) and len({number.percent for number in given}) == 2


def _numbers(run: Sequence[Token], *, decimal_comma: bool) -> list[Number] | None:
    read = [read_number(token.text, decimal_comma=decimal_comma) for token in run if token.kind == "number"]
    return None if any(number is None for number in read) else [number for number in read if number is not None]


def _value(number: Number, percent: bool) -> Fraction:
    return number.value / 100 if percent and number.percent else number.value


def _agrees(
    value: Fraction,
    left: Sequence[Token],
    given: Sequence[Number],
    right: Sequence[Token],
    results: Sequence[Number],
    percent: bool,
    *,
    approximate: bool,
) -> bool:
    """Whether the right side, or the first number of "3 + 4 = 7 - 2 = 5", is the value as it might be rounded."""
    stated = [(evaluate(right, [_value(number, percent) for number in results]), max(n.decimals for n in results))]
    if len(results) > 1 and right[0].kind == "number" and right[1].kind == "operator":
        stated.append((_value(results[0], percent), results[0].decimals))
    for result, decimals in stated:
        difference = abs(result - value)
        if not difference:
            return True
        if approximate and difference <= APPROXIMATE * abs(value):
            return True
        unit = Fraction(1, 10 ** max(0, decimals)) / (100 if percent and results[0].percent else 1)
        if decimals <= 0 and len(results) > 1:
            unit = Fraction(1, 10**9)  # 1/2 + 1/4 = 2/4 is no rounding
        if (value / unit).denominator != 1 and difference < unit:
            return True
        if difference <= _carried(value, left, given, percent) + unit / 2 and any(n.decimals > 1 for n in given):
            return True
    return False


def _carried(value: Fraction, left: Sequence[Token], given: Sequence[Number], percent: bool) -> Fraction:
    """How far the value may be off because its numbers were rounded to two places and more: 1.33 * 300 = 400."""
    values = [_value(number, percent) for number in given]
    total = Fraction(0)
    for position, number in enumerate(given):
        if number.decimals > 1:
            half = Fraction(1, 2 * 10**number.decimals) / (100 if percent and number.percent else 1)
            moved = [*values[:position], values[position] + half, *values[position + 1 :]]
            total += abs(evaluate(left, moved) - value)
    return total


def _in_words(text: str) -> Iterator[WrongResult]:
    """12 plus 7 is 19; 20% of 50 is 10. English."""
    for match in _IN_WORDS.finditer(text):
        before = _WORD_BEFORE.search(text, max(0, match.start() - 30), match.start())
        if before is not None and (_FUNCTION_WORD.match(before.group(1)) or before.group(1).isdecimal()):
            continue
        if _SCALE.match(text, match.end()) or _COMPARED.match(text, match.end()):
            continue
        read = [read_number(match[name], decimal_comma=False) for name in "abc"]
        a, b, c = read
        if a is None or b is None or c is None:
            continue
        operator = _WORDS[" ".join(match["operator"].split())]
        if operator == "/" and not b.value:
            continue
        value = {
            "+": a.value + b.value,
            "-": a.value - b.value,
            "*": a.value * b.value,
            "/": a.value / b.value if b.value else Fraction(0),
            "%": a.value * b.value / 100,
        }[operator]
        unit = Fraction(1, 10**c.decimals)
        difference = abs(value - c.value)
        if difference and not ((value / unit).denominator != 1 and difference < unit):
            yield WrongResult(match.start(), match.end(), text[match.start() : match.end("b")], match["c"], value)

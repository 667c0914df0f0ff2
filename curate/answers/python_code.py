"""Does Python code parse? Code in answers is shown, not run: prompts, magics, fragments and versions are allowed for.

Nothing is ever executed: the source goes to the parser and no further.
"""

from __future__ import annotations

import ast
import re
import sys
import textwrap
import warnings
from collections.abc import Iterator
from typing import NamedTuple

MAX_CHARACTERS = 100_000
MAX_DEPTH = 60

_PYTHON_2 = re.compile(
    r"(?m)^[ \t]*(?:print[ \t]+(?![=(\[+*/.,-])\S|print[ \t]*>>|exec[ \t]+[\"'])|:[ \t]*print[ \t]+[\"'\w]"
    r"|^[ \t]*except[ \t]+[\w.() ,]+,[ \t]*\w+[ \t]*:|^[ \t]*raise[ \t]+\w+,|\bur[\"']|[\w)][ \t]*<>[ \t]*[\w(]"
    r"|\b0[0-7]+\b|\b\d+[lL]\b|`\w+`|\blambda[ \t]*\("
)
_NEWER = re.compile(
    r"(?m)^[ \t]*type[ \t]+\w+.*=|\b(?:def|class)[ \t]+\w+\[|\bt[\"']|^[ \t]*except[ \t]+\w+(?:,[ \t]*\w+)+:"
)
_SHELL_LINE = re.compile(
    r"(?m)^([ \t]*)(?:[%!?].*|\$ .*|(?:pip3?|conda|uv|python3?|apt(?:-get)?|npm|cd|git|source|export)[ \t]+[\w./-].*"
    r"|\S+\?{1,2})$"
)
_ELLIPSIS_LINE = re.compile(
    r"(?m)^([ \t]*)(?:…+|\. \. \.|\[(?:\.\.\.|…)\]|\.{4,}|<\.\.\.>|\*{3,}|-{3,}|={3,}|_{3,})[ \t]*$"
)
_NOT_PYTHON = re.compile(
    r"(?m)^(?:In ?\[\d*\]:|Out ?\[\d*\]:|[+-](?![\s\d]).*\n[+-]|diff --git|@@ )|^\s*<[a-zA-Z!/]|\{%|\bat 0x[0-9a-f]+>"
)
_PLACEHOLDER = re.compile(r"\.\.\.|<[A-Za-z][\w .-]*>|\[[A-Z][a-z]+ [\w ]+\]|\{\{|…|_{4,}")
_FRAGMENT = re.compile(r"[ \t]*(?:elif|else|except|finally|case)\b")
_DOCTEST = re.compile(r"(?m)^[ \t]*>>>")


class Fault(NamedTuple):
    """line counts from 1 within the code."""

    line: int
    problem: str


def python_fault(source: str) -> Fault | None:
    """Where the code does not parse; None where it does, or where that cannot be judged."""
    if len(source) > MAX_CHARACTERS or not source.strip() or "\0" in source or _depth(source) > MAX_DEPTH:
        return None
    first: Fault | None = None
    for position, variant in enumerate(_variants(source)):
        try:
            fault = _parse(variant)
        except (RecursionError, MemoryError, ValueError, OverflowError):
            return None  # too deep, or with characters that no source file has
        if fault is None:
            return None
        first = fault if position == 0 else first
    if first is None or _cannot_be_judged(source, first):
        return None
    return first


def _parse(source: str) -> Fault | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(source, "<answer>", "exec", flags=ast.PyCF_ONLY_AST, dont_inherit=True)
        except SyntaxError as error:
            return Fault(error.lineno or 1, error.msg)
    return None


def _variants(source: str) -> Iterator[str]:
    """The code as it stands, and as it would be without what people put around it."""
    plain = textwrap.dedent(source.replace("\u00a0", " ").expandtabs(8))
    yield plain
    if _DOCTEST.search(plain):
        yield _typed_at_the_prompt(plain)
        return
    cleaned = _ELLIPSIS_LINE.sub(r"\1pass", _SHELL_LINE.sub(r"\1pass", plain))
    yield cleaned
    for indent in (4, 8, 2):  # the first line lost its indentation when the answer was trimmed
        yield textwrap.dedent(" " * indent + cleaned)
    if _FRAGMENT.match(cleaned):
        keyword = "match 0:\n case 0: pass\n" if cleaned.lstrip().startswith("case") else ""
        yield (keyword or "try: pass\nexcept ValueError: pass\n") + cleaned
        yield "if 0: pass\n" + cleaned
    if cleaned.rstrip().endswith(":"):
        indent = len(cleaned.rstrip().rsplit("\n", 1)[-1]) - len(cleaned.rstrip().rsplit("\n", 1)[-1].lstrip())
        yield f"{cleaned.rstrip()}\n{' ' * (indent + 1)}pass"
    lines = cleaned.rstrip().splitlines()
    if lines and re.match(r"(?:async )?def .*\)(?:[ \t]*->.*)?$|class .*\)?$", lines[-1].strip()):
        yield cleaned.rstrip() + ": pass"  # a signature, shown without its body
    yield "async def _():\n" + textwrap.indent(cleaned, " ")


def _typed_at_the_prompt(source: str) -> str:
    """The lines behind >>> and ...; what the interpreter answered is left out."""
    lines = []
    for line in source.splitlines():
        stripped = line.lstrip()
        if stripped.startswith((">>>", "...")):
            lines.append(stripped[4:])
    return "\n".join(lines) + "\n"


def _cannot_be_judged(source: str, fault: Fault) -> bool:
    if _DOCTEST.search(source) or _PYTHON_2.search(source) or _NOT_PYTHON.search(source):
        return True
    lines = source.splitlines()
    around = lines[max(0, fault.line - 2) : fault.line + 1]
    if any(map(_PLACEHOLDER.search, around)):
        return True
    before = next((line.strip() for line in reversed(lines[: fault.line - 1]) if line.strip()), "")
    if fault.problem.startswith("expected an indented block") and before.startswith("#"):
        return True  # a comment stands for the body
    if sys.version_info < (3, 14) and _NEWER.search(source):
        return True
    return sys.version_info < (3, 12) and "f-string" in fault.problem


def _depth(source: str) -> int:
    """The deepest nesting of brackets, or the longest run of one operator, strings and comments included."""
    depth = deepest = 0
    for sign in re.findall(r"[()\[\]{}]", source):
        depth = depth + 1 if sign in "([{" else max(0, depth - 1)
        deepest = max(deepest, depth)
    run = re.search(r"(?:[-+~]\s*){60}|(?:\bnot\s+){60}|(?:\*\*\s*\w+\s*){60}|(?:\.\w+){200}", source)
    return MAX_DEPTH + 1 if run else deepest

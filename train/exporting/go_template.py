"""Go's text/template, as much of it as a Modelfile of ours uses: writing literals, and executing what was written.

Executing here is for the proof that a template renders what its Jinja original does. It knows text, `{{ if }}`,
`{{ else if }}`, `{{ else }}`, `{{ range $i, $m := .Messages }}`, variables, string literals, and the functions eq, ne,
and, or, not, len, slice. Anything else is refused, never guessed. (https://pkg.go.dev/text/template)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

ACTION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
WORD = re.compile(r'\s*("(?:[^"\\]|\\.)*"|\(|\)|:=|,|\$?[\w.]+|\$)')


class GoTemplateError(ValueError):
    """The template holds something that this subset has not."""


def literal(text: str) -> str:
    """Text that Go writes as it stands, and that a Modelfile holds.

    What could be an action, or end the quotes around it, is an action itself; so is every sign but the line break that
    Ollama's reader of Modelfiles leaves out because it does not print (`parser/parser.go`).
    """
    parts = []
    for stands, signs in groupby(text, key=stands_as_it_is):
        run = "".join(signs)
        parts.append(run if stands else f"{{{{ {quoted(run)} }}}}")
    return "".join(parts)


def stands_as_it_is(sign: str) -> bool:
    return sign == "\n" or (sign.isprintable() and sign not in '{}"')


def quoted(text: str) -> str:
    """A string literal of Go in which no quote stands but its own two."""
    return '"' + "".join(_escaped(sign) for sign in text) + '"'


def _escaped(sign: str) -> str:
    if sign.isascii() and sign.isprintable() and sign not in '"\\{}':
        return sign
    return f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"


@dataclass(frozen=True)
class _If:
    """branches: (condition, body); the condition of `else` is None."""

    branches: tuple[tuple[str | None, tuple[Any, ...]], ...]


@dataclass(frozen=True)
class _Range:
    index: str
    item: str
    over: str
    body: tuple[Any, ...]


@dataclass(frozen=True)
class _Action:
    code: str


_Node = str | _If | _Range | _Action


def execute(template: str, data: Mapping[str, Any]) -> str:
    """What Go would write for `data`. Raises GoTemplateError."""
    nodes, rest = _parse(_tokens(template))
    if rest:
        raise GoTemplateError(f"'{rest[0]}' closes nothing")
    return _run(nodes, data, {"$": data})


def _tokens(template: str) -> list[str | _Action]:
    out: list[str | _Action] = []
    place = 0
    for found in ACTION.finditer(template):
        if found.start() > place:
            out.append(template[place : found.start()])
        code = found[1]
        if code.startswith("-") or code.endswith("-"):
            raise GoTemplateError("trimming is not written by assay")
        out.append(_Action(code.strip()))
        place = found.end()
    return [*out, template[place:]] if place < len(template) else out


def _parse(tokens: Sequence[str | _Action]) -> tuple[tuple[_Node, ...], Sequence[str | _Action]]:
    """The nodes up to the `end` or `else` that closes what is open, and the tokens from there."""
    nodes: list[_Node] = []
    while tokens:
        token, rest = tokens[0], tokens[1:]
        code = token.code if isinstance(token, _Action) else ""
        if code == "end" or code.startswith("else"):
            return tuple(nodes), tokens
        if code.startswith("if "):
            node, rest = _parse_if(code[3:], rest)
            nodes.append(node)
        elif code.startswith("range "):
            found = re.fullmatch(r"range (\$\w+), (\$\w+) := (\S+)", code)
            if found is None:
                raise GoTemplateError(f"'{code}'")
            body, rest = _parse(rest)
            nodes.append(_Range(found[1], found[2], found[3], body))
            rest = _after_end(rest)
        else:
            nodes.append(token)
        tokens = rest
    return tuple(nodes), tokens


def _parse_if(condition: str, tokens: Sequence[str | _Action]) -> tuple[_If, Sequence[str | _Action]]:
    branches: list[tuple[str | None, tuple[_Node, ...]]] = []
    asked: str | None = condition
    while True:
        body, tokens = _parse(tokens)
        branches.append((asked, body))
        code = tokens[0].code if tokens and isinstance(tokens[0], _Action) else ""
        if not code.startswith("else"):
            return _If(tuple(branches)), _after_end(tokens)
        asked = code.removeprefix("else").strip().removeprefix("if ").strip() or None
        tokens = tokens[1:]


def _after_end(tokens: Sequence[str | _Action]) -> Sequence[str | _Action]:
    if not tokens or tokens[0] != _Action("end"):
        raise GoTemplateError("an `end` is missing")
    return tokens[1:]


def _run(nodes: Sequence[_Node], dot: Any, variables: dict[str, Any]) -> str:
    out = []
    for node in nodes:
        if isinstance(node, str):
            out.append(node)
        elif isinstance(node, _Action):
            out.append(_act(node.code, dot, variables))
        elif isinstance(node, _Range):
            for index, item in enumerate(_value(node.over, dot, variables)):
                out.append(_run(node.body, item, {**variables, node.index: index, node.item: item}))
        else:
            bodies = (body for asked, body in node.branches if asked is None or _value(asked, dot, variables))
            out.append(_run(next(bodies, ()), dot, variables))
    return "".join(out)


def _act(code: str, dot: Any, variables: dict[str, Any]) -> str:
    found = re.fullmatch(r"(\$\w+) := (.+)", code)
    if found is not None:
        variables[found[1]] = _value(found[2], dot, variables)
        return ""
    return str(_value(code, dot, variables))


def _value(code: str, dot: Any, variables: Mapping[str, Any]) -> Any:
    words, place = [], 0
    while place < len(code.rstrip()):
        found = WORD.match(code, place)
        if found is None:
            raise GoTemplateError(f"'{code}'")
        words.append(found[1])
        place = found.end()
    value, rest = _call(words, dot, variables)
    if rest:
        raise GoTemplateError(f"'{code}'")
    return value


def _call(words: list[str], dot: Any, variables: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """A function with its arguments, or one operand; and the words after it."""
    if not words:
        raise GoTemplateError("an empty action")
    name = words[0]
    if name not in FUNCTIONS:
        return _operand(words, dot, variables)
    arguments, rest = [], words[1:]
    while rest and rest[0] != ")":
        value, rest = _operand(rest, dot, variables)
        arguments.append(value)
    return FUNCTIONS[name](*arguments), rest


FUNCTIONS: Mapping[str, Any] = {
    "eq": lambda one, other: one == other,
    "ne": lambda one, other: one != other,
    "and": lambda *values: next((value for value in values if not value), values[-1]),
    "or": lambda *values: next((value for value in values if value), values[-1]),
    "not": lambda value: not value,
    "len": len,
    "slice": lambda items, start: items[start:],
}


def _operand(words: list[str], dot: Any, variables: Mapping[str, Any]) -> tuple[Any, list[str]]:
    word, rest = words[0], words[1:]
    if word == "(":
        argument, rest = _call(rest, dot, variables)
        if not rest or rest[0] != ")":
            raise GoTemplateError("a parenthesis stays open")
        return argument, rest[1:]
    if word.startswith('"'):
        return _unquoted(word), rest
    if word.isdecimal():
        return int(word), rest
    base, _, field = word.partition(".")
    if base.startswith("$") or not base:
        value: Any = variables.get(base) if base else dot
        if base and base not in variables:
            raise GoTemplateError(f"no variable '{base}'")
        return (value[field] if field else value), rest
    raise GoTemplateError(f"'{word}' is not known")


def _unquoted(word: str) -> str:
    def sign(found: re.Match[str]) -> str:
        code = found[1]
        if code[0] in "uU":
            return chr(int(code[1:], 16))
        raise GoTemplateError(f"'\\{code}' is not written by assay")

    return re.sub(r"\\(u[0-9a-f]{4}|U[0-9a-f]{8}|.)", sign, word[1:-1])

"""Ollama's reader of Modelfiles as `parser/parser.go` describes it, rune by rune, to hold against what assay writes."""

from __future__ import annotations

COMMANDS = ("from", "license", "template", "system", "adapter", "draft", "renderer", "parser", "parameter", "message",
            "requires")  # fmt: skip


class ModelfileError(ValueError):
    """What Ollama would refuse."""


def read_modelfile(text: str) -> list[tuple[str, str]]:
    """(name, value) of every instruction: FROM is `model`, and a PARAMETER has its own name.

    A value ends at the first line break at which it is whole: without quotes, or with as many behind it as before it.
    Signs that do not print are left out. Raises ModelfileError.
    """
    found: list[tuple[str, str]] = []
    state, name, buffer = "between", "", ""
    for sign in text + "\n":
        if state == "comment":
            state = "between" if sign in "\r\n" else "comment"
        elif state == "between":
            if sign == "#":
                state = "comment"
            elif sign not in " \t\r\n":
                state, buffer = "name", sign
        elif state in ("name", "parameter"):
            state, name, buffer = _named(state, sign, name, buffer)
        elif sign in "\r\n" and (value := unquoted(buffer.strip())) is not None:
            found.append((name, value))
            state, buffer = "between", ""
        elif sign.isprintable() or sign in " \t\r\n":
            buffer += sign
    if state not in ("between", "comment"):
        raise ModelfileError(f"{name}: ends in the middle")
    if not any(name == "model" for name, _ in found):
        raise ModelfileError("no FROM")
    return found


def _named(state: str, sign: str, name: str, buffer: str) -> tuple[str, str, str]:
    if sign.isascii() and (sign.isalpha() or (state == "parameter" and (sign.isdigit() or sign == "_"))):
        return state, name, buffer + sign
    if sign not in " \t":
        raise ModelfileError(f"'{buffer}{sign}' is no instruction")
    if state == "parameter":
        return "value", buffer, ""
    if buffer.lower() not in COMMANDS:
        raise ModelfileError(f"'{buffer}' is no instruction")
    if buffer.lower() == "parameter":
        return "parameter", "", ""
    return "value", {"from": "model"}.get(buffer.lower(), buffer.lower()), ""


def unquoted(value: str) -> str | None:
    """None while the quotes are open."""
    if value.startswith('"""'):
        return value[3:-3] if len(value) >= 6 and value.endswith('"""') else None
    if value.startswith('"'):
        return value[1:-1] if len(value) >= 2 and value.endswith('"') else None
    return value

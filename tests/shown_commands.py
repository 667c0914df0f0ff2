"""The commands that a page shows, and whether they work when they are pasted into a shell."""

from __future__ import annotations

import html
import re
import shlex

import click

from assay.cli import cli

SHELL_SIGNS = "();<>|&"


def shown_commands(page: str) -> list[str]:
    """Every line of <code> and <pre> that begins with `assay `."""
    found = re.findall(r"<(code|pre)[^>]*>(.*?)</\1>", page, re.DOTALL)
    lines = [line for _, text in found for line in html.unescape(re.sub(r"<[^>]+>", "", text)).splitlines()]
    return list(dict.fromkeys(line.strip() for line in lines if re.match(r"\s*assay (?!-)", line)))


def fault_of(command: str) -> str:
    """What the shell or the parser of the command line has against a command, or ""."""
    try:
        signs = [
            word for word in shlex.shlex(command, posix=True, punctuation_chars=True) if set(word) <= set(SHELL_SIGNS)
        ]
        words = shlex.split(command)
    except ValueError as error:
        return f"{command}: {error}"
    if signs:
        return f"{command}: the shell takes {signs[0]!r} for its own"
    try:
        _parsed(words[1:])
    except click.ClickException as error:
        return f"{command}: {error.format_message()}"
    return ""


def _parsed(words: list[str]) -> None:
    """As the command line parses them, running nothing. Raises click.ClickException."""
    command: click.Command = cli
    context = click.Context(cli, info_name="assay")
    while isinstance(command, click.Group) and words:
        _, found, words = command.resolve_command(context, words)
        assert found is not None
        command = found
        context = click.Context(command, parent=context)
    command.make_context(command.name, words)

"""Single keys and lines from a terminal, byte by byte, so that what was typed ahead is not lost."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from assay.console import printable
from assay.errors import SettingsError

END = ("\x04", "")
"""Ctrl-D, and the end of input: the terminal is gone."""

ESCAPE = "\x1b"
_ENTER = ("\n", "\r")
_BACKSPACE = ("\x7f", "\x08")
_CLEAR = "\x15"


class Keyboard:
    """The terminal on standard input. Within `opened`, a key comes at once and is not echoed; Ctrl-C raises
    KeyboardInterrupt as everywhere.

    Raises SettingsError where standard input or output is no terminal.
    """

    def __init__(self) -> None:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise SettingsError(
                "this needs a terminal, and standard input or output is none",
                fix="--json says how things stand; decisions can also be written into reviews.jsonl",
            )
        self._number = sys.stdin.fileno()
        self._before: list[Any] = []

    @contextmanager
    def opened(self) -> Iterator[None]:
        """TCSADRAIN and not TCSAFLUSH, here and below: what was typed ahead stays."""
        import termios
        import tty

        self._before = termios.tcgetattr(self._number)
        try:
            tty.setcbreak(self._number, termios.TCSADRAIN)
            yield
        finally:
            termios.tcsetattr(self._number, termios.TCSADRAIN, self._before)

    @contextmanager
    def lent(self) -> Iterator[None]:
        """The terminal as it was, for an editor."""
        import termios
        import tty

        termios.tcsetattr(self._number, termios.TCSADRAIN, self._before)
        try:
            yield
        finally:
            tty.setcbreak(self._number, termios.TCSADRAIN)

    def key(self) -> str:
        """The next key in lower case; "" when the terminal is gone."""
        return self._character().lower()

    def line(self, question: str) -> str | None:
        """What is typed after the question until Enter. None when Escape or Ctrl-D ends it."""
        typed = ""
        click.echo(question, nl=False)
        while True:
            sign = self._character()
            if sign in _ENTER or sign in END or sign == ESCAPE:
                click.echo()
                return typed.strip() if sign in _ENTER else None
            taken = len(typed) if sign == _CLEAR else 1 if sign in _BACKSPACE else 0
            if taken and typed:
                click.echo("\b \b" * sum(len(printable(c)) for c in typed[-taken:]), nl=False)
                typed = typed[:-taken]
            elif not taken and (sign.isprintable() or sign == "\t"):
                click.echo(printable(sign), nl=False)
                typed += sign

    def _character(self) -> str:
        """One character of UTF-8; the sequence of a cursor key is swallowed whole, and is Escape."""
        first = self._byte()
        if first == b"\x1b":
            return self._escape()
        more = sum(first >= bytes([lead]) for lead in (0xC0, 0xE0, 0xF0))
        return (first + b"".join(self._byte() for _ in range(more))).decode("utf-8", "replace")

    def _escape(self) -> str:
        import select

        while select.select([self._number], [], [], 0.02)[0]:
            byte = self._byte()
            if byte.isalpha() or byte in (b"", b"~"):
                break
        return ESCAPE

    def _byte(self) -> bytes:
        try:
            return os.read(self._number, 1)
        except OSError:  # the other side of the terminal was closed
            return b""

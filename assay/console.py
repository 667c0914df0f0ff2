"""What every command shares: its common options, its settings, and where its words go.

Progress and notices go to stderr; with --json exactly one JSON document goes to stdout.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from assay.config import Document, parse, read_document
from assay.errors import SettingsError

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

DEFAULT_CONFIG = Path("assay.yaml")

STORE_OPTION = click.option(
    "--store", type=click.Path(path_type=Path), default=Path(".assay"), show_default=True, help="The run store."
)


def printable(text: str) -> str:
    """The text with every control, bidirectional and other invisible character but a line break as its escape.

    What comes out of a file may hold sequences that move the cursor, or recolour or hide what a terminal shows.
    """
    if text.isprintable():
        return text
    return "".join(sign if sign == "\n" or sign.isprintable() else repr(sign)[1:-1] for sign in text)


def on_one_line(name: object) -> str:
    """The name of a file, or what else must not break its line, with every invisible character as its escape."""
    return printable(str(name)).replace("\n", "\\n")


_COLOUR = re.compile(r"(\x1b\[(?:[0-57]|[349]\d|10\d)m)")
"""What `click.style` writes."""


def presentable(text: str) -> str:
    """A result as it may be shown: its colours stay, every other control character becomes its escape."""
    return "".join(part if _COLOUR.fullmatch(part) else printable(part) for part in _COLOUR.split(text))


@dataclass(frozen=True)
class Options:
    """The options that every command takes.

    overrides  dotted assignments such as `train.lora_r=8`
    """

    config: Path | None = None
    overrides: tuple[str, ...] = ()
    output: Path | None = None
    json: bool = False
    seed: int | None = None
    limit: int | None = None
    offline: bool = False
    redact: bool = False
    quiet: bool = False
    verbose: bool = False
    started: float = field(default_factory=time.time)

    def say(self, text: str) -> None:
        """A line of progress or a notice."""
        if not self.quiet:
            click.echo(printable(text), err=True)

    def detail(self, text: str) -> None:
        """A line for --verbose."""
        if self.verbose:
            click.echo(printable(text), err=True)

    def show(self, text: str) -> None:
        """The result, for people; on stdout unless --json owns it."""
        if not self.json:
            click.echo(presentable(text))

    def emit(self, value: Any) -> None:
        """The result, for machines: the one JSON document of --json."""
        if self.json:
            json.dump(value, sys.stdout, ensure_ascii=True, indent=2, default=str)
            sys.stdout.write("\n")

    def document(self) -> Document:
        """--config, else ./assay.yaml where it is, else nothing; overrides laid over it. Raises SettingsError."""
        path = self.config or (DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() else None)
        document = read_document(path) if path is not None else Document({}, "command line")
        return document.override(self.overrides)

    def settings(self, cls: type[T], section: str) -> T:
        """One section of the document as settings; notices about aliases are said."""
        settings, notices = parse(cls, self.document().section(section))
        for notice in notices:
            self.say(f"note: {notice}")
        return settings


def common_options(function: Callable[..., R]) -> Callable[..., R]:
    """Adds the common options to a click command, which then takes `options: Options` first."""

    @click.option("--config", "-c", type=click.Path(path_type=Path), help="Settings file [default: ./assay.yaml].")
    @click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override, e.g. train.lora_r=8.")
    @click.option("--output", "-o", type=click.Path(path_type=Path), help="Where results are written.")
    @click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, nothing else there.")
    @click.option("--seed", type=int, help="Seed of everything random.")
    @click.option("--limit", type=click.IntRange(min=1), help="Only the first N rows or items.")
    @click.option("--offline", is_flag=True, help="Ask no host for anything.")
    @click.option("--redact", is_flag=True, help="Keep record text out of reports and output.")
    @click.option("--quiet", "-q", is_flag=True, help="Say nothing but the result.")
    @click.option("--verbose", "-v", is_flag=True, help="Say more.")
    @functools.wraps(function)
    def wrapped(
        *args: Any,
        config: Path | None,
        overrides: tuple[str, ...],
        output: Path | None,
        as_json: bool,
        seed: int | None,
        limit: int | None,
        offline: bool,
        redact: bool,
        quiet: bool,
        verbose: bool,
        **rest: Any,
    ) -> R:
        options = Options(config, overrides, output, as_json, seed, limit, offline, redact, quiet, verbose)
        if offline:
            go_offline()
        return function(options, *args, **rest)

    return wrapped


OVERRIDE = re.compile(r"[A-Za-z_][\w.]*=")


def split_overrides(arguments: tuple[str, ...], options: Options) -> tuple[tuple[str, ...], Options]:
    """Positional arguments of the form `section.key=value` are overrides; an existing path never is."""

    def is_override(argument: str) -> bool:
        return bool(OVERRIDE.match(argument)) and not Path(argument).exists()

    overrides = tuple(argument for argument in arguments if is_override(argument))
    rest = tuple(argument for argument in arguments if not is_override(argument))
    return rest, dataclasses.replace(options, overrides=(*options.overrides, *overrides))


def parse_columns(text: str | None) -> dict[str, str]:
    """`prompt=text,answer=category` -> {"prompt": "text", "answer": "category"}. Raises SettingsError."""
    found = {}
    for part in filter(None, (part.strip() for part in (text or "").split(","))):
        name, separator, column = part.partition("=")
        if not separator or not name.strip() or not column.strip():
            raise SettingsError(f"--columns: '{part}' is no mapping", fix="write prompt=text,answer=category")
        found[name.strip()] = column.strip()
    return found


def go_offline() -> None:
    """Tells the libraries beneath us to ask no host; they read this when they are imported."""
    import os

    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"):
        os.environ[name] = "1"
    if "huggingface_hub" in sys.modules:
        raise SettingsError("--offline came too late: a library was already loaded", fix="set HF_HUB_OFFLINE=1")

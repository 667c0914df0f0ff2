"""What the documents tell people to type is what the command takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from assay.cli import VERBS, cli

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "guides").glob("*.md"))]


def commands(page: Path) -> Iterator[list[str]]:
    """Every line of a fenced block that calls assay, comments and line continuations taken out."""
    for block in re.findall(r"```(?:sh|bash|console|yaml)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            found = re.search(r"(?:^|&& |run: |\$ )(assay [^#|>]*)", line.strip())
            if found:
                yield shlex.split(found.group(1))


def known_options(command: click.Command) -> set[str]:
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_a_page_exists_with_its_options(page: Path) -> None:
    faults = []
    for words in commands(page):
        command: click.Command | None = cli
        known: set[str] = set()
        for word in words[1:]:
            if isinstance(command, click.Group) and not word.startswith("-"):
                command = command.get_command(click.Context(command), word)
                if command is None:
                    faults.append(f"{' '.join(words)}: no command '{word}'")
                    break
                known = known_options(command) | {"--help", "-h", "--version"}
            elif word.startswith("-") and word.partition("=")[0] not in known:
                faults.append(f"{' '.join(words)}: no option {word}")
    assert not faults


def test_the_readme_shows_commands() -> None:
    assert len(list(commands(ROOT / "README.md"))) >= 10


@pytest.mark.parametrize("verb", VERBS)
def test_the_line_of_a_verb_is_what_its_command_says(verb: str) -> None:
    command = cli.get_command(click.Context(cli), verb)  # type: ignore[arg-type]
    assert command is not None
    assert command.get_short_help_str(limit=300).rstrip(".") == VERBS[verb].help.rstrip(".")


def test_every_verb_of_the_table_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [verb for verb in VERBS if f"assay {verb}" not in text] == []


def test_links_between_pages_lead_somewhere() -> None:
    faults = []
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                faults.append(f"{page.name}: {target}")
    assert not faults

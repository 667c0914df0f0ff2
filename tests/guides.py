"""The walks of docs/guides/ as they stand there: their commands in a shell, and what they print beside what is shown.

A ```sh block is run, a ```text block after it is what it prints: in order, "..." for anything that is left out, on a
line of its own or within one. `# exit code 3` at the end of a line is part of the promise. A block after the comment
`<!-- needs the embedded model -->` runs in tests/real only.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GUIDES = ROOT / "docs" / "guides"
BLOCK = re.compile(r"(<!-- needs the embedded model -->\n)?```(\w+)\n(.*?)```", re.DOTALL)
EXIT_CODES = re.compile(r"#.*exit code ([0-9 ,or]+)$")


@dataclass(frozen=True)
class Step:
    """One block of commands and what the guide says they print, '' where it says nothing."""

    commands: str
    shown: str
    needs_model: bool


def steps(guide: str) -> Iterator[Step]:
    """Of a page of docs/guides, in order."""
    found = BLOCK.findall((GUIDES / guide).read_text(encoding="utf-8"))
    for place, (needs, language, body) in enumerate(found):
        if language == "sh":
            after = found[place + 1] if place + 1 < len(found) else ("", "", "")
            yield Step(body, after[2] if after[1] == "text" else "", bool(needs))


PYTHON = re.compile(r"(<!-- with the embedded model -->\n)?```(python|text)\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """Lines of Python, and what the page says they print, '' where it says nothing."""

    code: str
    shown: str
    of_model: bool


def python_blocks(page: Path) -> Iterator[Block]:
    """In order. of_model: what is shown is shown with the embedded model, and another prints other numbers."""
    found = PYTHON.findall(page.read_text(encoding="utf-8"))
    for place, (_, language, body) in enumerate(found):
        if language == "python":
            after = found[place + 1] if place + 1 < len(found) else ("", "", "")
            yield Block(body, after[2] if after[1] == "text" else "", bool(after[0]))


class Walk:
    """A shell that goes through a guide from a folder where `sample_data` and `docs` are, as in a clone."""

    def __init__(self, folder: Path, **environment: str) -> None:
        for name in ("sample_data", "docs"):
            (folder / name).symlink_to(ROOT / name)
        tools = folder / "bin"
        tools.mkdir()
        (tools / "assay").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m assay "$@"\n')
        (tools / "assay").chmod(0o755 | stat.S_IXUSR)
        known = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        known["COLUMNS"] = "110"
        self.environment = known | environment
        self.place = folder

    def do(self, step: Step) -> str:
        """What its commands print. AssertionError for an exit code that the guide does not promise."""
        return "".join(self._line(line) for line in _lines(step.commands))

    def _line(self, line: str) -> str:
        promised = EXIT_CODES.search(line.splitlines()[0])
        wanted = {int(code) for code in re.findall(r"\d", promised.group(1))} if promised else {0}
        script = f'{line}\ncode=$?\npwd > "$PLACE"\nexit $code'
        note = Path(self.environment["PATH"].split(os.pathsep)[0]) / "place"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.place,
            env={**self.environment, "PLACE": str(note)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode in wanted, f"{line}\nexit code {done.returncode}, not {wanted}\n{done.stdout}"
        self.place = Path(note.read_text().strip())
        return done.stdout


def _lines(commands: str) -> Iterator[str]:
    """Commands with what belongs to them: a here-document, a continued line."""
    waiting: list[str] = []
    end = ""
    for line in commands.splitlines():
        waiting.append(line)
        begun = re.search(r"<<'(\w+)'", line)
        end = begun.group(1) if begun else end
        if (end and line != end) or line.endswith("\\"):
            continue
        yield "\n".join(waiting)
        waiting, end = [], ""


def missing(shown: str, printed: str) -> str | None:
    """The first line of a ```text block that is not printed in its place; None where all are.

    >>> missing("a\\n...\\nkey ..., good\\n", "a\\nb\\nc\\nkey 17, good\\n")
    >>> missing("a\\nc\\n", "a\\nb\\nc\\n")
    'c'
    """
    if not shown.strip():
        return None
    lines = [line.rstrip() for line in printed.splitlines()]
    at, may_skip = 0, True
    for line in shown.rstrip("\n").split("\n"):
        if line.strip() == "...":
            may_skip = True
            continue
        pattern = re.compile(".*".join(map(re.escape, line.rstrip().split("..."))))
        places = range(at, len(lines)) if may_skip else range(at, min(at + 1, len(lines)))
        found = next((place for place in places if pattern.fullmatch(lines[place])), None)
        if found is None:
            return line
        at, may_skip = found + 1, False
    return None

"""What comes out of a file or its name cannot steer the terminal."""

from __future__ import annotations

import click
import pytest

from assay.console import on_one_line, presentable, printable


@pytest.mark.parametrize(
    "evil", ["\x1b[2J", "\x1b]0;owned\x07", "\x1b[8m", "\x1b[1;8m", "\u202e", "\r", "\x9b2J", "\x00"]
)
def test_what_moves_hides_or_turns_text_is_shown_as_its_escape(evil: str) -> None:
    for shown in (printable(f"a{evil}b"), presentable(f"a{evil}b"), on_one_line(f"a{evil}b")):
        assert shown == f"a{repr(evil)[1:-1]}b"


def test_colours_and_line_breaks_of_a_result_stay() -> None:
    text = "\n".join(
        [
            click.style("red", fg="red", bold=True),
            click.style("dim", dim=True),
            click.style(" FIT ", fg="black", bg="bright_green"),
            click.style("under", underline=True, reverse=True),
            "漢字",
        ]
    )
    assert presentable(text) == text


def test_a_name_never_breaks_its_line_nor_recolours_it() -> None:
    assert on_one_line("a\nb\x1b[31m.jsonl") == "a\\nb\\x1b[31m.jsonl"

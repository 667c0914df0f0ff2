"""The guides' commands run as they stand there, and print what is shown. What needs a model is in tests/real."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guides import GUIDES, Walk, missing, steps

PAGES = sorted(path.name for path in GUIDES.glob("*.md") if path.name != "README.md")


@pytest.mark.parametrize("guide", PAGES)
def test_the_commands_of_a_guide_print_what_it_shows(guide: str, tmp_path: Path) -> None:
    walk = Walk(tmp_path)
    for step in steps(guide):
        if not step.needs_model:
            printed = walk.do(step)
            assert missing(step.shown, printed) is None, f"{missing(step.shown, printed)}\n--- printed\n{printed}"


def test_every_kind_of_user_has_a_guide_that_the_readme_and_the_overview_name() -> None:
    assert len(PAGES) == 4
    readme = (GUIDES.parent.parent / "README.md").read_text(encoding="utf-8")
    overview = (GUIDES / "README.md").read_text(encoding="utf-8")
    assert [page for page in PAGES if f"docs/guides/{page}" not in readme or page not in overview] == []


@pytest.mark.parametrize(
    "part", ["**For whom.**", "**At the start.**", "How to read it", "## When it says no", "\nMore: "]
)
def test_every_guide_says_for_whom_what_is_there_how_to_read_it_and_what_to_do_then(part: str) -> None:
    assert [page for page in PAGES if part not in (GUIDES / page).read_text(encoding="utf-8")] == []


def test_a_line_that_is_not_printed_in_its_place_is_found_out() -> None:
    printed = "793 rows\n58 dropped\n177 held\n"
    assert missing("793 rows\n...\n177 held\n", printed) is None
    assert missing("793 rows\n177 held\n", printed) == "177 held"
    assert missing("...\n178 held\n", printed) == "178 held"
    assert missing("177 ...\n58 dropped\n", printed) == "58 dropped"

"""The page of the manual names the keys and reasons that there are, and no others."""

from __future__ import annotations

import re
from pathlib import Path

from assay.reviews.opened import open_run
from assay.reviews.queue import KINDS, of_kind
from assay.reviews.reasons import REASONS
from assay.reviews.screen import KEYS
from assay.runs import RunStore
from assay.web.rendering import NAVIGATION
from assay.web.site import Site

from .pressing import Browser

DOCS = Path(__file__).resolve().parents[4] / "docs" / "review.md"


def keys_on(page: str) -> set[str]:
    own = {key for key in re.findall(r'data-key="([^"]+)"', page) if key not in {keys for *_, keys in NAVIGATION}}
    return own - {"S", "?"}


def test_the_table_of_keys_is_that_of_the_pages(folder: Path) -> None:
    site = Site(RunStore(folder / ".assay"), folder / "reviews.jsonl", folder, {"out": folder / "out"}, who="ana")
    queue = open_run(folder / "out").queue
    first, pair = (key.name for key in of_kind(queue.keys, "contradiction")[:2])
    label = next(key.name for key in of_kind(queue.keys, "label") if queue.item(key).suggestion)
    ana, ben = Browser(site), Browser(site)
    found: set[str] = set()
    for address in (
        f"?row={pair}",
        f"?row={first}",
        f"?row={label}",
        f"?row={label}&edit=1",
        f"/group?row={pair}&way=first",
        "/progress",
    ):
        found |= keys_on(ana.open(f"/review/out{address}"))
    ana.open("/review/out")
    ana.press("keep")
    ben.open("/review/out")
    ben.send({}, "name", who="ben")
    found |= keys_on(ben.open("/review/out/progress"))
    table = DOCS.read_text(encoding="utf-8").partition("## The keys of a page")[2].partition("`?` lists")[0]
    named = set(re.findall(r"^\| `(.)` \|", table, re.MULTILINE)) | set("123456789")
    assert "| `1` to `9` |" in table
    assert named == {{"ArrowLeft": "←", "ArrowRight": "→"}.get(key, key) for key in found}


def test_the_reasons_and_kinds_of_the_manual_are_those_that_there_are() -> None:
    text = " ".join(DOCS.read_text(encoding="utf-8").split())
    assert ", ".join(f"{number} {reason}" for number, reason in enumerate(REASONS, 1)) in text
    for kind, words in KINDS.items():
        assert f"| {words} | `{kind}` |" in text


def test_the_keys_of_the_terminal_are_in_the_manual() -> None:
    text = DOCS.read_text(encoding="utf-8").partition("In a terminal:")[2]
    letters = re.findall(r"\[(\w)\]", KEYS)
    assert letters and all(f"`{letter}`" in text for letter in letters)

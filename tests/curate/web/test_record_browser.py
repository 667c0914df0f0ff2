"""The page of a record by keyboard, in a real browser; axe finds nothing serious in any of its views."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser import browser, serious_findings, served
from tests.curate.web.record_store import Store, chat, curated, write_rows

SAID = "The thermostat in our hall came with the house and served us well until last weekend, and then there were"
SLOWEST = 150_000
"""Milliseconds: a tokenizer is loaded by the first page that shows tokens, on a machine that does other things too."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Store:
    folder = tmp_path_factory.mktemp("keys")
    days = [chat("How long may I return it?", f"You have {number} days to return it.") for number in (14, 30)]
    alike = [chat(f"{SAID} {number} of them, of whatever kind, is that so?", "It is.") for number in ("four", "five")]
    rows = [*days, chat("Who?", "Nobody.", channel="mail"), chat("Why?", ""), *alike]
    write_rows(folder / "data.jsonl", rows)
    return curated(folder, "data.jsonl", "--model", str(tiny_model))


def test_views_neighbours_list_and_decision_by_key(store: Store) -> None:
    with browser() as chromium, served(store.folder) as server:
        page = chromium.new_page()
        page.set_default_timeout(SLOWEST)
        page.goto(server.link)
        page.goto(server.root + store.page(store.at(1), "?fate=held"))
        page.keyboard.press("2")
        page.wait_for_url("**view=template")
        page.wait_for_selector("text=characters are trained")  # it comes by itself once the model is loaded
        page.keyboard.press("3")
        page.wait_for_url("**view=tokens")
        page.wait_for_selector("text=tokens are trained")
        page.keyboard.press("n")
        page.wait_for_url(f"**{store.at(2)}?fate=held&view=tokens")
        page.keyboard.press("1")
        page.wait_for_url(f"**{store.at(2)}?fate=held")
        page.keyboard.press("p")
        page.wait_for_url(f"**{store.at(1)}?fate=held")
        page.keyboard.press("b")
        page.wait_for_url("**/records?fate=held")
        page.go_back()
        page.keyboard.press("r")
        page.wait_for_url(f"**/review/{store.run}?row={store.at(1)}**")


def test_nothing_serious_for_those_who_see_or_press_otherwise(store: Store) -> None:
    addresses = [store.page(store.at(line), query) for line, query in VIEWS]
    with browser() as chromium, served(store.folder) as server:
        page = chromium.new_page()
        page.set_default_timeout(SLOWEST)
        page.goto(server.link)
        found = {}
        for address in addresses:
            page.goto(server.root + address)
            page.wait_for_selector("[data-reload]", state="detached")
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                found[address, scheme] = serious_findings(page)
        assert {place: what for place, what in found.items() if what} == {}
        assert len(found) == 2 * len(VIEWS)


VIEWS = ((1, ""), (3, ""), (4, ""), (5, ""), (1, "?view=template"), (1, "?view=tokens"))

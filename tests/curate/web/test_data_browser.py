"""From the overview to a record and back by keyboard, in a real browser; nothing in a list is run."""

from __future__ import annotations

import pytest

from tests.browser import browser, serious_findings, served
from tests.curate.web.record_store import Store, chat, curated, write_rows

SLOWEST = 60_000
"""Milliseconds, on a machine that does other things too."""

HOSTILE = "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 2'>"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("keys")
    days = [chat("How long may I return it?", f"You have {number} days to return it.") for number in (14, 30)]
    write_rows(folder / "data.jsonl", [*days, chat(HOSTILE, "{{ 7 * 7 }}"), chat("Why?", "")])
    return curated(folder, "data.jsonl")


def test_to_the_list_a_search_a_record_and_back_by_key(store: Store) -> None:
    with browser() as chromium, served(store.folder) as server:
        page = chromium.new_page()
        page.set_default_timeout(SLOWEST)
        page.goto(server.link)
        page.keyboard.press("g")
        page.keyboard.press("d")
        page.wait_for_url(f"**/data/{store.run}")
        page.keyboard.press("b")
        page.wait_for_url("**/records")
        page.keyboard.press("/")
        page.keyboard.type("30 days")
        page.keyboard.press("Enter")
        page.wait_for_url("**q=30+days**")
        assert page.inner_text("mark.hit") == "30 days"
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/record/{store.at(2)}?q=30+days")
        page.go_back()
        page.keyboard.press("x")
        page.wait_for_url("**/records")
        assert page.locator("tr[data-row]").count() == 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_and_nothing_run(store: Store, scheme: str) -> None:
    with browser() as chromium, served(store.folder) as server:
        page = chromium.new_context(color_scheme=scheme).new_page()
        page.set_default_timeout(SLOWEST)
        page.goto(server.link)
        data = f"/data/{store.run}"
        for path in (
            data,
            f"{data}/records",
            f"{data}/records?check=contradiction&q=days",
            f"{data}/records?q=(&kind=regex",
        ):
            page.goto(server.root + path)
            assert serious_findings(page) == [], path
            assert page.evaluate("window.pwned") is None

"""Why was it blocked, by keyboard alone, in a real browser; and what axe says of the pages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from assay.evaluate.evaluation import Evaluation
from tests.browser import browser, serious_findings, served


def test_from_the_start_to_the_item_that_was_lost_without_a_mouse(
    judged: Callable[..., tuple[str, str]], blocked: Evaluation, tmp_path: Path
) -> None:
    judged(blocked)
    with browser() as program, served(tmp_path) as server:
        page = program.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}"))
        page.goto(server.link)
        page.keyboard.press("g")
        page.keyboard.press("e")
        page.wait_for_url("**/evaluation")
        assert page.locator("h2 .tag").first.inner_text() == "BLOCK"
        assert serious_findings(page) == []
        page.keyboard.press("w")
        page.wait_for_url("**/evaluation/gate-*")
        assert "should not be released" in page.locator("h1").inner_text()
        assert serious_findings(page) == []
        page.keyboard.press("o")
        page.wait_for_url("**/items?**moved=lost**")
        assert serious_findings(page) == []
        page.keyboard.press("j")
        page.keyboard.press("j")
        second = page.locator("[data-row] h3 a").nth(1).inner_text()
        page.keyboard.press("Enter")
        page.wait_for_url("**/item?**")
        assert page.locator("h1").inner_text() == second
        page.keyboard.press("n")
        page.wait_for_function(f"document.querySelector('h1').innerText !== {second!r}")
        page.keyboard.press("p")
        page.wait_for_function(f"document.querySelector('h1').innerText === {second!r}")
        assert "<script>alert('x')</script>" in page.locator("main").inner_text()
        assert serious_findings(page) == []
        assert said == []


def test_the_certificate_is_verified_by_a_key_and_the_lineage_is_clicked(
    judged: Callable[..., tuple[str, str]], passing: Evaluation, tmp_path: Path
) -> None:
    evaluation, gate = judged(passing)
    with browser() as program, served(tmp_path) as server:
        page = program.new_page(color_scheme="dark")
        page.goto(server.link)
        page.goto(f"{server.root}/evaluation/{gate}")
        page.keyboard.press("v")
        page.get_by_text("It verifies:").wait_for()
        assert serious_findings(page) == []
        page.keyboard.press("w")
        page.wait_for_url(f"**/lineage/{gate}")
        assert serious_findings(page) == []
        page.locator("svg.lineage a", has_text="evaluate").click()
        page.wait_for_url(f"**/evaluation/{evaluation}")
        assert serious_findings(page) == []
        page.goto(f"{server.root}/evaluation/history")
        assert serious_findings(page) == []

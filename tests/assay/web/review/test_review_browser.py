"""At the keyboard of a real browser: every decision is in the journal exactly as pressed, whatever goes wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.reviews.journal import append, read_reviews
from assay.reviews.opened import open_run
from assay.reviews.queue import Key, Queue, of_kind
from assay.reviews.review import Review, Verdict, latest
from tests.browser import Served, browser, serious_findings, served
from tests.curate.web.record_store import curated, write_rows
from tests.curate.web.test_record_hostile import NAME, hostile_rows
from tests.terminal import terminal

WAIT = 20_000
WIDER = "Math.max(0, document.documentElement.scrollWidth - innerWidth)"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as opened:
        yield opened


@pytest.fixture
def server(chromium: Any, folder: Path) -> Iterator[Served]:
    with served(folder, "out", "--reviews", "reviews.jsonl") as started:
        yield started


@pytest.fixture
def queue(folder: Path) -> Queue:
    return open_run(folder / "out").queue


@pytest.fixture
def page(chromium: Any, server: Served) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    opened.goto(server.link)
    yield opened
    context.close()


def journal(folder: Path) -> dict[str, str]:
    """{record id: what holds of it}"""
    path = folder / "reviews.jsonl"
    held = latest(read_reviews(path)) if path.is_file() else {}
    return {subject.record_id: str(review.verdict) for subject, review in held.items()}


def row(page: Any) -> str:
    """Of the record that the keys decide on."""
    return str(page.locator("form.deciding input[name=side]").get_attribute("value"))


def press(page: Any, key: str) -> None:
    """A key, and the page that comes of it."""
    with page.expect_navigation(timeout=WAIT, wait_until="load"):
        page.keyboard.press(key)


def keys_of(queue: Queue, kind: str) -> list[Key]:
    return of_kind(queue.keys, kind)


def test_twenty_items_by_keyboard_alone_are_in_the_journal_as_pressed(
    page: Any, server: Served, folder: Path, queue: Queue
) -> None:
    page.goto(f"{server.root}/review/out?kind=held")
    wanted: dict[str, str] = {}
    pressed = ["a", "x", "a", "3", "x", "a", "9", "e", "a", "x"] * 2
    for key, name in zip(keys_of(queue, "held"), pressed, strict=False):
        assert row(page) == key.name
        if name == "e":
            press(page, "e")
            assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
            page.keyboard.press("ControlOrMeta+A")
            page.keyboard.type(f"rewritten for {key.name}")
            press(page, "Control+Enter")
        else:
            press(page, name)
        wanted[key.record_id] = "keep" if name == "a" else "repair" if name == "e" else "drop"
        assert journal(folder) == wanted  # before the next one is shown
    assert len(wanted) == 20
    texts = [review.messages[-1].content for review in read_reviews(folder / "reviews.jsonl") if review.messages]
    assert len(texts) == 2 and all(text and text.startswith("rewritten for") for text in texts)
    page.reload()
    assert "You" in page.locator("[role=status]").inner_text()
    press(page, "u")
    assert len(journal(folder)) == 19
    assert row(page) == keys_of(queue, "held")[19].name


def test_a_reason_in_own_words_by_keyboard_and_enter_decides_nothing(page: Any, server: Served, folder: Path) -> None:
    page.goto(f"{server.root}/review/out?kind=contradiction")
    page.keyboard.press("t")
    page.keyboard.type("superseded in May")
    page.keyboard.press("Enter")
    assert journal(folder) == {}
    page.keyboard.press("Escape")
    press(page, "x")
    assert {review.note for review in read_reviews(folder / "reviews.jsonl")} == {"superseded in May"}


def test_looking_around_decides_nothing_and_a_group_is_decided_after_a_question(
    page: Any, server: Served, folder: Path, queue: Queue
) -> None:
    first, second = keys_of(queue, "contradiction")[:2]
    third = next(key for key in keys_of(queue, "contradiction") if key.case != first.case)
    page.goto(f"{server.root}/review/out?kind=contradiction")
    press(page, "n")
    assert row(page) == third.name
    press(page, "p")
    assert row(page) == first.name and journal(folder) == {}
    press(page, "o")
    assert "Keep this one, and drop the other?" in page.inner_text("main") and journal(folder) == {}
    press(page, "y")
    assert journal(folder) == {first.record_id: "keep", second.record_id: "drop"}


def test_either_side_of_a_pair_is_chosen_and_decided_on_by_key_and_by_mouse(
    page: Any, server: Served, folder: Path, queue: Queue
) -> None:
    first, second = keys_of(queue, "contradiction")[:2]
    assert first.case == second.case
    address = f"{server.root}/review/out?kind=contradiction"
    page.goto(address)
    for key, name in (("ArrowRight", second), ("ArrowLeft", first), ("c", second), ("c", first)):
        press(page, key)
        assert row(page) == name.name
    assert journal(folder) == {}
    press(page, "ArrowRight")
    press(page, "x")
    assert journal(folder) == {second.record_id: "drop"}
    assert row(page) not in (first.name, second.name), "the pair is settled"
    press(page, "u")
    assert journal(folder) == {} and row(page) in (first.name, second.name)
    page.goto(address)
    with page.expect_navigation(timeout=WAIT):
        page.locator(".side").nth(1).get_by_role("button", name="Keep side 2").click()
    assert journal(folder) == {second.record_id: "keep"} and row(page) == first.name
    page.keyboard.press("?")
    assert "→" in page.inner_text("#keys") or "←" in page.inner_text("#keys")
    assert "Choose the other side" in page.inner_text("#keys")


def test_two_people_in_one_queue_each_see_what_the_other_decided_and_nothing_is_overwritten(
    chromium: Any, server: Served, folder: Path, queue: Queue
) -> None:
    first, second = keys_of(queue, "contradiction")[:2]
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    ana = context.new_page()
    ana.goto(server.link)
    state = context.storage_state()
    state["cookies"] = [cookie for cookie in state["cookies"] if "review" not in cookie["name"]]
    other = chromium.new_context(storage_state=state)
    ben = other.new_page()
    ben.goto(f"{server.root}/review/out?kind=contradiction")
    ben.click("details.who summary")
    ben.fill("#who", "ben")
    with ben.expect_navigation():
        ben.click("details.who button")
    ana.goto(f"{server.root}/review/out?kind=contradiction")
    assert row(ana) == row(ben) == first.name
    press(ana, "x")
    press(ben, "c")
    assert "ana dropped this" in ben.locator(".side").nth(0).inner_text()
    press(ben, "x")  # of the other side, having seen it
    assert journal(folder) == {first.record_id: "drop", second.record_id: "drop"}
    for page in (ana, ben):
        page.goto(f"{server.root}/review/out?kind=to_read")
    assert row(ana) == row(ben)
    press(ana, "a")
    press(ben, "x")
    assert "ana found this right at" in ben.inner_text("main")
    assert "right" in journal(folder).values() and "wrong" not in journal(folder).values()
    press(ben, "b")
    for key in ("x", "a", "x"):
        press(ana, key)
    said = []
    for keys in (("a", "x"), ("a", "a")):
        ben.goto(f"{server.root}/review/out?kind=to_read&second=1")
        for key in keys:
            press(ben, key)
        ana.goto(f"{server.root}/review/out/progress")
        said.append(ana.inner_text("main"))
    assert "ana and ben agree on" in said[0] and "of 2 records that both read" in said[0]
    assert "of 4 records that both read; Cohen's kappa" in said[1]
    assert {review.who for review in read_reviews(folder / "reviews.jsonl")} == {"ana", "ben"}
    context.close()
    other.close()


@pytest.mark.parametrize(("width", "height"), [(700, 900), (390, 844), (844, 390)])
def test_the_bar_of_keys_stays_where_it_is_on_a_narrow_screen(
    chromium: Any, server: Served, width: int, height: int
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.goto(server.link)
    page.goto(f"{server.root}/review/out?kind=contradiction")
    for scroll in (0, 10_000):
        page.evaluate(f"scrollTo(0, {scroll})")
        bar = page.locator("form.deciding").bounding_box()
        assert abs(bar["y"] + bar["height"] - height) <= 1 and bar["height"] < 0.4 * height
    last = page.locator(".side").last.bounding_box()
    assert last["y"] + last["height"] <= bar["y"], "nothing stays behind the bar"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


def test_the_list_of_keys_opens_at_its_beginning(page: Any, server: Served) -> None:
    page.set_viewport_size({"width": 1280, "height": 500})
    page.goto(f"{server.root}/review/out?kind=contradiction")
    page.keyboard.press("?")
    page.locator("#keys[open]").wait_for(timeout=WAIT)
    heights = page.evaluate(
        "[document.querySelector('#keys').scrollHeight, document.querySelector('#keys').clientHeight]"
    )
    assert heights[0] > heights[1], "it is longer than the window"
    assert page.evaluate("document.querySelector('#keys').scrollTop") == 0
    assert page.locator("#keys-heading").bounding_box()["y"] >= 0


def test_a_key_that_is_held_down_decides_one_item(page: Any, server: Served, folder: Path) -> None:
    page.goto(f"{server.root}/review/out?kind=to_read")
    with page.expect_navigation(timeout=WAIT, wait_until="load"):
        page.keyboard.down("a")
    for _ in range(5):
        page.keyboard.down("a")  # as the keyboard repeats it
    page.keyboard.up("a")
    page.reload()
    assert len(journal(folder)) == 1


def test_a_suspected_label_beside_other_fields_is_shown_by_one_key_and_saved_by_another(
    page: Any, server: Served, folder: Path, queue: Queue
) -> None:
    key = next(key for key in keys_of(queue, "label") if queue.item(key).suggestion)
    page.goto(f"{server.root}/review/out?kind=label&row={key.name}")
    press(page, "l")
    assert journal(folder) == {}
    page.keyboard.press("Escape")  # the cursor is in the answer
    press(page, "y")
    assert journal(folder) == {key.record_id: "repair"}


def test_a_terminal_says_the_whole_answer_that_a_label_was_put_into(folder: Path, queue: Queue) -> None:
    first = next(key for key in keys_of(queue, "label") if not key.settled)
    suggestion = queue.item(first).suggestion
    assert suggestion is not None and not suggestion.stands_alone
    with terminal("review", "out", "--terminal", "--kind", "label", folder=folder) as opened:
        opened.wait_for("[q]uit")
        opened.type("l")
        shown = " ".join(opened.wait_for("takes it back").split())
        assert f"the answer is now {suggestion.answer}" in shown
        opened.type("q")
        opened.end()


def test_a_second_tab_that_decides_the_same_item_is_asked_first(page: Any, server: Served, folder: Path) -> None:
    page.goto(f"{server.root}/review/out?kind=to_read")
    other = page.context.new_page()
    other.goto(f"{server.root}/review/out?kind=to_read")
    assert row(page) == row(other)
    press(page, "a")
    press(other, "x")
    assert "found this right at" in other.inner_text("main")
    assert list(journal(folder).values()) == ["right"]
    press(other, "y")
    assert list(journal(folder).values()) == ["wrong"]
    press(page, "u")  # the last decision of this browser, made in the other tab
    assert list(journal(folder).values()) == ["right"]


def test_decisions_of_another_process_are_kept_and_not_offered_again(
    page: Any, server: Served, folder: Path, queue: Queue
) -> None:
    first, second, third, *_ = keys_of(queue, "to_read")
    page.goto(f"{server.root}/review/out?kind=to_read")
    command = ("review", "out", "--terminal", "--kind", "to_read", "--reviews", "reviews.jsonl")
    with terminal(*command, folder=folder) as other:
        other.wait_for("[q]uit")
        other.type("rmade up\n")
        other.wait_for("[q]uit")
        press(page, "a")  # of the first, which was decided in the terminal meanwhile
        assert "found this wrong at" in page.inner_text("main") and "made up" in page.inner_text("main")
        press(page, "b")
        assert row(page) == second.name
        press(page, "a")
        other.type("a")
        assert "had said right of it meanwhile" in " ".join(other.wait_for("[q]uit").split())
        other.type("q")
        other.end()
    append(folder / "reviews.jsonl", [Review(s, Verdict.RIGHT, "cem") for s in queue.subjects(third)])
    page.reload()
    assert row(page) == keys_of(queue, "to_read")[3].name
    assert journal(folder) == {first.record_id: "wrong", second.record_id: "right", third.record_id: "right"}


def test_a_killed_server_loses_nothing_and_undo_goes_on_after_it(chromium: Any, folder: Path, queue: Queue) -> None:
    keys = keys_of(queue, "held")[:4]
    arguments = ("out", "--reviews", "reviews.jsonl")
    context = chromium.new_context()
    page = context.new_page()
    with served(folder, *arguments) as first:
        page.goto(first.link)
        page.goto(f"{first.root}/review/out?kind=held")
        press(page, "a")
        press(page, "x")
        first.kill()
    assert journal(folder) == {keys[0].record_id: "keep", keys[1].record_id: "drop"}
    with served(folder, *arguments) as again:
        page.goto(again.link)
        page.goto(f"{again.root}/review/out?kind=held")
        assert row(page) == keys[2].name
        press(page, "x")
        assert len(journal(folder)) == 3
        press(page, "u")
        press(page, "u")  # said before the crash
    assert journal(folder) == {keys[0].record_id: "keep"}
    context.close()
    lines = (folder / "reviews.jsonl").read_text().splitlines()
    assert all(json.loads(line) for line in lines)


def test_another_name_is_kept_and_shown(page: Any, server: Served, folder: Path) -> None:
    page.goto(f"{server.root}/review/out?kind=to_read")
    page.click("details.who summary")
    page.fill("#who", "Zoë Çelik")
    with page.expect_navigation():
        page.click("details.who button")
    press(page, "a")
    assert "You are Zoë Çelik" in page.inner_text("main")
    assert [review.who for review in read_reviews(folder / "reviews.jsonl")] == ["Zoë Çelik"]


def test_no_page_has_a_serious_fault_of_access(chromium: Any, server: Served, queue: Queue) -> None:
    held, pair = keys_of(queue, "held")[0].name, keys_of(queue, "contradiction")[0].name
    addresses = ["", "?kind=duplicate", "?kind=label", f"?row={held}&edit=1", "/progress", "?second=1"]
    addresses += [f"/group?row={pair}&way=first", "?kind=contradiction"]
    found: dict[str, list[str]] = {}
    state = None
    for scheme in ("light", "dark"):
        context = chromium.new_context(color_scheme=scheme, storage_state=state)
        page = context.new_page()
        if state is None:
            page.goto(server.link)
            state = context.storage_state()
        for address in addresses:
            page.goto(f"{server.root}/review/out{address}")
            found[f"{scheme} {address}"] = serious_findings(page)
        context.close()
    assert {address: faults for address, faults in found.items() if faults} == {}


def test_what_it_turns_on_is_seen_without_scrolling(page: Any, server: Served, queue: Queue) -> None:
    """At 1280 by 800: the first mark, or the answer, of the first items of each kind is above the bar of buttons."""
    hidden = []
    for kind in ("contradiction", "duplicate", "label", "held", "to_read"):
        for key in keys_of(queue, kind)[:5]:
            page.goto(f"{server.root}/review/out?kind={kind}&row={key.name}")
            bar = page.locator("form.deciding").bounding_box()
            marks = [mark.bounding_box() for mark in page.locator("main mark:visible").all()]
            tops = [mark["y"] for mark in marks] or [page.locator(".side.own .turn").last.bounding_box()["y"]]
            if min(tops) > bar["y"] - 20 or bar["y"] + bar["height"] > 801:
                hidden.append(f"{kind} {key.name}")
    assert hidden == []


def test_hostile_records_are_shown_harmlessly_on_every_page_of_the_queue(chromium: Any, tmp_path: Path) -> None:
    """Scripts in every field, right-to-left text, a megabyte, emoji, control characters, template syntax."""
    write_rows(tmp_path / NAME, hostile_rows())
    curated(tmp_path, NAME)
    [run] = [path.name for path in (tmp_path / ".assay" / "runs").iterdir()]
    keys = open_run(tmp_path / ".assay" / "runs" / run).queue.keys
    said: list[str] = []
    with served(tmp_path, who='"><img src=x onerror=alert(5)>') as server:
        context = chromium.new_context(viewport={"width": 1280, "height": 800})
        page = context.new_page()
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.on("console", lambda message: said.append(message.text))
        page.on(
            "request",
            lambda request: None if request.url.startswith((server.root, "file:")) else said.append(request.url),
        )
        page.goto(server.link)
        for key in [key for key in keys if key.kind == "held"][:8]:
            for more in ("&whole=1", "&edit=1"):
                page.goto(f"{server.root}/review/{run}?row={key.name}{more}")
                assert page.evaluate(f"[window.pwned, {WIDER}]") == [None, 0]
        page.goto(f"{server.root}/review/{run}?kind=held")
        page.fill("#note", "<script>alert(6)</script>{{ 7*7 }}")
        page.keyboard.press("Escape")
        press(page, "x")
        for address in ("", "/progress", "?kind=held", "?save=1", "?save=1&redact=1"):
            if "save" in address:
                saved = tmp_path / "saved.html"
                saved.write_text(page.request.get(f"{server.root}/review/{run}{address}").text(), encoding="utf-8")
                page.goto(saved.as_uri())
            else:
                page.goto(f"{server.root}/review/{run}{address}")
            assert page.evaluate("window.pwned") is None and ">49<" not in page.content()
        context.close()
    assert said == []


def test_keys_stay_where_they_are_from_side_to_side_and_from_pair_to_pair(page: Any, server: Served) -> None:
    """Some sides have another label to be relabelled to, and some groups are decided but for one."""
    page.goto(f"{server.root}/review/out?kind=contradiction")
    names = ("Drop x", "Edit", "Skip", "Undo", "Keep only this", "Keep ", "Drop ")

    def places() -> list[tuple[float, float]]:
        row = page.locator("form.deciding .acts")
        found = [row.locator("button, a").filter(has_text=name).last.bounding_box() for name in names]
        return [(box["x"], box["y"]) for box in found]

    first, labels = places(), set()
    assert len({y for _, y in first}) <= 2, "one line, but for the size of the buttons"
    for key in ("c", "n", "c", "n", "a", "n", "c", "n", "c", "x", "n", "c"):
        press(page, key)
        assert places() == first
        labels.add(page.locator("form.deciding .slot:disabled").count())
    assert labels == {0, 1}, "the sample has sides with a suggested label, and without"

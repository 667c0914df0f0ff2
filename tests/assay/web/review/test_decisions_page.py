"""All decisions on one page: who, when, what, about which record, whether it holds, and undo of one's own."""

from __future__ import annotations

import html
import re
import time
from pathlib import Path

import pytest

from assay.reviews.journal import append, read_reviews
from assay.reviews.queue import Queue
from assay.reviews.review import Review, Subject, Verdict
from assay.runs import RunStore
from assay.web.review.decisions import decisions_at
from assay.web.single_file import single_file
from assay.web.site import Site

from .pressing import ORIGIN, Browser, held, of

ROW = re.compile(r"<tr data-row>(.*?)</tr>", re.DOTALL)


def rows(page: str) -> list[list[str]]:
    """Words of each row: when, who, decision, about, record, why, now, button."""
    cells = [re.findall(r"<td.*?>(.*?)</td>", row, re.DOTALL) for row in ROW.findall(page)]
    return [[" ".join(html.unescape(re.sub(r"<[^>]+>", " ", cell)).split()) for cell in row] for row in cells]


def take_back(browser: Browser, place: int = 0) -> str:
    """Presses the undo of a row."""
    row = ROW.findall(browser.page)[place]
    fields = {name: html.unescape(value) for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', row)}
    return browser.seen(browser.client.post("/decisions/undo", data=fields, headers=ORIGIN))


def test_nothing_is_decided_yet(ana: Browser) -> None:
    assert "Nobody has decided anything yet" in ana.open("/decisions")
    assert "/decisions" not in ana.open("/") and "/decisions" not in ana.open("/review")


def test_each_decision_stands_there_newest_first_with_its_record_and_is_taken_back(
    ana: Browser, folder: Path, queue: Queue
) -> None:
    first, second = of(queue, "held")[:2]
    ana.open("/review/out?kind=held")
    ana.press("drop", note="out <b>of</b> date")
    ana.press("keep")
    for page in ("/", "/review"):
        assert 'href="/decisions"' in ana.open(page)
    found = rows(ana.open("/decisions"))
    assert [(row[1], row[2], row[4], row[5], row[6], row[7]) for row in found] == [
        ("ana", "keep", second.record_id, "", "holds", "Undo"),
        ("ana", "drop", first.record_id, "out <b>of</b> date", "holds", "Undo"),
    ]
    assert "out &lt;b&gt;of&lt;/b&gt; date" in ana.page and found[1][3] == " ".join(first.checks)
    [address] = re.findall(rf'<a href="([^"]+)">{first.record_id}</a>', ana.page)
    assert "out of date" not in ana.open(address) and ana.status == 200 and first.record_id in ana.page
    ana.open("/decisions")
    page = take_back(ana, 1)
    assert f"Taken back: you had dropped record {first.record_id}" in page
    assert [row[6] for row in rows(page)] == ["holds", rows(page)[1][6]]
    assert rows(page)[1][6].startswith("taken back ana took it back at")
    assert {subject.record_id for subject in held(folder)} == {second.record_id}


def test_what_held_before_holds_again_and_what_another_said_since_stays(
    ana: Browser, ben: Browser, folder: Path, queue: Queue
) -> None:
    key = of(queue, "held")[0]
    for browser, word in ((ana, "keep"), (ben, "drop")):
        browser.open(f"/review/out?kind=held&row={key.name}")
        browser.press(word)
    found = rows(ana.open("/decisions"))
    assert found[0][1:3] == ["ben", "drop"] and found[0][6:] == ["holds", ""], "ana takes back what is her own"
    assert found[1][6].startswith("replaced ben dropped this at") and found[1][7] == ""
    step = str(read_reviews(folder / "reviews.jsonl")[0].shown["step"])  # type: ignore[index, call-overload]
    refused = ana.seen(ana.client.post("/decisions/undo", data={"step": step}, headers=ORIGIN))
    assert ana.status == 409 and "Not taken back: ben dropped this at" in html.unescape(refused)
    ben.open("/decisions")
    take_back(ben, 0)
    assert {(review.who, review.verdict) for review in held(folder).values()} == {("ana", Verdict.KEEP)}
    assert [row[6] for row in rows(ana.open("/decisions"))][1] == "holds"


def test_a_press_for_a_group_is_taken_back_as_one(ana: Browser, folder: Path, queue: Queue) -> None:
    key = of(queue, "contradiction")[0]
    ana.open(f"/review/out/group?kind=contradiction&row={key.name}&way=drop")
    ana.send({}, "group")
    found = rows(ana.open("/decisions"))
    count = len(queue.group(key))
    assert len(found) == count and {row[7] for row in found} == {f"Undo all {count}"}
    assert "with" in found[0][4]
    take_back(ana)
    assert held(folder) == {}
    assert {row[6].split(" ana ")[0] for row in rows(ana.page)} == {"taken back"}
    before = (folder / "reviews.jsonl").read_bytes()
    step = str(read_reviews(folder / "reviews.jsonl")[0].shown["step"])  # type: ignore[index, call-overload]
    ana.seen(ana.client.post("/decisions/undo", data={"step": step}, headers=ORIGIN))
    assert ana.status == 409 and "taken back already" in ana.page
    assert (folder / "reviews.jsonl").read_bytes() == before


def written(path: Path, number: int) -> None:
    """As a program writes them, or an earlier assay: without steps."""
    words = (Verdict.KEEP, Verdict.DROP, Verdict.RIGHT)
    append(
        path,
        [
            Review(
                Subject(f"{place:016x}", ("near_duplicate", "language", "")[place % 3]),
                words[place % 3],
                ("ana", "ben")[place % 2],
                f"2026-11-{1 + place % 28:02d}T10:00:00Z",
                f"note {place}",
            )
            for place in range(number)
        ],
    )


def test_filters_and_pages_show_what_they_say(tmp_path: Path) -> None:
    site = Site(RunStore(tmp_path / ".assay"), tmp_path / "reviews.jsonl", tmp_path, who="ana")
    written(site.journal, 120)
    browser = Browser(site)
    page = browser.open("/decisions")
    assert "120 decisions" in page and "1 to 50 shown" in page and rows(page)[0][5] == "note 119"
    assert rows(browser.open("/decisions?page=3"))[-1][5] == "note 0"
    page = browser.open("/decisions?who=ben&decision=drop&about=language")
    assert "20 decisions" in page and {tuple(row[1:4]) for row in rows(page)} == {("ben", "drop", "language")}
    assert rows(browser.open("/decisions?q=NOTE+77"))[0][5] == "note 77"
    assert "0 decisions" in browser.open("/decisions?state=taken+back") and "No decision is like that" in browser.page
    assert {row[7] for row in rows(browser.open("/decisions"))} == {""}, "what no press wrote has no undo"
    assert "(none)" in browser.open("/decisions?who=carol")
    saved = single_file(site, "/decisions")
    assert "<form" not in saved and "note 119" in saved
    redacted = single_file(site, "/decisions?redact=1")
    assert "note 119" not in redacted and ">ana<" not in redacted
    browser.client.close()


def test_fifty_thousand_decisions_are_a_page_like_others(tmp_path: Path) -> None:
    """The first page of a list is there within 300 ms; here by the processor's time, of what is read once and of each
    page after that."""
    site = Site(RunStore(tmp_path / ".assay"), tmp_path / "reviews.jsonl", tmp_path, who="ana")
    written(site.journal, 50_000)
    decisions_at(site.journal)  # as the server does in a thread when it starts
    browser = Browser(site)
    for address in ("/decisions", "/decisions?who=ben&q=note+49", "/decisions?page=900"):
        seconds = []
        for _ in range(3):
            began = time.process_time()
            browser.open(address)
            seconds.append(time.process_time() - began)
        assert browser.status == 200 and min(seconds) < 0.3, address
    browser.client.close()


def test_the_list_of_records_shows_what_was_decided(ana: Browser, queue: Queue) -> None:
    key = of(queue, "held")[0]
    address = f"/data/out/records?fate=held&check={key.checks[0]}"
    assert 'class="small decided"' not in ana.open(address)
    ana.open(f"/review/out?kind=held&row={key.name}")
    ana.press("drop", note="wrong <i>")
    page = ana.open(address)
    [mark] = re.findall(r'<div class="small decided" title="([^"]*)">decided: <span class="tag drop">drop</span>', page)
    assert html.unescape(mark).startswith("ana dropped this at") and html.unescape(mark).endswith("(wrong <i>)")


@pytest.mark.parametrize("way", ["GET", "PUT"])
def test_nothing_is_taken_back_but_by_a_form(ana: Browser, way: str) -> None:
    assert ana.client.request(way, "/decisions/undo", headers=ORIGIN).status_code == 405

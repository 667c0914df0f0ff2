"""A contradiction comes once, with all its sides on one screen; what settles it; and the numbers of what waits."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from assay.dataset import Dataset
from assay.reviews.opened import open_run
from assay.reviews.queue import KINDS, Key, Queue, of_kind
from assay.reviews.review import Verdict
from assay.web.site import Site

from .curated import curate
from .pressing import Browser, by_mouse, held, row_on, sides_on


def two(queue: Queue) -> tuple[Key, Key]:
    """The first pair of which each side waits for nothing but the contradiction."""
    keys = of_kind(queue.keys, "contradiction")
    cases: dict[str, list[Key]] = {}
    for key in keys:
        cases.setdefault(key.case, []).append(key)
    return next(
        (own[0], own[1])
        for own in cases.values()
        if len(own) == own[0].size == 2 and all(len(key.checks) == 1 for key in own)
    )


def test_each_contradiction_comes_once_with_both_sides(ana: Browser, queue: Queue) -> None:
    page = ana.open("/review/out?kind=contradiction")
    seen: list[frozenset[str]] = []
    while True:
        seen.append(frozenset(sides_on(page)))
        later = re.search(r'href="([^"]+)" data-key="n"', page)
        if later is None:
            break
        page = ana.open(html.unescape(later.group(1)))
    keys = of_kind(queue.keys, "contradiction")
    assert len(seen) == len(set(seen)) == len({key.case for key in keys})
    assert {key.name for key in keys} <= set().union(*seen)


def test_a_kept_side_leads_to_the_other_and_a_dropped_one_settles_the_pair(
    ana: Browser, folder: Path, queue: Queue
) -> None:
    first, second = two(queue)
    ana.open(f"/review/out?kind=contradiction&row={first.name}")
    assert row_on(ana.page) == first.name
    ana.press("keep")
    assert row_on(ana.page) == second.name and first.name in sides_on(ana.page)
    assert "The other side still waits: the keys are about side 2 now." in ana.page
    ana.press("drop")
    assert second.name not in sides_on(ana.page) and "still waits:" not in ana.page
    ana.open(f"/review/out?kind=contradiction&row={first.name}")
    assert re.search(r"ana kept this at", ana.page) and re.search(r"ana dropped this at", ana.page)
    assert "waits for a decision" not in ana.page


def test_the_side_that_is_left_is_settled_and_can_be_decided_on_all_the_same(
    ana: Browser, folder: Path, queue: Queue
) -> None:
    first, second = two(queue)
    ana.open(f"/review/out?kind=contradiction&row={first.name}")
    by_mouse(ana, second.name, "drop")
    assert {(subject.record_id, review.verdict) for subject, review in held(folder).items()} == {
        (second.record_id, Verdict.DROP)
    }
    assert first.name not in sides_on(ana.page), "the pair is not asked about again"
    link = re.search(r'unless you <a href="([^"]+)">', ana.page)
    assert link is not None
    page = ana.open(html.unescape(link.group(1)))
    assert row_on(page) == first.name and "Settled: nothing is left that speaks against this side" in page
    ana.press("drop")
    assert {subject.record_id for subject in held(folder)} == {first.record_id, second.record_id}
    ana.undo()
    ana.undo()
    assert not held(folder)


def test_what_is_settled_trains_in_the_next_version_and_is_not_asked_about_again(
    ana: Browser, folder: Path, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two(queue)
    ana.open(f"/review/out?row={second.name}")
    ana.press("drop")
    curate(folder, monkeypatch)
    ids = {record.id for record in Dataset.read_parquet(folder / "out" / "data.parquet").records()}
    assert first.record_id in ids and second.record_id not in ids
    again = {key.record_id for key in open_run(folder / "out").queue.keys if key.kind != "to_read"}
    assert not {first.record_id, second.record_id} & again


def test_a_mere_warning_about_the_side_that_is_left_does_not_keep_it_waiting(
    ana: Browser, folder: Path, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was held for the contradiction alone: `mixed_styles` holds nothing."""
    warned = next(
        key
        for key in of_kind(queue.keys, "contradiction")
        if set(key.checks) == {"contradiction", "mixed_styles"} and key.size == 2
    )
    other = next(key for key in queue.group(warned) if key != warned)
    ana.open(f"/review/out?kind=contradiction&row={warned.name}")
    by_mouse(ana, other.name, "drop")
    assert "unless you <a" in ana.page and warned.name not in sides_on(ana.page)
    curate(folder, monkeypatch)
    assert warned.record_id in {r.id for r in Dataset.read_parquet(folder / "out" / "data.parquet").records()}


def test_a_side_in_which_something_else_was_found_waits_for_that(
    folder: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = ("You have 30 days to return it.", "You have 14 days to return it, {{name}}.")
    rows = [{"instruction": "How long can I return an item?", "output": answer} for answer in answers]
    (folder / "tickets.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    curate(folder, monkeypatch)
    first, second = open_run(folder / "out").queue.keys
    assert "unfilled_placeholder" in second.checks
    ana = Browser(site)
    ana.open(f"/review/out?row={first.name}")
    ana.press("drop")
    assert row_on(ana.page) == second.name and "settled" not in ana.page
    ana.press("drop")
    assert "All 2 records are decided" in ana.page


def test_a_skip_passes_the_pair_as_a_whole(ana: Browser, queue: Queue) -> None:
    first, second = two(queue)
    ana.open(f"/review/out?kind=contradiction&row={first.name}")
    ana.press("skip")
    assert not {first.name, second.name} & set(sides_on(ana.page))
    assert "2 skipped" in ana.page


def test_whoever_decides_on_one_side_is_told_when_somebody_decided_on_the_other(
    ana: Browser, ben: Browser, folder: Path, queue: Queue
) -> None:
    first, second = two(queue)
    address = f"/review/out?kind=contradiction&row={first.name}"
    stale = ana.open(address)
    ben.open(address)
    by_mouse(ben, second.name, "drop")
    page = ana.send({"decision": "drop"}, page=stale)
    assert ana.status == 409 and "Side 2: ben dropped this at" in page and "drop side 1" in page
    assert {subject.record_id for subject in held(folder)} == {second.record_id}
    ana.press("drop")
    assert {review.who for review in held(folder).values()} == {"ana", "ben"}


@pytest.fixture
def three(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Key]:
    rows = [("How long can I return an item?", f"You have {days} days to return it.") for days in (30, 14, 60)]
    rows += [(f"Where is shop {n}?", f"In street {n}, beside the {word}.") for n, word in enumerate(("mill", "inn"))]
    lines = [json.dumps({"instruction": asked, "output": answer}) + "\n" for asked, answer in rows]
    (folder / "tickets.jsonl").write_text("".join(lines), encoding="utf-8")
    curate(folder, monkeypatch)
    keys = of_kind(open_run(folder / "out").queue.keys, "contradiction")
    assert len(keys) == 3 and len({key.case for key in keys}) == 1
    return keys


def test_three_that_contradict_one_another_are_one_screen(three: list[Key], ana: Browser, folder: Path) -> None:
    page = ana.open("/review/out?kind=contradiction")
    assert sides_on(page) == [key.name for key in three]
    assert {f'<mark class="hit">{days}' for days in ("30", "14", "60")} <= set(
        re.findall(r'<mark class="hit">\d+', page)
    )
    assert "1 group, 3 records" in page
    by_mouse(ana, three[1].name, "drop")
    assert row_on(ana.page) == three[0].name, "two are left, and still say different things"
    ana.press("drop")
    assert "All 3 records are decided" in ana.page
    page = ana.open(f"/review/out?kind=contradiction&row={three[2].name}")
    assert "Settled" in page
    assert {subject.record_id for subject in held(folder)} == {three[0].record_id, three[1].record_id}


def test_an_edited_side_takes_its_old_text_out_of_the_pair(ana: Browser, folder: Path, queue: Queue) -> None:
    first, second = two(queue)
    ana.open(f"/review/out?kind=contradiction&row={first.name}&side={second.name}&edit=1")
    last = len(queue.item(second).record.messages) - 1
    ana.press("edit", **{f"text-{last}": "Rewritten by a person."})
    assert first.name not in sides_on(ana.page)
    assert "Settled" in ana.open(f"/review/out?kind=contradiction&row={first.name}")


def test_a_page_that_comes_after_a_record_that_is_gone_shows_the_next(ana: Browser) -> None:
    ana.open("/review/out?kind=contradiction&after=gone")
    assert ana.status == 200 and row_on(ana.page)


def test_the_numbers_of_the_tabs_add_up_and_are_of_what_waits(ana: Browser, queue: Queue) -> None:
    def numbers() -> dict[str, int]:
        page = ana.open("/review/out")
        found = re.findall(r'<a class="tab"[^>]*>([^<]+?) <span class="soft">([\d,]+)</span>', page)
        return {name: int(number.replace(",", "")) for name, number in found}

    before = numbers()
    assert before["All"] == sum(number for name, number in before.items() if name != "All")
    settled = [key for key in queue.keys if key.settled]
    duplicates = [key for key in queue.keys if key.kind == "duplicate" and not key.settled]
    assert settled and before.get(KINDS["duplicate"], 0) == len({key.case for key in duplicates})
    first, second = two(queue)
    ana.open(f"/review/out?kind=contradiction&row={first.name}")
    by_mouse(ana, second.name, "drop")
    after = numbers()
    assert after[KINDS["contradiction"]] == before[KINDS["contradiction"]] - 1 and after["All"] == before["All"] - 1


def test_pairs_and_records_are_said_together_on_every_page_and_fall(ana: Browser, queue: Queue) -> None:
    keys = of_kind(queue.keys, "contradiction")
    cases = len({key.case for key in keys})
    noun = "pairs" if {key.size for key in keys} == {2} else "groups"
    words = f"{cases} {noun}, {len(keys)} records"
    pages = ("/", "/review", "/review/out?kind=contradiction", "/review/out/progress")
    for address in pages:
        assert words in ana.open(address), address
    first, second = two(queue)
    ana.open(f"/review/out?kind=contradiction&row={first.name}")
    by_mouse(ana, second.name, "drop")
    left = f"{cases - 1} {noun}, {len(keys) - 2} records"
    for address in pages:
        assert left in ana.open(address), address
    total = re.search(r"(Decide: [\d,]+ cases, [\d,]+ records left)", ana.open("/"))
    assert total is not None and total.group(1) in ana.open("/data/out")


def test_the_journal_is_named_as_seen_from_the_project(ana: Browser, folder: Path, site: Site) -> None:
    inside = Site(site.store, folder / ".assay" / "reviews.jsonl", folder, site.folders, who="ana")
    browser = Browser(inside)
    browser.open("/review/out")
    browser.press("keep")
    assert '<span class="place">.assay/reviews.jsonl</span>' in browser.page
    assert '<span class="place">.assay/reviews.jsonl</span>' in browser.open("/")


def test_a_saved_page_says_of_which_run_and_tab_it_is(site: Site) -> None:
    from assay.web.single_file import single_file

    saved = single_file(site, "/review/out?kind=contradiction")
    assert "Review</span> / out / Contradictions" in saved
    assert re.search(r'class="tab" aria-current="true">Contradictions', saved)


def test_on_the_page_of_a_record_stand_the_reason_and_the_undo(ana: Browser, folder: Path, queue: Queue) -> None:
    key = of_kind(queue.keys, "held")[0]
    ana.open(f"/review/out?row={key.name}")
    ana.send({"because": "2"}, note="see the guide")
    page = ana.open(f"/data/out/record/{quote(key.name)}")
    notice = re.search(r'<div class="notice row">.*?</div>', page, re.DOTALL)
    assert notice is not None
    assert "(out of date: see the guide)" in notice.group() and "when the data is curated again" in notice.group()
    ana.send({}, "undo")
    assert not held(folder) and "Taken back." in ana.page and f"/record/{quote(key.name)}" in str(ana.page)


def test_what_curate_has_done_is_not_said_to_be_still_to_come(
    ana: Browser, folder: Path, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = of_kind(queue.keys, "held")[0]
    ana.open(f"/review/out?row={key.name}")
    ana.press("drop")
    curate(folder, monkeypatch)
    page = ana.open(f"/data/out/record/{quote(key.name)}")
    assert "This run has it already." in page and "when the data is curated again" not in page
    for address in ("/", "/data/out"):
        assert "curate would" not in ana.open(address) and "curate dropped" in ana.page

"""The queue as a file without texts: no word of a record, an edit, a note or a name, and yet what was decided."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from assay.cli import main
from assay.dataset import Dataset
from assay.reviews.journal import append, read_reviews
from assay.reviews.opened import open_run
from assay.reviews.queue import of_kind
from assay.reviews.review import SECOND_READING, Review, Subject, Verdict
from assay.runs import RunStore
from assay.web.redaction import texts_of
from assay.web.single_file import redacted_file, single_file
from assay.web.site import Site

from .curated import curate
from .pressing import Browser
from .test_review_generated import browser, record

__all__ = ["browser"]

PARCELS = ("quokka", "vellum", "zephyr", "marzipan", "gazebo", "tundra", "kumquat", "obsidian")


def ask(word: str, answer: str, **more: object) -> dict[str, object]:
    turns = [("system", f"Wexford{word} desk."), ("user", f"Wherefore {word} parcelz?"), ("assistant", answer)]
    return {"messages": [{"role": role, "content": text} for role, text in turns], **more}


@pytest.fixture
def out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Records of words that no page of ours has: two contradictions, a duplicate, a placeholder, some to read."""
    rows = [
        ask("quokka", "Thirtyquux: 30 dayz are gyven, sayeth Ottilie.", slice="refundz"),
        ask("quokka", "Thirtyquux: 14 dayz are gyven, sayeth Ottilie.", slice="refundz"),
        ask("vellum", "Yea, thou canst returneth yonder vellum."),
        ask("vellum", "Nay, thou canst not returneth yonder vellum."),
        ask("zephyr", "Deer {{customernaym}}, hold thy zephyr."),
        *[ask(word, f"Beholde yon {word} inne ye {word}shoppe, hight {word}ton.") for word in PARCELS[3:]],
    ]
    (folder / "tickets.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    curate(folder, monkeypatch)
    return folder


@pytest.fixture
def site(out: Path) -> Site:
    """With decisions of every sort: notes, an edit, a name and a second reading."""
    site = Site(RunStore(out / ".assay"), out / "reviews.jsonl", out, {"out": out / "out"}, who="Bartholomeow")
    ana = Browser(site)
    keys = of_kind(open_run(out / "out").queue.keys, "")
    [first, *_] = of_kind(keys, "contradiction")
    held = of_kind(keys, "held")[0]
    ana.open(f"/review/out?row={first.name}")
    ana.send({"because": "2"}, note="Ottilie sayeth otherwyse in the almanack")
    ana.open(f"/review/out?row={held.name}&edit=1")
    ana.press("edit", **{"text-2": "Rewritten quoth Ottilie Quennerstedt.", "note": "placeholdre remaineth"})
    read = of_kind(keys, "to_read")
    for key, word in zip(read, ("keep", "drop", "keep", "drop"), strict=False):
        ana.open(f"/review/out?row={key.name}")
        ana.press(word)
    said = [(key, verdict) for key, verdict in zip(read, (Verdict.RIGHT, Verdict.WRONG, Verdict.WRONG), strict=False)]
    append(
        site.journal,
        [Review(Subject(k.record_id, SECOND_READING), v, "Zedekiah", "2026-01-01T00:00:00Z") for k, v in said],
    )
    return site


def words_in(texts: list[str]) -> set[str]:
    return {word.lower() for text in texts for word in re.findall(r"[^\W_]+", text) if len(word) > 2}


PAGES = ("", "?kind=contradiction", "?kind=held", "?kind=to_read", "/progress")


def test_no_word_of_a_record_an_edit_a_note_or_a_name_is_in_the_file(site: Site, out: Path) -> None:
    texts = [
        message.content or ""
        for name in ("data", "held", "dropped")
        for made in Dataset.read_parquet(out / "out" / f"{name}.parquet").records()
        for message in made.messages
    ]
    reviews = read_reviews(site.journal)
    texts += [message.content or "" for review in reviews for message in review.messages]
    typed = [review.note.partition(": ")[2] or review.note for review in reviews]
    words = words_in([*texts, "Ottilie sayeth otherwyse almanack placeholdre remaineth Bartholomeow Zedekiah refundz"])
    words -= {"are", "not", "hold", "the", "yon"}  # words of ours
    assert len(words) > 40 and "almanack" in " ".join(typed)
    first = next(iter(of_kind(open_run(out / "out").queue.keys, "contradiction")))
    for page in (*PAGES, f"?row={first.name}", f"/group?row={first.name}&way=drop"):
        html = redacted_file(site, f"/review/out{page}", "out")
        there = set(re.findall(r"[^\W_]+", re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL).lower()))
        assert not words & there, page
    plain = single_file(site, f"/review/out?row={first.name}").lower()
    assert "thirtyquux" in plain, "without --redact the texts are there: the test can fail"


def test_it_says_what_was_found_and_decided(site: Site, out: Path) -> None:
    html = redacted_file(site, "/review/out", "out")
    keys = open_run(out / "out").queue.keys
    assert all(key.record_id in html for key in keys if not key.settled)
    for said in ("contradiction, number", "out of date, and own words", "own words", "tickets.jsonl:1", "human, train"):
        assert said in html, said
    assert "reader 1 and reader 2 agree on 67% of 3 records that both read; Cohen&#39;s kappa" in html
    assert "95 % interval" in html and "2 of 4 read" in html
    assert ">repair<" in html and ">settled<" in html
    lengths = [
        len(message.content or "")
        for made in Dataset.read_parquet(out / "out" / "held.parquet").records()
        for message in made.messages
        if message.role == "assistant"
    ]
    assert all(f'<td class="number">{length}</td>' in html for length in lengths)


def test_the_command_writes_it(site: Site, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(out)
    with pytest.raises(SystemExit) as ended:
        main(["report", "out", "--page", "review", "--redact", "-o", "file.html"])
    assert ended.value.code == 0
    html = (out / "file.html").read_text(encoding="utf-8")
    assert "What was found and decided" in html and "<form" not in html and "href=" not in html


def test_what_people_wrote_is_looked_for_in_every_page_without_texts(site: Site) -> None:
    texts = list(texts_of(site, "out"))
    assert "Rewritten quoth Ottilie Quennerstedt." in texts
    assert any("almanack" in text for text in texts)


def test_a_generated_set_has_its_rate_and_no_text(browser: Browser, tmp_path: Path) -> None:
    browser.open("/review/more")
    browser.press("keep")
    browser.press("drop", note="utterly marzipan")
    site = Site(RunStore(tmp_path / ".assay"), tmp_path / "reviews.jsonl", tmp_path, {"more": tmp_path / "more"})
    html = redacted_file(site, "/review/more", "more")
    assert "2 read, 1 rejected" in html and "human" not in html and "synthetic, paraphrase" in html
    for word in ("parcel", "depot", "monday", "marzipan", "guide"):
        assert word not in html.lower(), word


def test_what_a_file_says_of_the_method_of_a_record_may_be_a_text(browser: Browser, tmp_path: Path) -> None:
    made = record(1, "What?", "That.", synth={"method": "Ottilie wrote it on Tuesday"})
    Dataset.from_records([made]).write_parquet(tmp_path / "more" / "accepted.parquet")
    site = Site(RunStore(tmp_path / ".assay"), tmp_path / "reviews.jsonl", tmp_path, {"more": tmp_path / "more"})
    assert "Ottilie" not in redacted_file(site, "/review/more", "more")

"""What is pressed is what the journal says and what the next `curate` does; nothing is lost or replaced unasked."""

from __future__ import annotations

import html
import re
from itertools import pairwise
from pathlib import Path

import pytest

from assay.dataset import Dataset
from assay.records import Message, Record, Source, record_id, row_id
from assay.reviews.journal import append, read_reviews
from assay.reviews.opened import open_run
from assay.reviews.queue import KINDS, Queue, states_of
from assay.reviews.review import READING, Review, Subject, Verdict, readings
from assay.reviews.standing import Standing
from assay.runs import RunStore
from assay.web.single_file import single_file
from assay.web.site import Site

from .curated import curate
from .pressing import Browser, form_of, held, of, row_on


@pytest.mark.parametrize("kind", ["", *list(KINDS)[:5], "cut_off_answer", "nothing_of_this_name"])
def test_every_kind_has_a_page_and_can_be_saved_as_one_file(ana: Browser, site: Site, kind: str) -> None:
    page = ana.open(f"/review/out?kind={kind}")
    assert ana.status == 200 and "Contradictions" in page
    saved = single_file(site, f"/review/out?kind={kind}")
    assert "<form" not in saved and "href=" not in saved.replace('href="#', "")


def test_the_clash_of_a_contradiction_is_marked_on_both_sides(ana: Browser) -> None:
    page = ana.open("/review/out?kind=contradiction")
    words = re.search(r"'([^']+)' against '([^']+)'", html.unescape(page))
    assert words is not None
    assert {f'<mark class="hit">{word}</mark>' for word in words.groups()} <= set(re.findall(r"<mark.*?</mark>", page))


def test_what_clashes_is_quoted_to_the_end_of_a_word(queue: Queue) -> None:
    cut = 0
    for key in of(queue, "contradiction"):
        answers = [side.item.record.answer for side in queue.sides(key)]
        for fact in (fact for side in queue.sides(key) for fact in side.item.facts):
            quoted = re.fullmatch(r"contradiction: \w+: '(.*)' against '(.*)' at .*", fact)
            for text in quoted.groups() if quoted is not None else ():
                cut += text.endswith("…")
                first = re.escape(text.removesuffix("…"))
                within = [answer for answer in answers if re.search(first, answer)]
                assert all(re.search(rf"{first}(?!\w)", answer) for answer in within), text
    assert cut > 0


def test_a_dropped_copy_stands_beside_what_was_kept_with_the_words_that_differ(ana: Browser, queue: Queue) -> None:
    settled = next(key for key in of(queue, "duplicate") if key.settled)
    page = ana.open(f"/review/out?kind=duplicate&row={settled.name}")
    assert 'class="added"' in page or 'class="removed"' in page
    assert "kept" in page
    assert settled.name not in ana.open("/review/out")


def test_each_press_is_in_the_journal_and_the_next_one_is_shown(ana: Browser, folder: Path, queue: Queue) -> None:
    page = ana.open("/review/out?kind=contradiction")
    key = of(queue, "contradiction")[0]
    for button, verdict, note in (
        ({"decision": "keep"}, Verdict.KEEP, ""),
        ({"decision": "drop"}, Verdict.DROP, "my own words"),
        ({"because": "2"}, Verdict.DROP, "out of date"),
        ({"because": "1"}, Verdict.DROP, "wrong fact: see the guide"),
    ):
        assert row_on(page) == key.name
        typed = {"note": note.partition(": ")[2] if "because" in button else note}
        page = ana.send(button, **typed)
        own = [review for subject, review in held(folder).items() if subject.record_id == key.record_id]
        assert {(review.verdict, review.note, review.who) for review in own} == {(verdict, note, "ana")}
        assert {review.subject for review in own} == set(queue.subjects(key))
        states = states_of(queue, Standing.of(read_reviews(folder / "reviews.jsonl")))
        key = next(other for other in of(queue, "contradiction") if other.name not in states.decided)
    assert row_on(page) == key.name and "You dropped" in page


def test_what_was_decided_in_the_browser_holds_in_the_next_version_of_the_data(
    ana: Browser, folder: Path, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, dropped, edited = of(queue, "held")[0], of(queue, "contradiction")[0], of(queue, "held")[1]
    copy = next(key for key in of(queue, "duplicate") if key.settled)
    relabelled = next(key for key in of(queue, "label") if queue.item(key).suggestion is not None)
    suggestion = queue.item(relabelled).suggestion
    for key, word in ((kept, "keep"), (dropped, "drop"), (copy, "keep")):
        ana.open(f"/review/out?row={key.name}")
        ana.press(word)
    ana.open(f"/review/out?row={relabelled.name}&edit=label")
    ana.press("edit")
    ana.open(f"/review/out?row={edited.name}&edit=1")
    last = len(queue.item(edited).record.messages) - 1
    ana.press("edit", **{f"text-{last}": 'A new answer,\r\nwritten by "Ana" <b>herself</b>.'})
    lines = (folder / "tickets.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "tickets.jsonl").write_text("".join([*lines[300:], *lines[:300]]), encoding="utf-8")
    curate(folder, monkeypatch)
    data = list(Dataset.read_parquet(folder / "out" / "data.parquet").records())
    ids = {record.id for record in data}
    assert {kept.record_id, copy.record_id} <= ids and dropped.record_id not in ids
    assert any(record.answer == 'A new answer,\nwritten by "Ana" <b>herself</b>.' for record in data)
    everything = [*data, *Dataset.read_parquet(folder / "out" / "held.parquet").records()]
    assert suggestion is not None and suggestion.answer in {record.answer for record in everything}
    assert relabelled.record_id not in {record.id for record in everything}


def test_a_label_beside_other_fields_is_stored_only_after_the_whole_answer_was_shown(
    ana: Browser, folder: Path, queue: Queue
) -> None:
    key = next(key for key in of(queue, "label") if queue.item(key).suggestion is not None)
    item = queue.item(key)
    assert item.suggestion is not None and '"action"' in item.suggestion.answer
    page = ana.open(f"/review/out?row={key.name}")
    link = re.search(r'href="([^"]+)" data-key="l"', page)
    assert link is not None and 'value="relabel"' not in page
    ana.press("relabel")  # as an old page would send it
    assert ana.status == 422 and "More than the label stands in the answer" in ana.page and not held(folder)
    ana.open(html.unescape(link.group(1)))
    assert "Nothing is stored yet" in ana.page and not held(folder)
    _, fields = form_of(ana.page, "decide")
    assert fields[f"text-{item.record.last_assistant_index}"] == item.suggestion.answer
    ana.press("edit")
    (review,) = [review for subject, review in held(folder).items() if subject.record_id == key.record_id]
    assert review.verdict is Verdict.REPAIR and review.messages[-1].content == item.suggestion.answer


def test_an_edit_that_is_empty_or_changes_nothing_is_refused_in_words(ana: Browser, folder: Path, queue: Queue) -> None:
    key = of(queue, "held")[0]
    address = f"/review/out?row={key.name}&edit=1"
    ana.open(address)
    assert "no turn was changed" in ana.press("edit") and ana.status == 422
    ana.open(address)
    assert "is empty" in ana.press("edit", **{"text-1": " \r\n "}) and ana.status == 422
    assert "Save the edit" in ana.page  # what was typed is still there
    assert not held(folder)


def test_characters_that_cannot_be_seen_survive_an_edit(ana: Browser, folder: Path) -> None:
    (folder / "tickets.jsonl").write_text(
        '{"instruction": "Say {{it}}", "output": "one\\u202etwo\\r\\nthree\\u0000"}\n', encoding="utf-8"
    )
    with pytest.MonkeyPatch.context() as patch:
        curate(folder, patch)
    row = open_run(folder / "out").queue.keys[0].name
    page = ana.open(f"/review/out?row={row}&edit=1")
    assert "⟨U+202E⟩" in page and "\u202e" not in page
    text = form_of(page, "decide")[1]["text-1"].replace("\n", "\r\n")
    ana.press("edit", **{"text-0": "Say it", "text-1": text.replace("three", "four")})
    [review] = held(folder).values()
    assert [message.content for message in review.messages] == ["Say it", "one\u202etwo\r\nfour\x00"]


def test_undo_after_a_reload_takes_back_this_browsers_last_decision(ana: Browser, ben: Browser, folder: Path) -> None:
    first = row_on(ana.open("/review/out"))
    ana.press("drop")
    ben.open("/review/out?kind=to_read")
    ben.press("keep")
    ana.open("/review/out")
    assert row_on(ana.undo()) == first
    assert [review.who for review in held(folder).values()] == ["ben"]
    ana.open("/review/out")
    assert "Nothing of this run to take back" in ana.undo()
    ana.open("/review/out")
    assert len(held(folder)) == 1


def test_undo_takes_back_nothing_of_another_run(folder: Path, tmp_path: Path) -> None:
    messages = (Message("user", "Where is my red parcel?"), Message("assistant", "It left the depot on Monday."))
    made = Record(record_id(messages), row_id("file", 1), messages, Source("seeds.jsonl", 1, 0), origin="synthetic")
    Dataset.from_records([made]).write_parquet(folder / "more" / "accepted.parquet")
    runs = {"out": folder / "out", "more": folder / "more"}
    browser = Browser(Site(RunStore(folder / ".assay"), folder / "reviews.jsonl", folder, runs, who="ana"))
    pair = next(key.name for key in open_run(folder / "out").queue.keys if key.kind == "contradiction")
    browser.open(f"/review/out/group?row={pair}&way=drop")
    browser.send({}, "group")
    before = held(folder)
    assert len(before) >= 2 and re.search(r"You dropped records \w+ and \w+", browser.page)
    browser.open("/review/more")
    assert "You dropped" not in browser.page
    assert "Nothing of this run to take back" in browser.undo() and held(folder) == before
    browser.open("/review/more")
    browser.press("keep")
    assert len(held(folder)) == len(before) + 1
    browser.open("/review/out")
    assert re.search(r"Taken back: you had dropped records \w+ and \w+", browser.undo())
    assert {subject.record_id for subject in held(folder)} == {made.id}
    browser.open("/review/more")
    assert f"Taken back: you had found record {made.id} right" in browser.undo() and not held(folder)


def test_what_was_taken_back_is_said_also_of_a_record_that_waits_for_nobody(ana: Browser, folder: Path) -> None:
    record = next(iter(Dataset.read_parquet(folder / "out" / "data.parquet").records()))
    ana.open(f"/review/out?row={record.row_id}")
    ana.press("drop")
    ana.open("/review/out")
    assert "Taken back: you had dropped record" in ana.undo()


def test_undo_leaves_what_somebody_else_has_said_of_it_since(ana: Browser, ben: Browser, folder: Path) -> None:
    ana.open("/review/out?kind=to_read")
    ana.press("keep")
    row = row_on(ana.page)
    ana.press("keep")
    ben.open(f"/review/out?row={row}")
    assert "ana found this right at" in ben.page
    ben.press("drop")
    ana.open("/review/out")
    page = ana.undo()
    assert ana.status == 409 and "ben found this wrong at" in page
    assert sorted(readings(read_reviews(folder / "reviews.jsonl")).values()) == [False, True]
    ana.send({}, "undo")  # the one before
    assert list(readings(read_reviews(folder / "reviews.jsonl")).values()) == [False]


def test_a_stale_tab_replaces_nothing_unasked_and_loses_nothing(ana: Browser, ben: Browser, folder: Path) -> None:
    row = row_on(ana.open("/review/out?kind=contradiction"))
    stale = ben.open(f"/review/out?kind=contradiction&row={row}")
    ana.press("keep")
    page = ben.send({"decision": "drop"}, page=stale, note="outdated")
    assert ben.status == 409 and "ana kept this at" in page and "drop side 1 (outdated)" in page
    assert {review.who for review in held(folder).values()} == {"ana"}
    ben.press("drop")
    assert {(review.who, review.note) for review in held(folder).values()} == {("ben", "outdated")}
    ben.open("/review/out")
    ben.undo()
    assert {(review.who, review.verdict) for review in held(folder).values()} == {("ana", Verdict.KEEP)}


def test_an_edit_from_a_stale_tab_keeps_what_was_typed(ana: Browser, ben: Browser, folder: Path, queue: Queue) -> None:
    row = of(queue, "held")[0].name
    stale = ben.open(f"/review/out?row={row}&edit=1")
    ana.open(f"/review/out?row={row}")
    ana.press("drop")
    ben.send({"decision": "edit"}, page=stale, **{"text-1": "typed for an hour"})
    assert ben.status == 409
    ben.press("edit")
    [review] = held(folder).values()
    assert (review.who, review.verdict, review.messages[1].content) == ("ben", Verdict.REPAIR, "typed for an hour")


def test_a_form_sent_twice_is_one_decision(ana: Browser, folder: Path) -> None:
    page = ana.open("/review/out")
    ana.press("drop")
    ana.send({"decision": "drop"}, page=page)
    assert ana.status == 200
    steps = [review.shown["step"] for review in read_reviews(folder / "reviews.jsonl")]  # type: ignore[index, call-overload]
    assert len(set(steps)) == 1


def test_a_group_is_decided_at_once_after_it_was_said_how_many(ana: Browser, folder: Path, queue: Queue) -> None:
    pair = of(queue, "contradiction")
    first, other = next((one, two) for one, two in pairwise(pair) if one.group == two.group)
    ana.open(f"/review/out/group?row={first.name}&way=first")
    assert "Keep this one, and drop the other?" in ana.page and not held(folder)
    for key in (first, other):
        assert key.record_id in ana.page and str(queue.item(key).record.source) in ana.page
    ana.send({}, "group", note="the newer price")
    assert re.search(rf"You dropped record {other.record_id} .* and kept record {first.record_id}", ana.page)
    said = {subject.record_id: review.verdict for subject, review in held(folder).items()}
    assert said == {first.record_id: Verdict.KEEP, other.record_id: Verdict.DROP}
    ana.undo()
    assert not held(folder)


def test_a_group_of_which_one_was_decided_meanwhile_is_asked_about_again(
    ana: Browser, ben: Browser, folder: Path, queue: Queue
) -> None:
    pair = of(queue, "contradiction")
    first, other = next((one, two) for one, two in pairwise(pair) if one.group == two.group)
    ana.open(f"/review/out/group?row={first.name}&way=drop")
    ben.open(f"/review/out?row={other.name}")
    ben.press("keep")
    ana.send({}, "group")
    assert ana.status == 409 and "look again" in ana.page
    assert {review.who for review in held(folder).values()} == {"ben"}


def test_skipped_ones_come_last(ana: Browser, queue: Queue) -> None:
    keys = of(queue, "label")
    ana.open("/review/out?kind=label")
    seen = []
    for word in ("skip", "keep", "keep"):
        seen.append(row_on(ana.page))
        ana.press(word)
    assert row_on(ana.page) == seen[0]
    ana.press("drop")
    assert "All 3 records are decided" in ana.page and len(keys) == 3


def test_a_second_reading_is_blind_and_agreement_is_shown(
    ana: Browser, ben: Browser, folder: Path, queue: Queue
) -> None:
    ana.open("/review/out?kind=to_read")
    for word in ("keep", "drop", "keep", "keep", "drop"):
        ana.press(word, note="secret reason")
    assert "5 were decided by others" in ben.open("/review/out/progress")
    page = ben.open("/review/out?second=1")
    for word in ("drop", "drop", "keep", "keep", "keep"):
        assert "secret reason" not in page and "ana" not in page and "Another decision" not in page
        page = ben.press(word)
    assert "Nothing is left to be read a second time" in page
    said = readings(read_reviews(folder / "reviews.jsonl"))
    assert sorted(said.values()) == [False, False, True, True, True]
    page = html.unescape(ben.open("/review/out/progress"))
    assert re.search(r"ana and ben agree on \d+% of 5 records that both read; Cohen's kappa -?\d\.\d\d", page)
    assert ("What they disagree on" in page) == ("100%" not in page)
    assert "nothing that others decided" in page.lower()


def test_where_all_are_in_one_class_the_page_says_that_kappa_is_not_defined(ana: Browser, ben: Browser) -> None:
    ana.open("/review/out?kind=to_read")
    ana.press("keep")
    ben.open("/review/out?second=1")
    ben.press("keep")
    assert "kappa is not defined" in ben.open("/review/out/progress")


def test_the_error_rate_has_its_interval(ana: Browser) -> None:
    ana.open("/review/out?kind=to_read")
    for word in ("keep", "drop", "keep", "keep"):
        ana.press(word)
    assert "25.0% is wrong (95 % interval 0.6% to 80.6%; 1 of 4 read" in ana.page


def test_any_record_can_be_dropped_though_nothing_waits(ana: Browser, folder: Path) -> None:
    record = next(iter(Dataset.read_parquet(folder / "out" / "data.parquet").records()))
    page = ana.open(f"/review/out?row={record.row_id}")
    assert "Drop" in page
    ana.press("drop")
    assert Subject(record.id) in held(folder) or Subject(record.id, READING) in held(folder)


def test_text_of_a_record_is_never_interpreted(ana: Browser, folder: Path) -> None:
    hostile = "<script>alert(1)</script>{{ 7*7 }}<img src=x onerror=alert(1)></textarea></form> {{name}}"
    row = {"instruction": hostile, "output": hostile}
    import json

    (folder / "tickets.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        curate(folder, patch)
    name = open_run(folder / "out").queue.keys[0].name
    for more in ("", "&edit=1", "&whole=1"):
        page = ana.open(f"/review/out?row={name}{more}")
        assert "<script>alert" not in page and "<img" not in page and ">49<" not in page
    ana.press("drop", note=hostile)
    assert "<img" not in ana.open(f"/review/out?row={name}") and "<img" not in ana.open("/review/out/progress")


@pytest.mark.parametrize("row", ["../../x", "nowhere", "%00", "a" * 5000])
def test_a_row_that_is_not_there_is_said(ana: Browser, row: str) -> None:
    ana.open(f"/review/out?row={row}")
    assert ana.status == 404


def test_what_another_process_decides_is_not_offered_any_more(ana: Browser, folder: Path, queue: Queue) -> None:
    first, second, *_ = of(queue, "to_read")
    append(folder / "reviews.jsonl", [Review(subject, Verdict.RIGHT, "cem") for subject in queue.subjects(first)])
    assert row_on(ana.open("/review/out?kind=to_read")) == second.name


def test_a_run_of_an_older_version_without_the_dropped_records_says_where_they_are(ana: Browser, folder: Path) -> None:
    (folder / "out" / "dropped.parquet").unlink()
    page = ana.open("/review/out?kind=duplicate&row=" + _settled(folder))
    assert ana.status == 200 and "did not keep its text: it is at tickets.jsonl:" in page


def _settled(folder: Path) -> str:
    return next(key.name for key in open_run(folder / "out").queue.keys if key.settled)


def test_what_was_just_decided_is_said_with_where_it_is_kept_and_the_other_side_shows_it(ana: Browser) -> None:
    ana.open("/review/out?kind=contradiction")
    ana.press("drop", note="out of date")
    assert "You dropped record" in ana.page and "(out of date)" in ana.page
    assert "reviews.jsonl" in ana.page and "the next <code>assay curate</code> applies it" in ana.page
    link = re.search(r'unless you <a href="([^"]+)">', ana.page)
    assert link is not None
    ana.open(html.unescape(link.group(1)))
    assert re.search(r"ana dropped this at [0-9:]+ UTC \(out of date\)", ana.page), "the partner is shown as decided"
    ana.undo()
    assert re.search(r"Taken back: you had dropped record \w+ \(out of date\)\. Nothing is decided", ana.page)
    assert "You dropped record" not in ana.page


def test_the_runs_that_can_be_reviewed_say_how_much_waits(ana: Browser) -> None:
    page = ana.open("/review")
    assert "opened folder" in page and "contradictions" in page

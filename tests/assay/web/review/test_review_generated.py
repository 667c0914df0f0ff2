"""What synth accepted, in reading order, beside its seed and the passage it quotes, with the error rate of the set."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.dataset import Dataset
from assay.records import Message, Record, Source, record_id, row_id
from assay.reviews.journal import read_reviews
from assay.reviews.review import Verdict, latest, readings
from assay.reviews.sample import reading_order
from assay.runs import RunStore
from assay.web.site import Site

from .pressing import Browser, row_on


def record(number: int, question: str, answer: str, **more: object) -> Record:
    messages = (Message("user", question), Message("assistant", answer))
    made = Record(record_id(messages), row_id("file", number), messages, Source("seeds.jsonl", number + 1, number))
    parents, meta = more.get("parents", ()), {"synth": more["synth"]} if "synth" in more else {}
    return Record(
        made.id,
        made.row_id,
        messages,
        made.source,
        origin="synthetic" if meta else "human",
        parents=parents,
        meta=meta,  # type: ignore[arg-type]
    )


SEED = record(0, "Where is my blue parcel today?", "It left the depot on Monday.")
QUOTE = {"location": "guide.md, Returns", "start": 10, "end": 31, "quote": "Parcels take 3 days"}


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    """70 generated records in the folder `more`; `synth.require_acceptance` stays as it is, at 0.95."""
    made = [
        record(
            number,
            f"Where is my red parcel {number} today?",
            f"Parcels take 3 days, so {number}." if number == 7 else f"It left the depot on Monday, {number}.",
            parents=(SEED.id,),
            synth={"method": "paraphrase", "model": "m-1", "checks": ["template"], "sources": [QUOTE]},
        )
        for number in range(70)
    ]
    Dataset.from_records(made).write_parquet(tmp_path / "more" / "accepted.parquet")
    Dataset.from_records([SEED]).write_parquet(tmp_path / "more" / "seeds.parquet")
    store = RunStore(tmp_path / ".assay")
    return Browser(Site(store, tmp_path / "reviews.jsonl", tmp_path, {"more": tmp_path / "more"}, who="ana"))


def order(folder: Path) -> list[str]:
    records = list(Dataset.read_parquet(folder / "more" / "accepted.parquet").records())
    return [placed.record.id for placed in reading_order(records)]


def test_they_come_in_reading_order_also_after_a_look_ahead(browser: Browser, tmp_path: Path) -> None:
    first, second, third, *_ = order(tmp_path)
    assert row_on(browser.open("/review/more")) == first
    browser.open(f"/review/more?row={third}")
    browser.press("keep")
    assert row_on(browser.page) == first  # any beginning stands for the whole: what was passed over comes first
    browser.press("drop")
    assert row_on(browser.page) == second
    assert readings(read_reviews(tmp_path / "reviews.jsonl")) == {third: True, first: False}


def test_seed_and_source_stand_beside_it_with_what_differs_or_is_quoted(browser: Browser, tmp_path: Path) -> None:
    browser.open("/review/more")
    assert "seed, seeds.jsonl:1" in browser.page and "source, guide.md, Returns, characters 10 to 31" in browser.page
    assert '<mark class="added">red</mark>' in browser.page and '<mark class="removed">blue</mark>' in browser.page
    quoting = next(
        r for r in Dataset.read_parquet(tmp_path / "more" / "accepted.parquet").records() if "so 7" in r.answer
    )
    assert '<mark class="hit">Parcels take 3 days</mark>' in browser.open(f"/review/more?row={quoting.id}")


def test_the_error_rate_of_the_set_and_what_is_lacking_are_shown(browser: Browser, tmp_path: Path) -> None:
    assert "require_acceptance 0.95 needs 59 more reviews" in browser.open("/review/more")
    browser.press("keep")
    assert "1 read, 0 rejected" in browser.page and "needs 58 more reviews" in browser.page
    noted = [review.shown for review in read_reviews(tmp_path / "reviews.jsonl")]
    assert isinstance(noted[0], dict) and noted[0]["set"] == "more" and "stratum" in noted[0]


def test_an_edit_says_that_it_was_wrong_as_it_was_generated(browser: Browser, tmp_path: Path) -> None:
    first = order(tmp_path)[0]
    browser.open(f"/review/more?row={first}&edit=1")
    browser.press("edit", **{"text-1": "It is late."})
    path = tmp_path / "reviews.jsonl"
    assert readings(read_reviews(path)) == {first: False}
    assert {review.verdict for review in latest(read_reviews(path)).values()} == {Verdict.REPAIR, Verdict.WRONG}
    browser.undo()
    assert latest(read_reviews(path)) == {}


def test_an_answer_of_a_megabyte_is_shown_short_and_can_be_edited(browser: Browser, tmp_path: Path) -> None:
    long = record(99, "What?", "word " * 200_000, parents=(SEED.id,), synth={"method": "paraphrase"})
    Dataset.from_records([long]).write_parquet(tmp_path / "more" / "accepted.parquet")
    page = browser.open("/review/more")
    assert browser.status == 200 and len(page) < 30_000 and "characters …" in page
    assert len(browser.open(f"/review/more?row={long.id}&whole=1")) > 1_000_000
    browser.open(f"/review/more?row={long.id}&edit=1")
    browser.press("edit", **{"text-1": "word " * 199_999 + "end"})
    [edit] = [review for review in read_reviews(tmp_path / "reviews.jsonl") if review.messages]
    assert (edit.messages[-1].content or "").endswith("word end")

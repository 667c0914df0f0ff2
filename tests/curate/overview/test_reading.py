"""The sample is random, stays the same when the data moves, and its error rate covers the truth."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from assay.curate.overview.reading import Chosen, Reading, draw
from assay.curate.reviews.replay import REVIEWED, apply_edits
from assay.dataset import Dataset
from assay.findings import Finding, Severity
from assay.records import Message, Record, Source, record_id, row_id
from assay.reviews.review import READING, Review, Subject, Verdict

Make = Callable[..., Record]


def records(count: int) -> list[Record]:
    made = []
    for number in range(count):
        turns = (Message("user", f"Question {number}?"), Message("assistant", f"Answer {number}."))
        made.append(Record(record_id(turns), row_id("t", number), turns, Source("a", number, number)))
    return made


def read(
    rows: Sequence[Record],
    findings: Sequence[Finding] = (),
    reviews: Sequence[Review] = (),
    count: int = 20,
    strata: Callable[[Sequence[Record]], Sequence[str]] = lambda some: ["all"] * len(some),
    fates: Sequence[str] | None = None,
    before: dict[str, Record] | None = None,
) -> Reading:
    import pyarrow as pa

    data = Dataset.from_records(rows)
    column = pa.chunked_array([pa.array(fates or ["kept"] * len(rows))])
    return draw(data, column, findings, reviews, count, 3, strata, before)


def ids(reading: Reading) -> list[str]:
    return [chosen.record.id for chosen in reading.records]


def test_only_what_would_train_and_no_check_flagged_is_drawn() -> None:
    rows = records(6)
    findings = [
        Finding.about(rows[0], "c", Severity.WARNING, "m"),
        Finding.about(rows[1], "c", Severity.INFO, "a fact"),
    ]
    reading = read(rows, findings, fates=["kept", "kept", "held", "dropped", "repaired", "kept"])
    assert reading.frame == 3
    assert set(ids(reading)) == {rows[1].id, rows[4].id, rows[5].id}


def test_the_next_version_of_the_data_draws_the_same_records_as_far_as_they_are_there() -> None:
    rows = records(200)
    before = read(rows)
    random.Random(1).shuffle(rows)
    moved = [replace(record, row_id=row_id("b", index)) for index, record in enumerate(rows)]
    assert set(ids(read(moved))) == set(ids(before))
    gone = set(ids(before)[:5])
    fewer = read([record for record in moved if record.id not in gone])
    assert set(ids(before)) - gone <= set(ids(fewer))


def test_another_seed_draws_others_and_every_record_is_drawn_about_equally_often() -> None:
    import pyarrow as pa

    rows = records(100)
    data, fates = Dataset.from_records(rows), pa.chunked_array([pa.array(["kept"] * 100)])
    counts: Counter[str] = Counter()
    for seed in range(300):
        drawn = draw(data, fates, [], [], 20, seed, lambda some: ["all"] * len(some))
        counts.update(ids(drawn))
    assert len(counts) == 100
    assert min(counts.values()) > 30 and max(counts.values()) < 95  # 60 expected


def test_strata_are_drawn_in_proportion_and_small_ones_are_pooled() -> None:
    rows = records(200)
    name_of = {r.id: "large" if i < 120 else "middle" if i < 196 else f"tiny {i}" for i, r in enumerate(rows)}
    reading = read(rows, strata=lambda some: [name_of[record.id] for record in some])
    assert Counter(chosen.stratum for chosen in reading.records) == {"large": 12, "middle": 8}
    assert sum(reading.shares.values()) == pytest.approx(1)
    assert set(reading.shares) == {"large", "middle", "other"}


def test_unread_data_is_said_to_be_unread() -> None:
    reading = read(records(30))
    assert reading.error_rate() is None
    assert reading.sentence() == (
        "nobody has read this data: of 30 records that no check flagged, 0 of 20 drawn were read"
    )
    assert reading.to_json()["ci"] is None
    assert "no record is left" in read(records(1), fates=["held"]).sentence()


def test_what_readers_say_gives_the_error_rate_with_its_interval() -> None:
    rows = records(300)
    drawn = ids(read(rows))
    said = [Review(Subject(name, READING), Verdict.WRONG if i < 2 else Verdict.RIGHT) for i, name in enumerate(drawn)]
    dropped = [Finding.about(r, REVIEWED, Severity.ERROR, "m") for r in rows if r.id in drawn[:2]]
    fates = ["dropped" if record.id in drawn[:2] else "kept" for record in rows]
    reading = read(rows, dropped, said, fates=fates)
    assert (reading.frame, reading.read, reading.wrong, reading.unread) == (300, 20, 2, ())
    rate, interval = reading.error_rate() or pytest.fail("nothing was read")
    assert rate == pytest.approx(0.1)
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.0123, 0.317)  # 2 of 20, Clopper and Pearson
    assert "10.0% of the 300 records" in reading.sentence() and "all 20 drawn were read" in reading.sentence()


def test_a_record_that_a_reader_mended_counts_as_wrong_and_is_not_drawn_again() -> None:
    rows = records(50)
    mended = read(rows).records[0].record
    reviews = [
        Review(Subject(mended.id), Verdict.REPAIR, answer="Better."),
        Review(Subject(mended.id, READING), Verdict.WRONG),
    ]
    edited = apply_edits(Dataset.from_records(rows), reviews)
    reading = read(list(edited.data.records()), (), reviews, before=dict(edited.before))
    assert (reading.read, reading.wrong) == (1, 1)
    assert mended.row_id not in {chosen.record.row_id for chosen in reading.unread}


def test_strata_stand_for_their_share_however_many_of_them_were_read(make: Make) -> None:
    rows = [make("Q", str(number)) for number in range(10)]
    chosen = tuple(Chosen(record, "a" if i < 5 else "b") for i, record in enumerate(rows))
    said = {record.id: i >= 1 for i, record in enumerate(rows[:6])}  # of a 1 of 5 wrong, of b 0 of 1
    found = Reading(1000, chosen, {"a": 0.1, "b": 0.9}, said).error_rate()
    assert found is not None
    assert found[0] == pytest.approx(0.1 * 0.2)
    assert found[1].high > 0.8  # one reading stands for nine tenths of the data


def test_the_interval_covers_the_truth() -> None:
    rows = records(400)
    wrong = {record.id for record in rows[:40]}
    covered = 0
    for seed in range(200):
        order = list(rows)
        random.Random(seed).shuffle(order)
        chosen = tuple(Chosen(record, "all") for record in order[:60])
        said = {record.id: record.id not in wrong for record, _ in chosen}
        _, (low, high) = Reading(400, chosen, {"all": 1.0}, said).error_rate() or (0, (0, 0))
        covered += low <= 0.1 <= high
    assert covered >= 188  # at least 95 % expected

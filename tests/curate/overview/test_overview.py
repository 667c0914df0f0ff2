"""What the data consists of, what would most improve it, and the records behind each statement."""

from __future__ import annotations

import random
import string
from dataclasses import replace
from typing import Any

import pytest

from assay.curate.overview.overview import Overview, look_over
from assay.curate.settings import CurateSettings, ReadingSettings
from assay.curate.stage import audit
from assay.errors import SettingsError
from assay.findings import Severity
from assay.reviews.review import READING, Review, Subject, Verdict
from assay.sources.convert import as_dataset


def overview(rows: list[dict[str, Any]], **settings: Any) -> Overview:
    chosen = CurateSettings(**settings)
    audited = audit(as_dataset(rows), chosen)
    return look_over(audited.data, audited.decided.ledger.to_arrow(), audited.findings, audited.not_judged, chosen)


def tickets(counts: dict[str, int]) -> list[dict[str, Any]]:
    return [
        {"instruction": f"Message {label} number {n} of the customer w{n}{label}", "output": label}
        for label, count in counts.items()
        for n in range(count)
    ]


def texts(found: Overview) -> str:
    return "\n".join(item.sentence for item in found.improvements)


def test_labels_take_the_place_of_topics_and_empty_ones_are_named_with_what_is_missing() -> None:
    found = overview(tickets({"refund": 60, "delivery": 20, "warranty": 3}))
    composition = found.composition
    assert [(part.name, part.records) for part in composition.labels] == [
        ("refund", 60),
        ("delivery", 20),
        ("warranty", 3),
    ]
    assert composition.topics == () and composition.kind == "label"
    assert composition.effective == pytest.approx(2.009, abs=0.001)
    assert [part.name for part in composition.nearly_empty] == ["warranty"]
    assert "Add 7 records for 1 label with fewer than 10 each (warranty)." in texts(found)
    assert "60 of 83 records (72%) are of the largest, 20 of the middle one (refund)." in texts(found)


def test_every_statement_names_records_that_are_there() -> None:
    rows = [*tickets({"refund": 60, "delivery": 20}), {"instruction": "Why?", "output": ""}]
    chosen = CurateSettings()
    audited = audit(as_dataset(rows), chosen)
    found = look_over(audited.data, audited.decided.ledger.to_arrow(), audited.findings, audited.not_judged, chosen)
    known = set(audited.data.row_ids())
    body = found.to_json()
    linked = [row for item in body["improvements"] for row in item["row_ids"]]
    linked += [row for part in body["composition"]["labels"] for row in part["row_ids"]]
    assert linked and set(linked) <= known
    dropped = next(item for item in found.improvements if "empty_turn" in item.text)
    empty = {f.row_id for f in audited.findings if f.check == "empty_turn" and f.severity is Severity.ERROR}
    assert set(dropped.rows) == empty and dropped.anchor == "empty_turn"


def test_what_blocks_comes_first_and_then_what_concerns_most_records() -> None:
    found = overview(tickets({"refund": 20, "delivery": 20}), purpose="style")
    assert found.improvements[0].blocks is True or found.composition.usable >= 50
    rest = [item.records for item in found.improvements if not item.blocks]
    assert rest == sorted(rest, reverse=True)


@pytest.mark.parametrize(
    ("purpose", "usual"), [("style", (500, 1000)), ("domain", (2000, 5000)), ("shift", (10000, 50000))]
)
def test_the_purpose_says_how_many_records_are_usual(purpose: str, usual: tuple[int, int]) -> None:
    found = overview(tickets({"refund": 20, "delivery": 20}), purpose=purpose)
    assert found.usual == usual
    assert f"Collect or generate {usual[0] - 40:,} more records" in texts(found)


def _words(number: int) -> str:
    """Other words for each number, so that no two records are alike."""
    random_of = random.Random(number)
    return " ".join("".join(random_of.choices(string.ascii_lowercase, k=6)) for _ in range(12 + number)) + "."


def test_prose_has_topics_lengths_and_languages() -> None:
    subjects = (
        "the refund of my lost parcel after delivery",
        "a thermostat that leaves the heating cold at night",
        "the forgotten password of my customer account login",
    )
    rows = [
        {
            "instruction": f"Tell me about {subjects[n % 3]}, case {n * 31}: " + _words(n),
            "output": "This is the answer to it, and you can have it from me: " + _words(n + 100),
        }
        for n in range(90)
    ]
    composition = overview(rows).composition
    assert composition.labels == () and len(composition.topics) >= 2
    assert sum(part.records for part in composition.topics) == composition.usable
    assert composition.languages[0].name == "en"
    assert composition.answers.at == tuple(sorted(composition.answers.at))
    assert sum(count for _, count in composition.answers.bars) == composition.usable
    assert [part.name for part in composition.origins] == ["human"]


def test_data_of_which_nothing_is_usable_has_an_overview_too() -> None:
    found = overview([{"instruction": "Why?", "output": ""}] * 3)
    assert found.composition.usable == 0
    assert found.improvements[0].blocks
    assert found.to_json()["reading"]["sentence"] == "no record is left that no check flagged"


@pytest.mark.parametrize("reading", [{"half_width": 0.6}, {"half_width": 0.0}, {"error_rate": 2}, {"records": -1}])
def test_a_reading_that_cannot_be_meant_is_one_line(reading: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="reading"):
        ReadingSettings(**reading)


def test_without_text_no_word_of_a_record_is_left() -> None:
    found = overview(tickets({"refund": 60, "delivery": 20, "warranty": 3}))
    body = str(found.without_text().to_json())
    assert "label 1" in body
    assert not any(word in body for word in ("refund", "delivery", "warranty"))
    assert "refund" in str(found.to_json())


@pytest.mark.parametrize("labelled", [True, False])
def test_what_was_read_stays_the_sample_when_the_wrong_ones_are_dropped_or_mended(labelled: bool) -> None:
    labels = ("refund", "delivery", "warranty")
    rows = [
        {"instruction": f"Case {_words(n)}", "output": labels[n % 3] if labelled else f"It is {_words(n + 500)}"}
        for n in range(150)
    ]
    settings = CurateSettings(reading=ReadingSettings(records=40))
    drawn = audit(as_dataset(rows), settings).overview.reading.records
    said = [Review(Subject(item.record.id, READING), Verdict.RIGHT) for item in drawn]
    said[3] = replace(said[3], verdict=Verdict.WRONG)
    said[7] = replace(said[7], verdict=Verdict.WRONG)
    mended = Review(Subject(drawn[7].record.id), Verdict.REPAIR, answer="delivery" if labelled else "Another answer.")
    reading = audit(as_dataset(rows), settings, reviews=[*said, mended]).overview.reading
    assert (len(reading.records), reading.read, reading.wrong) == (40, 40, 2)
    assert reading.unread == ()

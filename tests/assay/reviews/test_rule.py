"""Generated records train only when enough of them were read; those of people always."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assay.config import Document
from assay.dataset import Dataset
from assay.errors import Exit, NotAcceptedError, SettingsError
from assay.records import Message, Record
from assay.reviews.review import READING, Review, Subject, Verdict
from assay.reviews.rule import acceptance_in, check_data, generated_records, required_acceptance

Generated = Callable[..., Record]
Make = Callable[..., Record]
NOTED = {"set": "synth-1", "stratum": "paraphrase, no risk seen"}


def reading(record: Record, verdict: Verdict, noted: dict[str, str] = NOTED) -> Review:
    return Review(Subject(record.id, READING), verdict, shown=noted)


def test_records_of_people_need_no_review(make: Make) -> None:
    data = Dataset.from_records([make("Q", "A"), make("Is '\"synth\":' a key?", "Yes.", meta={"about": '"synth":1'})])
    assert generated_records(data) == []
    check_data(data, [], 0.95, "data.parquet")


def test_unread_records_of_a_model_do_not_train_and_it_is_said_how_many_to_read(
    make: Make, generated: Generated
) -> None:
    data = Dataset.from_records([make("Q", "A"), *(generated(number) for number in range(100))])
    with pytest.raises(
        NotAcceptedError, match=r"data.parquet: not trained: nobody has read any of the 100 .* 59 more"
    ) as told:
        check_data(data, [], 0.95, "data.parquet")
    assert told.value.exit_code is Exit.INCONCLUSIVE
    check_data(data, [], None, "data.parquet")
    check_data(data, [], 0.0, "data.parquet")


def test_enough_clean_reviews_let_them_train(generated: Generated) -> None:
    records = [generated(number) for number in range(100)]
    reviews = [reading(record, Verdict.RIGHT) for record in records[:59]]
    check_data(Dataset.from_records(records), reviews, 0.95, "d")
    with pytest.raises(NotAcceptedError, match="1 more review"):
        check_data(Dataset.from_records(records), reviews[:58], 0.95, "d")


def test_rejected_records_count_although_they_are_not_in_the_data_any_more(generated: Generated) -> None:
    records = [generated(number) for number in range(400)]
    reviews = [reading(record, Verdict.RIGHT) for record in records[2:123]]
    reviews += [reading(record, Verdict.WRONG) for record in records[:2]]
    curated = Dataset.from_records(records[2:])
    found = acceptance_in(curated, reviews)
    assert (found.records, found.read, found.rejected) == (400, 123, 2)
    with pytest.raises(NotAcceptedError, match="1 more review"):
        check_data(curated, reviews, 0.95, "d")
    check_data(curated, [*reviews, reading(records[123], Verdict.RIGHT)], 0.95, "d")


def test_what_was_rejected_of_another_set_does_not_count(generated: Generated) -> None:
    records = [generated(number) for number in range(100)]
    other = {"set": "synth-0", "stratum": "x"}
    reviews = [reading(generated(1_000 + number), Verdict.WRONG, other) for number in range(50)]
    reviews += [reading(record, Verdict.RIGHT) for record in records[:59]]
    check_data(Dataset.from_records(records), reviews, 0.95, "d")


def test_what_a_person_rewrote_was_wrong_and_is_read(generated: Generated) -> None:
    records = [generated(number) for number in range(3)]
    messages = (records[0].messages[0], Message("assistant", "It is late."))
    reviews = [
        Review(Subject(records[0].id), Verdict.REPAIR, messages=messages, shown=NOTED),
        reading(records[0], Verdict.WRONG),
        *(reading(record, Verdict.RIGHT) for record in records[1:]),
    ]
    curated = Dataset.from_records([records[0].with_messages(messages), *records[1:]])
    found = acceptance_in(curated, reviews)
    assert (found.records, found.read, found.rejected, found.is_whole) == (3, 3, 1, True)
    check_data(curated, reviews, 0.95, "d")


def test_the_mark_survives_a_format_without_origins(generated: Generated, tmp_path: Path) -> None:
    from assay.formats import write
    from assay.sources import ReadSettings, read

    write(Dataset.from_records([generated(number) for number in range(5)]), tmp_path / "data.jsonl", "messages")
    data = read([str(tmp_path / "data.jsonl")], ReadSettings())
    assert len(generated_records(data)) == 5


@pytest.mark.parametrize(
    ("given", "means"), [({}, 0.95), ({"require_acceptance": 0}, 0.0), ({"require_acceptance": None}, None)]
)
def test_the_rule_is_a_setting(given: dict[str, object], means: float | None) -> None:
    assert required_acceptance(Document({"synth": given}, "assay.yaml")) == means


@pytest.mark.parametrize("given", [95, 1.0, -0.1, "most", True])
def test_a_share_that_cannot_be_meant_is_an_error(given: object) -> None:
    with pytest.raises(SettingsError, match="share below 1"):
        required_acceptance(Document({"synth": {"require_acceptance": given}}, "assay.yaml"))

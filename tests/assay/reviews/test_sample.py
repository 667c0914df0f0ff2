"""Whatever was read first stands for the whole set, and stays read in the next version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from assay.records import Message, Record, Source, record_id, row_id
from assay.reviews.sample import PLAIN, is_synthetic, reading_order, risks, strata

Generated = Callable[..., Record]


def test_the_risks_are_those_that_generation_measured(generated: Generated) -> None:
    records = [
        generated(0, agreement=0.667, new_grams=0.9),
        generated(1, agreement=1.0, new_grams=0.3),
        generated(2, agreement=1.0, new_grams=0.9, answer="long " * 100),
        *(generated(number, agreement=1.0, new_grams=0.9) for number in range(3, 20)),
        generated(20, agreement="odd"),
    ]
    found = risks(records)
    assert found[:3] == ["low agreement", "near a seed", "long"]
    assert set(found[3:]) == {PLAIN}


@given(st.integers(1, 400), st.integers(1, 4), st.integers(0, 10))
def test_any_beginning_holds_each_stratum_in_proportion(number: int, methods: int, seed: int) -> None:
    records = []
    for place in range(number):
        messages = (Message("user", f"Q{place}"), Message("assistant", "A"))
        meta = {"synth": {"method": f"m{place % methods}"}}
        records.append(Record(record_id(messages), row_id("s", place), messages, Source("s", None, place), meta=meta))
    placed = reading_order(records, seed)
    assert sorted(item.record.id for item in placed) == sorted(record.id for record in records)
    sizes = Counter(strata(records))
    for end in range(1, number + 1, 7):
        read = Counter(item.stratum for item in placed[:end])
        for stratum, size in sizes.items():
            assert abs(read[stratum] - end * size / number) < len(sizes) + 1


def test_the_order_depends_on_content_alone(generated: Generated) -> None:
    records = [generated(number) for number in range(100)]
    order = [placed.record.id for placed in reading_order(records)]
    assert [placed.record.id for placed in reading_order(records[::-1])] == order
    assert [placed.record.id for placed in reading_order([*records, records[3]])] == order
    fewer = [placed.record.id for placed in reading_order(records[:90])]
    assert fewer == [name for name in order if name in set(fewer)]


def test_strata_too_small_for_two_of_a_sample_are_read_as_one(generated: Generated) -> None:
    records = [generated(number) for number in range(200)] + [
        generated(number, f"rare {number}") for number in range(200, 205)
    ]
    assert set(strata(records)) == {f"paraphrase, {PLAIN}", "other"}


def test_a_record_is_synthetic_by_its_origin_or_its_lineage(generated: Generated, make: Callable[..., Record]) -> None:
    import dataclasses

    assert is_synthetic(generated(1)) and is_synthetic(dataclasses.replace(generated(1), origin="human"))
    assert is_synthetic(dataclasses.replace(generated(1), meta={}))
    assert not is_synthetic(make("Q", "A"))

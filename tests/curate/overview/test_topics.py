"""Prompts about the same thing come into one group, which is named by what they are about."""

from __future__ import annotations

import pytest

from assay.curate.overview.topics import OTHER, effective_number, find_topics

SUBJECTS = {
    "refund": "I want my refund for the parcel number {}, the money has not come",
    "thermostat": "My thermostat shows error {} and the heating stays cold",
    "password": "I forgot my password and cannot login to account {}",
}


def prompts(count: int) -> list[str]:
    return [text.format(f"{name[0]}{number}") for number in range(count) for name, text in SUBJECTS.items()]


def test_each_group_is_one_subject_and_named_by_it() -> None:
    texts = prompts(40)
    found = find_topics(texts, seed=1)
    assert found is not None
    subjects = [set(), *(set[str]() for _ in found.names)][1:]
    for text, group in zip(texts, found.assigned, strict=True):
        subjects[group].add(next(name for name in SUBJECTS if name in text))
    assert all(len(names) == 1 for names in subjects)
    for names, name in zip(subjects, found.names, strict=True):
        assert "the" not in name.split(", ")
        assert any(word in SUBJECTS[next(iter(names))].lower() for word in name.split(", "))


def test_the_same_texts_and_seed_give_the_same_groups() -> None:
    assert find_topics(prompts(30), 7) == find_topics(prompts(30), 7)


def test_a_text_without_a_telling_word_is_other_and_the_last_name() -> None:
    found = find_topics([*prompts(30), "", "the of", "\ud800\x00"], 1)
    assert found is not None
    assert found.names[-1] == OTHER
    assert {found.names[group] for group in found.assigned[-3:]} == {OTHER}


@pytest.mark.parametrize("texts", [[], ["one refund"] * 20, ["the"] * 100, ["same words here"] * 100])
def test_too_few_texts_or_words_give_no_topics(texts: list[str]) -> None:
    assert find_topics(texts, 1) is None


def test_vectors_of_meaning_take_the_place_of_words() -> None:
    import numpy as np

    def encode(texts: object) -> np.ndarray:  # type: ignore[type-arg]
        rows = [[1.0, 0.0] if "thermostat" in text else [0.0, 1.0] for text in list(texts)]  # type: ignore[call-overload]
        return np.array(rows, np.float32)

    texts = prompts(40)
    found = find_topics(texts, 1, encode)
    assert found is not None
    heating = {group for text, group in zip(texts, found.assigned, strict=True) if "thermostat" in text}
    others = {group for text, group in zip(texts, found.assigned, strict=True) if "thermostat" not in text}
    assert not heating & others


def test_the_effective_number_is_that_of_equally_large_groups() -> None:
    assert effective_number([5, 5, 5, 5]) == pytest.approx(4)
    assert effective_number([100, 0]) == pytest.approx(1)
    assert effective_number([]) == 0
    assert 1 < effective_number([99, 1]) < 1.1

"""Each tier finds the pairs that it promises, and no other."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from assay.curate.check import Context
from assay.curate.duplicates.tiers import edited, identical, near, normalised
from assay.records import Record
from assay.text import words

Make = Callable[..., Record]

SYLLABLES = [f"{consonant}{vowel}" for consonant in "bdfgklmnprst" for vowel in "aeiou"]
VOCABULARY = [f"{one}{other}" for one in SYLLABLES for other in SYLLABLES[:50]]
VOWELS = "aeiouäöüáéíóúâêîôû"


def jaccard(one: str, other: str, size: int = 5) -> float:
    """The definition, in plain Python: an oracle that shares no code with the engine."""
    a, b = (_grams(words(text), size) for text in (one, other))
    return len(a & b) / len(a | b) if a and b else 0.0


def _grams(found: list[str], size: int) -> set[tuple[str, ...]]:
    width = min(size, len(found))
    return {tuple(found[start : start + width]) for start in range(len(found) - width + 1)} if found else set()


def text(words_: int) -> str:
    return " ".join(random.choices(VOCABULARY, k=words_))


def replaced(original: str, share: float) -> str:
    found = original.split()
    for position in random.sample(range(len(found)), round(share * len(found))):
        found[position] = random.choice(VOCABULARY)
    return " ".join(found)


def context(records: Sequence[Record]) -> Context:
    return Context(records)


def tied(groups: Sequence[Sequence[int]]) -> set[tuple[int, int]]:
    return {(int(a), int(b)) for group in groups for i, a in enumerate(group) for b in list(group)[i + 1 :]}


def test_all_pairs_at_or_above_the_near_threshold_are_found_and_no_other(make: Make) -> None:
    random.seed(7)
    texts = [text(random.randint(20, 120)) for _ in range(600)]
    texts += [replaced(texts[index], random.random() * 0.06) for index in range(300)]
    records = [make(item, "ok") for item in texts]
    whole = [f"{item}\nok" for item in texts]
    true = {(i, 600 + i) for i in range(300) if 0.8 <= jaccard(whole[i], whole[600 + i]) < 1}
    found = near(records, context(records), 0.8)
    pairs = tied(found.groups)
    assert len(true) > 60
    assert len(true & pairs) >= 0.99 * len(true)
    for first, second, similarity in zip(found.tied.first, found.tied.second, found.tied.similarity, strict=True):
        assert similarity == pytest.approx(jaccard(whole[first], whole[second]))
        assert similarity >= 0.8


@pytest.mark.parametrize(("share", "recall"), [(0.1, 0.97), (0.2, 0.93), (0.3, 0.75)])
def test_edited_copies_are_found_and_no_strangers(make: Make, share: float, recall: float) -> None:
    random.seed(11)
    texts = [text(random.randint(50, 150)) for _ in range(500)]
    records = [make(item, "a plain answer") for item in [*texts, *(replaced(item, share) for item in texts[:200])]]
    pairs = tied(edited(records, context(records), 0.3, 0.8).groups)
    true = {(index, 500 + index) for index in range(200)}
    assert len(pairs & true) >= recall * 200
    assert pairs <= true


def test_a_large_family_of_edited_copies_is_one_group(make: Make) -> None:
    """Thirty of them: what they share stands in thirty records."""
    random.seed(13)
    base = text(120)
    copies = [make(replaced(base, 0.15), "a plain answer") for _ in range(30)]
    others = [make(text(120), "a plain answer") for _ in range(300)]
    records = [*others[:150], *copies, *others[150:]]
    groups = edited(records, context(records), 0.3, 0.8).groups
    assert [group.tolist() for group in groups] == [list(range(150, 180))]


def test_a_tier_leaves_to_those_below_it_what_they_found(make: Make) -> None:
    base = " ".join(f"word{number}" for number in range(40))
    records = [make(base, "ok"), make(base, "ok"), make(f"{base.upper()}!", "OK."), make(f"{base} more", "ok")]
    own = context(records)
    assert identical(own).tolist() == [0, 0, 2, 3]
    assert normalised(records, own).tolist() == [0, 0, 0, 3]
    assert tied(near(records, own, 0.8).groups) == {(0, 3)}
    assert not edited(records, own, 0.3, 0.8).groups


def test_numbers_signs_and_roles_are_not_normalised_away(make: Make) -> None:
    records = [
        make("is it -5?", "no"),
        make("is it 5?", "no"),
        make("is it 5?", "no", system="Be brief."),
        make("Is it: 5", "No"),
    ]
    assert normalised(records, context(records)).tolist() == [0, 1, 2, 1]


def test_a_large_cluster_is_tied_together_without_all_of_its_pairs(make: Make) -> None:
    base = " ".join(VOCABULARY[:60])
    ends = [f"{one}{other}" for one in VOWELS for other in VOWELS]
    records = [make("Tell me.", f"{base} {end}") for end in ends]
    found = near(records, context(records), 0.8)
    assert [len(group) for group in found.groups] == [len(ends)]
    assert len(found.tied.first) < 2 * len(ends)


def test_texts_without_spaces_are_compared_by_character(make: Make) -> None:
    long = "我们的退货期限是三十天从收货之日开始计算请保留好您的发票和包装"
    records = [make(long, "好"), make(f"{long}盒", "好"), make("今天天气很好", "好")]
    assert tied(near(records, context(records), 0.8).groups) == {(0, 1)}


def test_short_texts_are_alike_only_when_all_their_words_are(make: Make) -> None:
    records = [make("Yes it is", "ok"), make("yes it was", "ok"), make("!", "?"), make("yes", "ok")]
    assert not near(records, context(records), 0.8).groups


def test_a_short_edited_text_is_another_text(make: Make) -> None:
    records = [make("my blue lamp arrived broken today", "sorry"), make("my red lamp arrived broken today", "sorry")]
    assert not edited(records, context(records), 0.3, 0.8).groups


def test_an_edited_copy_with_another_number_in_its_answer_is_no_copy(make: Make) -> None:
    random.seed(5)
    base = text(60)
    records = [make(base, "it takes 3 days"), make(replaced(base, 0.2), "it takes 9 days")]
    own = context(records)
    assert not edited(records, own, 0.3, 0.8).groups
    assert own.alike, "a split keeps them together"

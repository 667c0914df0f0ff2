"""Near duplicates: every qualifying pair is tied together, and nothing else is."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.curate.duplicates.minhash import Shingles, near_pairs
from assay.families import UnionFind
from assay.text import words


def jaccard(one: str, other: str, size: int = 5) -> float:
    """The definition, in plain Python: an oracle that shares no code with the engine."""
    a, b = (_grams(words(text), size) for text in (one, other))
    return len(a & b) / len(a | b) if a and b else 0.0


def _grams(found: list[str], size: int) -> set[tuple[str, ...]]:
    width = min(size, len(found))
    return {tuple(found[start : start + width]) for start in range(len(found) - width + 1)} if found else set()


@given(st.lists(st.text("ab ", max_size=40), min_size=2, max_size=6))
def test_similarity_is_the_jaccard_similarity_of_word_shingles(texts: list[str]) -> None:
    shingles = Shingles(texts)
    for first in range(len(texts)):
        for second in range(len(texts)):
            assert shingles.similarity(first, second) == pytest.approx(jaccard(texts[first], texts[second]))


def test_all_pairs_above_the_threshold_are_found_and_no_other() -> None:
    random.seed(7)
    vocabulary = [f"word{number}" for number in range(2000)]
    texts = [" ".join(random.choices(vocabulary, k=random.randint(20, 120))) for _ in range(600)]
    for index in range(300):
        edited = texts[index].split()
        for _ in range(random.randint(0, 4)):
            edited[random.randrange(len(edited))] = "changed"
        texts.append(" ".join(edited))
    true = {(index, 600 + index) for index in range(300) if jaccard(texts[index], texts[600 + index]) >= 0.8}
    edges = near_pairs(Shingles(texts), 0.8)
    found = {(edge.first, edge.second) for edge in edges}
    assert len(true) > 80
    assert len(true & found) >= 0.99 * len(true)
    for edge in edges:
        assert edge.similarity == pytest.approx(jaccard(texts[edge.first], texts[edge.second]))
        assert edge.similarity >= 0.8


def test_what_many_texts_share_is_left_out_but_never_all_of_a_text() -> None:
    instruction = " ".join(f"rule{number}" for number in range(90))
    texts = [f"{instruction} " + " ".join(f"word{n} of{n} text{n} number{n}".split() * 3) for n in range(30)]
    texts += [texts[4].upper(), instruction, f"{instruction}!"]
    shingles = Shingles(texts)
    assert len(near_pairs(shingles, 0.8)) == len(texts) - 1, "alike by the instruction alone"
    shingles.leave_out(shingles.shared(20))
    assert {edge[:2] for edge in near_pairs(shingles, 0.8)} == {(4, 30), (31, 32)}
    assert len(shingles.shared(20)) == 0


def test_a_large_cluster_is_tied_together_by_a_tree() -> None:
    base = " ".join(f"w{number}" for number in range(60))
    texts = [f"{base} end{number}" for number in range(400)]
    edges = near_pairs(Shingles(texts), 0.8)
    union: UnionFind[int] = UnionFind()
    for edge in edges:
        union.join(edge.first, edge.second)
    assert [len(group) for group in union.groups()] == [400]
    assert len(edges) == 399


def test_short_texts_are_alike_only_when_all_their_words_are() -> None:
    texts = ["Yes, it is.", "yes it is", "yes it was", "", "!!!", "yes"]
    assert [(edge.first, edge.second) for edge in near_pairs(Shingles(texts), 0.8)] == [(0, 1)]


def test_texts_without_spaces_are_compared_by_character() -> None:
    long = "我们的退货期限是三十天从收货之日开始计算请保留好您的发票和包装"
    texts = [long, long + "盒", "今天天气很好"]
    assert [(edge.first, edge.second) for edge in near_pairs(Shingles(texts), 0.8)] == [(0, 1)]


def test_only_texts_with_equal_keys_are_paired() -> None:
    texts = ["one two three four five six"] * 4
    assert {(e.first, e.second) for e in near_pairs(Shingles(texts), 0.8, ["a", "b", "a", "b"])} == {(0, 2), (1, 3)}

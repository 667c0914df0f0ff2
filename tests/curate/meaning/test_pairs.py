"""Similar pairs: what exact search finds, in stars where groups are large; for any data."""

from __future__ import annotations

import numpy as np
import pytest

from assay.curate.meaning import pairs as module
from assay.curate.meaning.pairs import Pairs, nearest, similar_pairs, stars
from assay.curate.meaning.vectors import Packed, pack


def packed(vectors: np.ndarray) -> Packed:
    return Packed(pack(vectors)[:, None, :])


def clustered(count: int, seed: int = 0) -> np.ndarray:
    """Around a tenth as many centres, each at a distance that makes pairs of one centre about 0.9 alike."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((count // 10, 32))
    return centres[random.integers(0, len(centres), count)] + 0.33 * random.standard_normal((count, 32))


def by_hand(vectors: np.ndarray, threshold: float) -> set[tuple[int, int]]:
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    first, second = np.nonzero(np.triu(units @ units.T >= threshold, 1))
    return set(zip(first.tolist(), second.tolist(), strict=True))


def as_set(pairs: Pairs) -> set[tuple[int, int]]:
    return set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))


def test_few_vectors_are_searched_exactly_but_for_what_packing_costs() -> None:
    vectors = clustered(600)
    found = as_set(similar_pairs(packed(vectors), 0.9))
    assert by_hand(vectors, 0.905) <= found <= by_hand(vectors, 0.895)


def test_many_vectors_lose_at_most_one_pair_in_twenty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EXACT_ROWS", 100)
    monkeypatch.setattr(module, "RECORDS_A_CLUSTER", 64)
    vectors = clustered(6000)
    exact, found = by_hand(vectors, 0.9), as_set(similar_pairs(packed(vectors), 0.9))
    assert len(exact) > 1000
    assert len(found & exact) >= 0.95 * len(exact)
    assert found <= by_hand(vectors, 0.895)


def test_pairs_are_sorted_and_each_stands_once() -> None:
    pairs = similar_pairs(packed(clustered(300)), 0.8)
    keys = list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    assert keys == sorted(set(keys))
    assert (pairs.first < pairs.second).all()
    assert pairs.similarity.min() >= 0.8


def test_copies_make_a_star_and_not_a_clique() -> None:
    one, other = np.random.default_rng(0).standard_normal((2, 16))
    pairs = similar_pairs(packed(np.array([one] * 5000 + [other] + [one] * 5000)), 0.9)
    assert len(pairs.first) == 9999
    assert set(pairs.first.tolist()) == {0}
    assert 5000 not in pairs.second


def test_a_record_without_words_in_one_of_its_texts_is_paired_with_none() -> None:
    codes = np.ones((3, 2, 8), np.int8)
    codes[2, 1] = 0
    assert as_set(similar_pairs(Packed(codes), 0.5)) == {(0, 1)}


def test_every_text_of_a_record_must_be_near_and_their_mean_is_told() -> None:
    codes = np.zeros((3, 2, 2), np.int8)
    codes[:, 0, 0] = 127
    codes[0, 1], codes[1, 1], codes[2, 1] = (127, 0), (0, 127), (127, 127)
    pairs = similar_pairs(Packed(codes), 0.4)
    assert as_set(pairs) == {(0, 2), (1, 2)}
    assert pairs.similarity.tolist() == pytest.approx([(1 + 0.5**0.5) / 2] * 2)


@pytest.mark.parametrize("telling", [0, 1])
def test_many_records_of_two_texts_lose_at_most_one_pair_in_twenty(
    monkeypatch: pytest.MonkeyPatch, telling: int
) -> None:
    """Whichever of the texts it is that tells the records apart: the other is nearly the same everywhere."""
    monkeypatch.setattr(module, "EXACT_ROWS", 100)
    monkeypatch.setattr(module, "RECORDS_A_CLUSTER", 64)
    random = np.random.default_rng(3)
    texts = [clustered(4000), np.ones(32) + 0.3 * random.standard_normal((4000, 32))]
    exact = by_hand(texts[0], 0.9) & by_hand(texts[1], 0.9)
    found = as_set(similar_pairs(Packed(pack(np.stack(texts if telling == 0 else texts[::-1], axis=1))), 0.9))
    assert len(exact) > 500
    assert len(found & exact) >= 0.95 * len(exact)
    assert found <= by_hand(texts[0], 0.895) & by_hand(texts[1], 0.895)


def test_the_first_texts_alone_are_compared_when_the_others_are_left_out() -> None:
    codes = np.random.default_rng(0).integers(-127, 127, (200, 2, 16)).astype(np.int8)
    alone, first = similar_pairs(Packed(codes[:, :1]), 0.5), similar_pairs(Packed(codes, texts=1), 0.5)
    assert len(alone.first)
    assert as_set(alone) == as_set(first)
    np.testing.assert_array_equal(alone.similarity, first.similarity)


def test_nothing_in_nothing_out() -> None:
    none = Packed(np.zeros((0, 1, 8), np.int8))
    assert len(similar_pairs(none, 0.9).first) == 0
    assert len(nearest(none, none, 0.9).first) == 0
    assert len(nearest(packed(clustered(100)), none, 0.9).first) == 0
    assert len(similar_pairs(Packed(np.zeros((9000, 1, 8), np.int8)), 0.9).first) == 0


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.01])
def test_a_threshold_that_cannot_be_meant_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        similar_pairs(packed(clustered(100)), threshold)


def test_the_nearest_query_is_told_where_it_is_near_enough() -> None:
    vectors = np.eye(3)
    queries = np.array([[0.0, 1.0, 0.1], [0.1, 1.0, 0.1], [0.9, 0.0, 0.5]])
    found = nearest(packed(vectors), packed(queries), 0.8)
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [(0, 2), (1, 0)]


def test_a_star_ties_to_its_centre_only_what_is_like_it() -> None:
    chain = Pairs(np.array([0, 1, 2, 3]), np.array([1, 2, 3, 4]), np.ones(4, np.float32))
    centre = stars(chain, 6)
    partners = as_set(chain)
    assert all(c == n or (min(c, n), max(c, n)) in partners for n, c in enumerate(centre.tolist()))
    assert centre[5] == 5
    assert len(set(centre.tolist())) < 6


def test_packing_keeps_the_cosine() -> None:
    one, other = np.random.default_rng(0).standard_normal((2, 500, 256))
    other = one + 0.5 * other
    exact = (one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
    rough = (packed(one).rows(slice(None)) * packed(other).rows(slice(None))).sum(1)
    assert np.abs(exact - rough).max() < 0.003


def test_a_pattern_in_the_order_of_records_does_not_choose_the_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every third record is a copy that is easily found, and those between are pairs that are not."""
    monkeypatch.setattr(module, "EXACT_ROWS", 100)
    monkeypatch.setattr(module, "RECORDS_A_CLUSTER", 16)
    monkeypatch.setattr(module, "FEWEST_PROBES", 1)
    monkeypatch.setattr(module, "SAMPLE_PRODUCTS", 3_000_000)
    random = np.random.default_rng(4)
    base = random.standard_normal((1_000, 32))
    rows = np.empty((3_000, 32))
    rows[::3] = np.repeat(base[:500], 2, axis=0) + 0.01 * random.standard_normal((1_000, 32))
    rows[1::3], rows[2::3] = base, base + 0.45 * random.standard_normal((1_000, 32))
    exact, found = by_hand(rows, 0.88), as_set(similar_pairs(Packed(pack(rows)[:, None, :]), 0.88))
    assert len(found & exact) >= 0.95 * len(exact)


@pytest.mark.parametrize(("ranks", "probes"), [([0] * 10, 1), ([0] * 10 + [7], 8), ([0] * 400 + [9] * 5, 1)])
def test_a_sample_too_small_to_be_sure_has_all_of_its_pairs_found(ranks: list[int], probes: int) -> None:
    assert module._enough(np.array(ranks)) == probes

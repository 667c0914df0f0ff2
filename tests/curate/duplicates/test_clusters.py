"""Positions that share a key are tied where they pass, with few looks at each bucket."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.curate.duplicates.clusters import Clusters, Positions, first_alike, groups_of, tie


@given(st.lists(st.integers(0, 5), max_size=40))
def test_groups_are_the_positions_of_equal_labels_in_order(labels: list[int]) -> None:
    expected = [[i for i, label in enumerate(labels) if label == value] for value in dict.fromkeys(labels)]
    assert [group.tolist() for group in groups_of(np.array(labels, int))] == [g for g in expected if len(g) > 1]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40))
def test_first_alike_names_the_first_position_of_each_value(labels: list[int]) -> None:
    assert first_alike(np.array(labels)).tolist() == [labels.index(label) for label in labels]


@pytest.mark.parametrize("size", [2, 12, 13, 500])
def test_a_bucket_of_which_all_belong_together_becomes_one_cluster_with_few_looks(size: int) -> None:
    looks = 0

    def verify(first: Positions, second: Positions) -> np.ndarray:
        nonlocal looks
        looks += len(first)
        assert (first < second).all()
        return np.ones(len(first), bool)

    clusters = Clusters(size + 1)
    tie(np.full(size, 7, np.uint32), np.arange(size), clusters, verify)
    assert [group.tolist() for group in clusters.groups()] == [list(range(size))]
    assert looks < 2 * size


def test_of_a_large_bucket_those_that_belong_together_are_found_among_others() -> None:
    """Two hundred strangers and a family of thirty, all under one key."""
    random = np.random.default_rng(3)
    family = np.zeros(230, bool)
    family[random.permutation(230)[:30]] = True
    clusters = Clusters(230)
    tie(np.full(230, 9, np.uint32), np.arange(230), clusters, lambda a, b: family[a] & family[b])
    largest = max(clusters.groups(), key=len)
    assert family[largest].all() and len(largest) >= 3


def test_a_key_of_zero_is_none() -> None:
    clusters = Clusters(4)
    tie(np.zeros(4, np.uint32), np.arange(4), clusters, lambda a, b: np.ones(len(a), bool))
    assert not list(clusters.groups())


def test_no_positions_are_no_trouble() -> None:
    clusters = Clusters(0)
    tie(np.zeros(0, np.uint32), np.arange(0), clusters, lambda a, b: np.ones(len(a), bool))
    assert not list(clusters.groups()) and len(clusters.leaders()) == 0

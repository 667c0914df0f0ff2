"""Heads: a bound that is never less than the cosine, and tight enough to be of use."""

from __future__ import annotations

import numpy as np
import pytest

from assay.curate.meaning.heads import SLACK, heads_of, telling_text
from assay.curate.meaning.vectors import Packed, pack


@pytest.mark.parametrize("spread", [0.02, 0.3, 3.0])
def test_no_cosine_is_above_the_product_of_two_heads(spread: float) -> None:
    random = np.random.default_rng(0)
    vectors = random.standard_normal(64) * np.linspace(2, 0.1, 64) + spread * random.standard_normal((500, 64))
    packed, everything = Packed(pack(vectors)[:, None, :]), np.arange(500)
    heads = heads_of(packed, everything, 0)
    cosines = packed.rows(everything) @ packed.rows(everything).T
    assert (heads @ heads.T >= cosines - SLACK).all()


def test_heads_of_vectors_that_lie_in_few_dimensions_are_short() -> None:
    random = np.random.default_rng(0)
    vectors = random.standard_normal((2000, 8)) @ random.standard_normal((8, 256))
    packed, everything = Packed(pack(vectors)[:, None, :]), np.arange(2000)
    heads = heads_of(packed, everything, 0)
    assert heads.shape[1] == 17
    np.testing.assert_allclose(heads @ heads.T, packed.rows(everything) @ packed.rows(everything).T, atol=0.01)


def test_the_text_that_tells_records_apart_is_the_one_that_differs() -> None:
    random = np.random.default_rng(0)
    alike, different = 1 + 0.1 * random.standard_normal((100, 32)), random.standard_normal((100, 32))
    assert telling_text(Packed(pack(np.stack((alike, different), axis=1))), np.arange(100)) == 1
    assert telling_text(Packed(pack(np.stack((different, alike), axis=1))), np.arange(100)) == 0

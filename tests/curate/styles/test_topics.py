from __future__ import annotations

import numpy as np
import pytest

from assay.curate.check import Context
from assay.curate.checks.mixed_styles import mixed_styles
from assay.curate.meaning.columns import meanings
from assay.curate.styles.mixes import find_mixes
from assay.curate.styles.topics import topics
from assay.writing.style import BULLETS, FEATURES


def codes(count: int, around: int, seed: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    """Vectors near one of 16 directions; shape [count, 2, 16]."""
    generator = np.random.default_rng(seed)
    out = generator.normal(0, 5, (count, 2, 16))
    out[:, 0, around] += 90
    return np.clip(out, -127, 127).astype(np.int8)


def test_what_is_near_shares_a_topic_and_what_has_no_words_has_none() -> None:
    made = np.concatenate([codes(100, 3), codes(100, 7), np.zeros((5, 2, 16), np.int8)])
    found = topics(made)
    first, second = set(found[:100].tolist()), set(found[100:200].tolist())
    assert not first & second and 0 not in first | second
    assert found[200:].tolist() == [0] * 5
    assert (topics(made) == found).all()


@pytest.mark.parametrize("count", [0, 1, 100])
def test_few_records_have_no_topics(count: int) -> None:
    assert topics(codes(count, 3)).tolist() == [0] * count


def test_a_dissenter_within_its_topic_is_found() -> None:
    """No two prompts begin alike, and in all of the data lists are as frequent as paragraphs."""
    groups = np.repeat(np.array([1, 2], np.uint64), 60)
    kinds = np.zeros((120, 4), np.uint64)
    styles = np.zeros((120, len(FEATURES)), np.uint8)
    column = list(FEATURES).index("bullets")
    styles[:60, column] = BULLETS.index("no list")
    styles[60:, column] = BULLETS.index("bulleted")
    styles[:4, column] = BULLETS.index("bulleted")
    (mix,) = find_mixes(kinds, styles, groups, 0.7, 20, 3)
    assert (mix.level, mix.feature, mix.minority.tolist(), mix.share) == ("topic", "bullets", [0, 1, 2, 3], 56 / 60)


def test_the_check_asks_for_no_encoder_of_its_own() -> None:
    assert meanings not in mixed_styles.columns and mixed_styles.needs == ()
    assert list(mixed_styles.function([], Context([]))) == []

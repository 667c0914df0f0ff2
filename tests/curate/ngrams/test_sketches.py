"""Sketches of similar texts meet; what is shared by all is left out of them."""

from __future__ import annotations

import numpy as np

from assay.curate.ngrams.sketches import SAMPLED, LeftOut, sketch
from assay.curate.ngrams.store import shared_ngrams
from assay.curate.ngrams.texts import buffer


def text(seed: int, words: int = 100) -> list[str]:
    return [f"w{value}" for value in np.random.default_rng(seed).integers(0, 5000, words)]


def test_the_same_words_have_the_same_sketch_whatever_their_case() -> None:
    one, other = sketch(buffer([" ".join(text(1)), " ".join(text(1)).upper() + "!"])).bands
    assert (one == other).all()


def test_texts_without_words_have_an_empty_sketch() -> None:
    made = sketch(buffer(["", "!!! ...", "a"]))
    assert made.words.tolist() == [0, 0, 1]
    assert not made.bands[:2].any() and not made.sampled[:2].any() and not made.streams[:2].any()
    assert made.bands[2].all() and made.sampled[2, 0] and not made.sampled[2, 1:].any()


def test_the_sample_holds_the_smallest_hashes_in_order() -> None:
    made = sketch(buffer([" ".join(text(seed)) for seed in range(20)]))
    assert (np.diff(made.sampled.astype(np.int64), axis=1) > 0).all() and made.sampled.shape == (20, SAMPLED)


def test_a_third_of_the_words_replaced_leaves_several_sampled_hashes_in_common() -> None:
    common = []
    for seed in range(40):
        words = text(seed)
        edited = list(words)
        for position in np.random.default_rng(seed + 900).permutation(100)[:30]:
            edited[position] = "other"
        one, other = sketch(buffer([" ".join(words), " ".join(edited)])).sampled
        common.append(len(set(one.tolist()) & set(other.tolist())))
    assert np.mean(common) > 4 and np.mean(np.array(common) >= 2) > 0.9


def test_what_is_left_out_does_not_count_unless_a_text_has_nothing_else() -> None:
    instruction = " ".join(f"rule{number}" for number in range(60))
    texts = [f"{instruction} {' '.join(text(seed, 12))}" for seed in range(30)]
    left_out = LeftOut(shared_ngrams(texts, 5, 20), shared_ngrams(texts, 3, 20))
    plain, without = sketch(buffer(texts)), sketch(buffer(texts), left_out)
    alike = np.mean((plain.bands[0] == plain.bands[1:]).any(axis=1))
    assert alike > 0.9 and not (without.bands[0] == without.bands[1:]).any()
    alone = sketch(buffer([instruction]), left_out)
    assert (alone.bands == sketch(buffer([instruction])).bands).all()

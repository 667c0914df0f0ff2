"""What the compiled code takes for a word and an n-gram is what plain Python takes for one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from assay.curate.ngrams.kernels import streams_of_texts, words_of_texts
from assay.curate.ngrams.store import NgramStore, ngrams_of, shared_ngrams
from assay.curate.ngrams.texts import buffer, character_classes
from assay.text import words

TEXTS = st.lists(st.text(st.characters(codec=None), max_size=60), min_size=1, max_size=5)


@given(TEXTS)
@example(["It's 3.5 km, 你好 ÄÖ ǅ ﬁ _a_b ไทย e\u0301 \ud800 x\x00y 𝒜𝟙 🙂", "İstanbul ŉ ß"])
def test_words_are_those_of_the_text_module_and_equal_words_have_equal_hashes(texts: list[str]) -> None:
    given_texts = buffer(texts)
    hashes, offsets = words_of_texts(given_texts.data, given_texts.offsets, character_classes())
    seen: dict[str, int] = {}
    for index, text in enumerate(texts):
        own = hashes[offsets[index] : offsets[index + 1]].tolist()
        expected = words(text)
        assert len(own) == len(expected)
        for word, value in zip(expected, own, strict=True):
            assert seen.setdefault(word, value) == value
    assert len(set(seen.values())) == len(seen)


@given(st.text("aAbB '.,!?-\n", max_size=40))
def test_the_hash_of_all_word_characters_knows_neither_case_nor_punctuation(text: str) -> None:
    plain = "".join(character for character in text.lower() if character.isalnum())
    given_texts = buffer([text, plain])
    streams = streams_of_texts(given_texts.data, given_texts.offsets, character_classes(), given_texts.longest)
    assert streams[0] == streams[1]
    assert (streams[0] == 0) == (not plain)


def grams(text: str, size: int) -> set[tuple[str, ...]]:
    found = words(text)
    width = min(size, len(found))
    return {tuple(found[start : start + width]) for start in range(len(found) - width + 1)} if found else set()


@given(st.lists(st.text("ab ", max_size=40), min_size=2, max_size=6), st.integers(1, 6))
def test_similarity_is_the_jaccard_similarity_of_word_ngrams(texts: list[str], size: int) -> None:
    store = NgramStore(len(texts), lambda positions: [texts[position] for position in positions], size)
    first, second = (side.ravel() for side in np.meshgrid(np.arange(len(texts)), np.arange(len(texts))))
    for one, other, similarity in zip(first, second, store.similarities(first, second), strict=True):
        a, b = grams(texts[one], size), grams(texts[other], size)
        assert similarity == (len(a & b) / len(a | b) if a and b else 0.0)


def test_ngrams_that_many_texts_share_are_left_out_but_never_all_of_a_text() -> None:
    instruction = " ".join(f"rule{number}" for number in range(40))
    texts = [f"{instruction} word{number} thing{number} kind{number}" for number in range(30)]
    shared = shared_ngrams(texts, 5, 20)
    _, whole = ngrams_of(texts, 5)
    _, rest = ngrams_of([*texts, instruction], 5, shared)
    assert len(shared) == 36 and set(np.diff(whole)) == {39}
    assert set(np.diff(rest)[:-1]) == {3} and np.diff(rest)[-1] == 36


def test_a_store_that_is_full_makes_room_and_still_answers(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("assay.curate.ngrams.store.MOST_VALUES", 50)
    monkeypatch.setattr("assay.curate.ngrams.store.PAIRS_AT_A_TIME", 7)
    texts = [" ".join(f"w{position % 11 + number}" for position in range(30)) for number in range(20)]
    store = NgramStore(len(texts), lambda positions: [texts[position] for position in positions], 2)
    first, second = np.arange(19), np.arange(1, 20)
    expected = [len(grams(a, 2) & grams(b, 2)) / len(grams(a, 2) | grams(b, 2)) for a, b in pairwise(texts)]
    assert store.similarities(first, second).tolist() == expected

"""The static encoder: the mean of token vectors, whatever the text; WordLlama's weights where they are installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from assay.curate.meaning import static
from assay.curate.meaning.constants import MAX_CHARACTERS
from assay.curate.meaning.encoder import load_encoder, why_missing
from assay.curate.meaning.static import StaticEncoder
from assay.errors import MissingExtraError, ModelError

PIECES = ["<unk>", *"abcdefghijklmnopqrstuvwxyz", "re", "fund", "##s", "##un", "##d", *(f"##{c}" for c in "abcdefxyz")]
needs_wordllama = pytest.mark.skipif(find_spec("wordllama") is None, reason="needs the extra: meaning")


def word_pieces() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece({piece: n for n, piece in enumerate(PIECES)}, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def tiny() -> StaticEncoder:
    table = np.random.default_rng(0).standard_normal((len(PIECES), 8)).astype(np.float32)
    return StaticEncoder("tiny", table, word_pieces())


def by_hand(text: str) -> np.ndarray:
    table = np.random.default_rng(0).standard_normal((len(PIECES), 8)).astype(np.float32)
    ids = word_pieces().encode(text, add_special_tokens=False).ids
    total = table[ids].sum(axis=0)
    return total / (np.linalg.norm(total) or 1.0)


def test_a_text_is_the_mean_of_its_tokens_vectors() -> None:
    texts = ["a refund", "", "refunds are\nfun", "Refunds  are fun", "a refund", "\u00e9\u4f60\u597d x"]
    vectors = tiny().encode(texts)
    assert vectors.dtype == np.float32
    for text, vector in zip(texts, vectors, strict=True):
        np.testing.assert_allclose(vector, by_hand(text), atol=1e-5)


def test_a_text_without_words_is_all_zeros_and_all_others_have_unit_length() -> None:
    lengths = np.linalg.norm(tiny().encode(["", " \n\t", "a", "zebra crossing"]), axis=1)
    np.testing.assert_allclose(lengths, [0, 0, 1, 1], atol=1e-6)


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=()), max_size=40), max_size=8))
def test_any_text_can_be_encoded_and_the_order_of_texts_does_not_matter(texts: list[str]) -> None:
    encoder = tiny()
    vectors = encoder.encode(texts)
    assert np.isfinite(vectors).all()
    np.testing.assert_array_equal(encoder.encode(texts[::-1]), vectors[::-1])


def test_forgetting_words_changes_no_vector(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{'abcdef'[n % 6]}{'xyz'[n % 3]} {n * 'ab'}" for n in range(1500)]
    expected = tiny().encode(texts)
    monkeypatch.setattr(static, "REMEMBERED_CHARACTERS", 50)
    np.testing.assert_array_equal(tiny().encode(texts), expected)


def test_only_the_first_characters_of_a_long_text_count() -> None:
    one, other = "a " * MAX_CHARACTERS + "zebra", "a " * MAX_CHARACTERS + "fund"
    vectors = tiny().encode([one, other])
    np.testing.assert_array_equal(vectors[0], vectors[1])


def test_a_folder_of_model2vec_is_loaded_as_such(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    table = np.random.default_rng(0).standard_normal((len(PIECES), 8)).astype(np.float32)
    save_file({"embeddings": table}, tmp_path / "model.safetensors")
    word_pieces().save(str(tmp_path / "tokenizer.json"))
    assert why_missing(str(tmp_path)) is None
    np.testing.assert_allclose(load_encoder(str(tmp_path)).encode(["a refund"])[0], by_hand("a refund"), atol=1e-5)


def test_the_encoder_that_is_off_says_so() -> None:
    assert why_missing("off") == "the encoder is off (curate.encoder)"
    with pytest.raises(ModelError, match="off"):
        load_encoder("off")


def test_a_missing_library_is_one_line_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError) as caught:
        static.load_wordllama()
    assert "pip install 'assay[meaning]'" in str(caught.value)
    assert "\n" not in str(caught.value)


@needs_wordllama
def test_wordllama_is_loaded_from_its_wheel_and_knows_what_is_alike() -> None:
    encoder = load_encoder("static")
    texts = ["How do I return an item?", "How can I send something back?", "The cat sat on the mat."]
    one, like, other = encoder.encode(texts)
    assert (encoder.dimensions, encoder.name) == (256, "static")
    assert one @ like > 0.5 > one @ other


@needs_wordllama
def test_words_one_by_one_have_the_tokens_that_the_whole_text_has() -> None:
    """Which is why each word needs to be tokenised only once."""
    spec = find_spec("wordllama")
    assert spec is not None and spec.origin is not None
    tokenizer = Tokenizer.from_file(str(Path(spec.origin).parent / static._TOKENIZER))
    text = "It's 3.5 km, isn't it? naïve 你好 world_of {code: [1, 2]} 🙂 Straße"
    whole = tokenizer.encode(text, add_special_tokens=False).ids
    words = tokenizer.encode_batch_fast(text.split(), add_special_tokens=False)
    assert [token for word in words for token in word.ids] == whole


@needs_wordllama
def test_weights_that_are_not_those_that_were_measured_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(ModelError, match="weights are not those"):
        static.load_wordllama()

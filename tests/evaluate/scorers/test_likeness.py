"""ROUGE, chrF and embeddings: the numbers of the libraries that define them, and what they cannot see."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.errors import ModelError, SuiteError
from assay.evaluate.scorer import make_scorer

PAIRS = [
    ("the cat was found under the bed", "the cat was under the bed"),
    ("The quick brown dog; it jumps over the log.", "The quick brown fox jumps over the lazy dog"),
    ("", "nothing is like it"),
    ("police killed the gunman", "the gunman killed police"),
    ("Running runners ran runs.\nA second line of running.", "runner run\na second running line"),
]
needs_library = pytest.mark.skipif(find_spec("sentence_transformers") is None, reason="needs the extra: encoders")
ASCII = st.text(st.characters(codec="ascii"), max_size=60)


def score(name: str, output: str, reference: str, **given: Any) -> float:
    return make_scorer(name, given, "here")(output, reference)


@pytest.mark.parametrize("kind", ["rouge1", "rouge2", "rougeL", "rougeLsum"])
@pytest.mark.parametrize("stemmer", [False, True])
@pytest.mark.parametrize(("output", "reference"), PAIRS)
def test_on_ascii_text_rouge_is_rouge_scores_own(output: str, reference: str, kind: str, stemmer: bool) -> None:
    from rouge_score.rouge_scorer import RougeScorer

    expected = RougeScorer([kind], use_stemmer=stemmer).score(reference, output)[kind]
    for measure in ("fmeasure", "precision", "recall"):
        found = score("rouge", output, reference, kind=kind, measure=measure, stemmer=stemmer)
        assert found == pytest.approx(getattr(expected, measure))


def test_a_published_example_of_rouge_l() -> None:
    """Lin (2004), section 3: S1 'police killed the gunman', S2 'police kill the gunman': ROUGE-L 3/4 with beta 1."""
    assert score("rouge", "police kill the gunman", "police killed the gunman") == 0.75
    assert score("rouge", "the gunman kill police", "police killed the gunman") == 0.5


def test_letters_beyond_ascii_count_in_rouge_which_the_library_drops() -> None:
    assert score("rouge", "Москва столица России", "Москва столица России") == 1.0
    assert score("rouge", "東京は日本の首都", "東京は日本の首都です") == pytest.approx(16 / 18)
    assert score("rouge", "é", "è") == 0.0


@settings(max_examples=50)
@given(output=ASCII, reference=ASCII)
def test_any_ascii_text_gets_the_librarys_score(output: str, reference: str) -> None:
    from rouge_score.rouge_scorer import RougeScorer
    from sacrebleu.metrics import CHRF

    expected = RougeScorer(["rougeL"]).score(reference, output)["rougeL"].fmeasure
    assert score("rouge", output, reference) == pytest.approx(expected)
    expected = CHRF().sentence_score(output, [reference]).score / 100
    assert score("chrf", output, reference) == pytest.approx(min(1.0, expected))


@pytest.mark.parametrize("word_order", [0, 2])
def test_chrf_is_sacrebleus(word_order: int) -> None:
    from sacrebleu.metrics import CHRF

    for output, reference in PAIRS:
        expected = CHRF(word_order=word_order).sentence_score(output, [reference]).score / 100
        assert score("chrf", output, reference, word_order=word_order) == pytest.approx(expected)
    assert score("chrf", "Häuser", "Häusern") > 0.7 > score("rouge", "Häuser", "Häusern") == 0.0


def test_embeddings_put_what_is_near_in_meaning_above_what_is_not() -> None:
    near = score("embedding_similarity", "The parcel has not arrived.", "My package was never delivered.")
    far = score("embedding_similarity", "The parcel has not arrived.", "Whisk the eggs with sugar.")
    assert 1.0 > near > far + 0.1 >= 0.1
    assert score("embedding_similarity", "a parcel", "a parcel") == 1.0
    assert score("embedding_similarity", "", "a parcel") == 0.0


def test_with_a_threshold_a_cosine_counts_or_does_not() -> None:
    texts = ("The parcel has not arrived.", "My package was never delivered.")
    cosine = score("embedding_similarity", *texts)
    assert score("embedding_similarity", *texts, threshold=cosine) == 1.0
    assert score("embedding_similarity", *texts, threshold=cosine + 0.01) == 0.0


def test_nearness_does_not_see_a_negation() -> None:
    """The documentation says so, and people should meet it here first."""
    assert score("embedding_similarity", "This is not covered by the plan.", "This is covered by the plan.") > 0.8


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("rouge", {"kind": "rouge9"}, "kind should be one of rouge1"),
        ("rouge", {"measure": "f1"}, "measure should be one of fmeasure"),
        ("chrf", {"char_order": 0}, "char_order should be 1 or more"),
        ("embedding_similarity", {"threshold": 2.0}, "threshold should be from 0 to 1"),
    ],
)
def test_settings_that_cannot_be_meant_are_one_line(name: str, given: dict[str, Any], words: str) -> None:
    with pytest.raises(SuiteError, match=words):
        make_scorer(name, given, "here")


@needs_library
def test_an_encoder_that_is_not_there_is_one_line_before_anything_is_scored(tmp_path: Any) -> None:
    with pytest.raises(ModelError, match="cannot be loaded as an encoder"):
        make_scorer("embedding_similarity", {"encoder": str(tmp_path)}, "here")
    with pytest.raises(ModelError, match="is no folder, and no model that was downloaded before; run `hf download"):
        make_scorer("embedding_similarity", {"encoder": "nobody/no-such-encoder"}, "here")


@needs_library
def test_any_model_of_sentence_transformers_may_be_named_by_its_folder(tmp_path: Path) -> None:
    """A static one of three words; its cosines are computed by hand."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "hot": 1, "cold": 2}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    weights = torch.tensor([[0.0, 0.1], [1.0, 0.0], [0.6, 0.8]])
    module = StaticEmbedding(tokenizer, embedding_weights=weights.numpy())
    SentenceTransformer(modules=[module], device="cpu").save_pretrained(str(tmp_path / "encoder"))
    settings = {"encoder": str(tmp_path / "encoder")}
    assert score("embedding_similarity", "hot", "cold", **settings) == pytest.approx(0.6, abs=1e-4)
    assert score("embedding_similarity", "hot hot", "hot", **settings) == 1.0

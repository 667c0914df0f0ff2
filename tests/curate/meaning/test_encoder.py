"""An encoder by name: any model of sentence-transformers, and one line for what cannot be loaded."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from assay.curate.meaning.encoder import load_encoder, why_missing
from assay.errors import ModelError

needs_library = pytest.mark.skipif(find_spec("sentence_transformers") is None, reason="needs the extra: encoders")


def save_bert(folder: Path) -> None:
    """A BERT of random weights, as plain transformers saves it: its tokens' vectors are averaged."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "refund", "card", "how", "late"]
    backend = Tokenizer(models.WordPiece({piece: n for n, piece in enumerate(pieces)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(pieces), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    BertModel(config).save_pretrained(folder)


@pytest.mark.slow
@needs_library
def test_a_folder_of_transformers_is_an_encoder(tmp_path: Path) -> None:
    save_bert(tmp_path)
    assert why_missing(str(tmp_path)) is None
    encoder = load_encoder(str(tmp_path))
    vectors = encoder.encode(["how late", "", "card \ud800", "how late"])
    assert vectors.shape == (4, encoder.dimensions) == (4, 16)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 0, 1, 1], atol=1e-5)
    np.testing.assert_allclose(vectors[0], vectors[3], atol=1e-5)
    assert encoder.encode([]).shape == (0, 16)


@pytest.mark.slow
@needs_library
def test_what_cannot_be_loaded_is_one_line_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError) as caught:
        load_encoder(str(tmp_path))
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_the_library_the_reason_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.curate.meaning.encoder.find_spec", lambda name: None)
    monkeypatch.delitem(sys.modules, "sentence_transformers", raising=False)
    assert why_missing("some/model") == "sentence-transformers is not installed (pip install 'assay[encoders]')"
    assert why_missing("static") == "WordLlama is not installed (pip install 'assay[meaning]')"

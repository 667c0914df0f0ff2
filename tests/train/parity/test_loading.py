"""Weights as training had them; what a model derives from its config is not rounded with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.models import resolve
from assay.train.parity.loading import load_as_trained
from assay.train.parity.provenance import Precision

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")


@pytest.fixture
def gemma(tmp_path: Path) -> Path:
    """A small one in bfloat16. Its embeddings are scaled by the root of their size, which 16 bits do not hold."""
    config = transformers.Gemma3TextConfig(
        vocab_size=64, hidden_size=40, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=16, sliding_window=8, max_position_embeddings=64, pad_token_id=0,
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.Gemma3ForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(tmp_path)
    return tmp_path


def test_a_scale_that_the_config_gives_is_that_of_the_file_read_in_float32(gemma: Path) -> None:
    ids = torch.arange(1, 33)[None]
    plain = transformers.AutoModelForCausalLM.from_pretrained(gemma, dtype=torch.float32).eval()
    trained = load_as_trained(resolve(str(gemma)), Precision(None, False, "bfloat16"), device="cpu")
    with torch.no_grad():
        expected, found = plain(ids).logits, trained(ids).logits
    assert found.dtype is torch.float32
    assert torch.equal(found, expected)

"""The list of shapes, held against counts that were taken of the published weights by others."""

from __future__ import annotations

import pytest

from assay.train.planning.reading import from_config
from assay.train.planning.shapes import load_shapes

REAL = load_shapes(None).models
COUNTED = {
    "llama-2-7b": 6_738_415_616,
    "llama-3-8b": 8_030_261_248,
    "llama-3.1-8b": 8_030_261_248,
    "llama-3.2-1b": 1_498_482_688 - 128_256 * 2048,
    "llama-3.2-3b": 3_606_752_256 - 128_256 * 3072,
    "mistral-7b-v0.1": 7_241_732_096,
    "mistral-7b-v0.3": 7_248_023_552,
    "mistral-small-24b": 23_572_403_200,
    "mixtral-8x7b": 46_702_792_704,
    "qwen2.5-0.5b": 494_032_768,
    "qwen2.5-1.5b": 1_543_714_304,
    "qwen2.5-3b": 3_085_938_688,
    "qwen2.5-7b": 7_615_616_512,
    "qwen2.5-32b": 32_763_876_352,
    "qwen2.5-72b": 72_706_203_648,
    "qwen3-0.6b": 596_049_920,
    "qwen3-1.7b": 1_720_574_976,
    "qwen3-4b": 4_022_468_096,
    "qwen3-8b": 8_190_735_360,
    "qwen3-14b": 14_768_307_200,
    "qwen3-32b": 32_762_123_264,
    "qwen3-30b-a3b": 30_532_122_624,
    "qwen3-235b-a22b": 235_093_634_560,
    "qwen3.5-35b-a3b": 34_660_610_688,
    "gemma-2b": 2_506_172_416,
    "gemma-7b": 8_537_680_896,
    "gemma-2-2b": 2_614_341_888,
    "gemma-2-9b": 9_241_705_984,
    "gemma-2-27b": 27_227_128_320,
    "gemma-3-270m": 268_098_176,
    "gemma-3-1b": 999_885_952,
    "gemma-3-4b": 3_880_099_328 + 64 * 2560,
    "gemma-3-12b": 11_765_788_416 + 64 * 3840,
    "gemma-3-27b": 27_009_002_240 + 64 * 5376,
    "phi-3-mini": 3_821_079_552,
    "gpt-oss-20b": 20_914_757_184,
    "gpt-oss-120b": 116_829_156_672,
    "smollm3-3b": 3_075_100_928,
}
"""keras-hub 0.32.0, `params` of its presets: parameters of the weights that Keras publishes, converted from the
makers'. Keras holds Llama 3.2's output projection apart, which the makers tie to the embedding, and cuts Gemma 3's
vocabulary by 64 tokens for pictures; Qwen 2.5's 1.5B and 7B are those of its mathematical variants."""

WITH_WHAT_SEES = {"qwen3.5-9b": 9_409_813_744}
"""The same source, where the shape is that of the text part alone."""


@pytest.mark.parametrize("name", COUNTED)
def test_a_shape_has_the_parameters_of_the_published_weights(name: str) -> None:
    assert from_config(REAL[name], name).parameters == pytest.approx(COUNTED[name], rel=1e-6)


@pytest.mark.parametrize("name", WITH_WHAT_SEES)
def test_a_text_part_is_somewhat_smaller_than_the_whole(name: str) -> None:
    assert 0.94 < from_config(REAL[name], name).parameters / WITH_WHAT_SEES[name] < 1


def test_a_token_meets_as_many_parameters_as_the_makers_say() -> None:
    """Mixtral's 12.9 billion (Jiang et al., Mixtral of Experts, 2024) and GPT-OSS's 3.6 (its model card, which leaves
    the embedding out)."""
    mixtral, oss = (from_config(REAL[name], name) for name in ("mixtral-8x7b", "gpt-oss-20b"))
    assert mixtral.active_parameters / 1e9 == pytest.approx(12.9, abs=0.05)
    assert (oss.active_parameters - oss.embedding) / 1e9 == pytest.approx(3.6, abs=0.05)

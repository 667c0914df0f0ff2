"""Shared by all tests: no network by accident, no deadline that a busy machine could miss."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("assay", deadline=None, database=None, max_examples=60)
hypothesis.settings.load_profile("assay")

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data that no one here wrote; tests that need it are skipped where it is not."""
    here = Path(__file__).resolve().parent.parent
    for candidate in (os.environ.get("ASSAY_SHARED"), here.parent / "shared"):
        if candidate and (Path(candidate) / "data").is_dir():
            return Path(candidate)
    pytest.skip("needs the shared data folder (set ASSAY_SHARED)")


CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def build_tiny_tokenizer(folder: Path, chat_template: str | None = CHATML) -> None:
    """A byte-level BPE of a few hundred tokens, with ChatML's special tokens, saved like any tokenizer."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<unused0>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(["user assistant system\n", "the cat sat on the mat. yes no\n\n"] * 20, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token="<|im_end|>", pad_token="<|im_end|>", model_max_length=256
    )
    tokenizer.chat_template = chat_template
    tokenizer.save_pretrained(folder)


def build_tiny_model(folder: Path, seed: int = 0, hidden_size: int = 32) -> None:
    """A two-layer Llama of random weights with the tiny tokenizer: config, safetensors, tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    build_tiny_tokenizer(folder)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=400,
        hidden_size=hidden_size,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        bos_token_id=None,
        eos_token_id=2,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(folder)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny Llama; read it, do not change it."""
    folder = tmp_path_factory.mktemp("tiny-llama")
    build_tiny_model(folder)
    return folder

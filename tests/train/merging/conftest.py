"""Tiny random models of several architectures, and adapters over them whose updates are large enough to be seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.train.parity.provenance import Trained, read_trained

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + (message['content'] or '') "
    "+ '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TURNS = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "{{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' else message['role']) + '\n' "
    "+ (message['content'] or '') + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
"""As Gemma's: a beginning-of-sequence token, no system turn."""

SHARED = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
    "initializer_range": 0.2,
}


def _tokenizer(kind: str) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    gemma = kind == "gemma"
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(alphabet)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    names: dict[str, Any] = (
        {"bos_token": "<bos>", "eos_token": "<eos>", "extra_special_tokens": ["<start_of_turn>", "<end_of_turn>"]}
        if gemma
        else {"eos_token": "<|im_end|>", "extra_special_tokens": ["<|im_start|>", "<|endoftext|>"]}
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<|pad|>", model_max_length=1024, **names)
    tokenizer.chat_template = TURNS if gemma else CHATML
    return tokenizer


def build_base(folder: Path, kind: str, *, tied: bool, seed: int = 0) -> Path:
    import torch
    from transformers import AutoModelForCausalLM, Gemma2Config, LlamaConfig, Qwen2Config

    tokenizer = _tokenizer(kind)
    common = {
        **SHARED,
        "vocab_size": len(tokenizer) + (-len(tokenizer)) % 64,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "tie_word_embeddings": tied,
    }
    config: Any = {
        "llama": lambda: LlamaConfig(**common),
        "wide": lambda: LlamaConfig(**{**common, "hidden_size": 128}),
        "qwen": lambda: Qwen2Config(**common),
        "gemma": lambda: Gemma2Config(**common, head_dim=16, sliding_window=512),
    }[kind]()
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config).to(torch.bfloat16)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def make_base(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """make(kind, tied=True) -> folder of a llama, a wide one, a qwen or a gemma; read it, do not change it."""
    made: dict[tuple[str, bool], Path] = {}

    def make(kind: str = "llama", *, tied: bool = True) -> Path:
        if (kind, tied) not in made:
            made[kind, tied] = build_base(tmp_path_factory.mktemp("base") / kind, kind, tied=tied)
        return made[kind, tied]

    return make


@pytest.fixture(scope="session")
def make_adapter() -> Callable[..., Path]:
    """make(folder, base, seed=0, scale=..., quantisation=None, dtype="bfloat16", **LoraConfig) -> folder"""

    def make(
        folder: Path,
        base: Path,
        *,
        seed: int = 0,
        scale: float = 0.05,
        quantisation: str | None = None,
        card: bool = True,
        tokens: int | None = None,
        **lora: Any,
    ) -> Path:
        import torch
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModelForCausalLM

        from assay.chat import load_target
        from assay.models import weights_sha256

        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        if tokens is not None:
            model.resize_token_embeddings(tokens, mean_resizing=False)
        config = LoraConfig(
            **{"r": 4, "lora_alpha": 8, "target_modules": "all-linear", "task_type": "CAUSAL_LM"} | lora
        )
        adapted = get_peft_model(model, config)
        with torch.no_grad():
            for parameter in adapted.parameters():
                if parameter.requires_grad:
                    parameter.add_(torch.randn_like(parameter), alpha=scale)
        adapted.save_pretrained(folder, save_embedding_layers=tokens is not None)
        target = load_target(str(base), offline=True)
        (folder / "chat_template.jinja").write_text(target.template, encoding="utf-8")
        if card:
            facts = {
                "version": 1,
                "run": None,
                "base": str(base),
                "revision": None,
                "weights_sha256": weights_sha256(target.ref),
                "template_sha256": target.template_sha256,
                "tokenizer_sha256": target.tokenizer_sha256,
                "data_digests": [{"run": None, "digest": "d"}],
                "training_records": "trained_records.parquet",
                "quantisation": quantisation,
                "bnb_4bit_use_double_quant": True if quantisation else None,
                "dtype": "bfloat16",
            }
            (folder / "assay.json").write_text(json.dumps(facts), encoding="utf-8")
        return folder

    return make


@pytest.fixture(scope="session")
def trained_of() -> Callable[[Path], Trained]:
    return lambda folder: read_trained(folder, offline=True)

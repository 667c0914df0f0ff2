"""Every family that transformers loads as a causal language model: does `assay train` train it?

    python benchmarks/train_every_family.py [FAMILY ...] [--load-in-4bit] [--json FILE]

Each is a tiny model of random weights, made from the family's own default config with its sizes made small, with a
tokenizer of single bytes, and goes through `assay.train.stage.train` for one step in this process: about a second of
processor time a family, four minutes for all. A line says what came of it; docs/decisions/0122 has the sums.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MOST = 30_000_000
"""Parameters of what is still small; a family whose sizes have names of their own can come out larger."""

EQUAL: Mapping[int, tuple[str, ...]] = {
    64: ("hidden_size", "d_model", "n_embd", "dim", "embed_dim", "model_dim", "word_embed_proj_dim", "embedding_size",
         "dim_model", "emb_dim", "moe_intermediate_size", "expert_intermediate_size", "expert_ffn_hidden_size",
         "moe_ffn_hidden_size"),
    2: ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "decoder_layers", "encoder_layers",
        "num_decoder_layers"),
    4: ("num_attention_heads", "n_head", "n_heads", "num_heads", "decoder_attention_heads", "encoder_attention_heads",
        "num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts", "num_routed_experts"),
    128: ("intermediate_size", "ffn_hidden_size", "d_inner", "decoder_ffn_dim", "encoder_ffn_dim", "n_inner", "ffn_dim",
          "dim_ff", "dff", "d_ff", "feed_forward_size", "intermediate_size_mlp", "shared_expert_intermediate_size",
          "shared_intermediate_size"),
    16: ("head_dim", "attention_head_dim", "swa_head_dim", "kv_channels", "global_head_dim", "qk_nope_head_dim",
         "qk_rope_head_dim", "v_head_dim", "rotary_dim"),
    1: ("n_group", "topk_group", "num_expert_group", "first_k_dense_replace", "num_dense_layers"),
    32: ("q_lora_rank", "kv_lora_rank"),
    56: ("image_size",),
    512: ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "max_sequence_length"),
}  # fmt: skip
SIZES = {name: size for size, names in EQUAL.items() for name in names}
EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts", "num_routed_experts")
ACTIVE = ("num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_top_k", "top_k_experts", "moe_k")
KEY_HEADS = ("num_key_value_heads", "num_kv_heads", "n_kv_heads")
COMMON = {"vocab_size": 320, "pad_token_id": 257, "bos_token_id": None, "eos_token_id": 256, "initializer_range": 0.2}
MAMBA = {"mamba_d_ssm": 64, "mamba_n_heads": 4, "mamba_d_head": 32, "mamba_d_state": 16, "mamba_expand": 2}
PER_LAYER = {"vocab_size_per_layer_input": 320, "hidden_size_per_layer_input": 8}
TOWER = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 4, "head_dim": 16}  # fmt: skip
TEXT = {**TOWER, "num_key_value_heads": 2, "vocab_size": 320}
HYBRID = {"num_hidden_layers": 4, "layers_block_type": ["mamba", "hybrid", "mamba", "hybrid"]}
CHANGE_EXPERTS = ("bailing_hybrid", "cohere2_moe", "deepseek_v2", "hrm_text", "kolibri1", "mixtral")
"""With larger random weights a small step sends tokens to other experts, and the gradient check sees the loss jump."""

OF_ITS_OWN: Mapping[str, Mapping[str, Any]] = {
    **{family: {"initializer_range": 0.05} for family in CHANGE_EXPERTS},
    "bamba": {**MAMBA, "mamba_n_groups": 1, "num_hidden_layers": 3, "attn_layer_indices": [1]},
    "cwm": {"bos_token_id": 256},
    "dots1": {"n_routed_experts": 4, "n_shared_experts": 1, "num_experts_per_tok": 2},
    "gemma3n_text": {**PER_LAYER, "num_kv_shared_layers": 0, "layer_types": ["sliding_attention", "full_attention"],
                     "activation_sparsity_pattern": [0.0, 0.0]},
    "gemma4": {"text_config": {**PER_LAYER, **TEXT}, "vision_config": TOWER},
    "gemma4_text": PER_LAYER,
    "gpt_neo": {"attention_types": [[["global", "local"], 1]]},
    "granitemoehybrid": {**MAMBA, "position_embedding_type": "nope", "layer_types": ["mamba", "attention"]},
    "inkling2_loop_text": {"unpadded_vocab_size": 320},
    "inkling2_text": {"unpadded_vocab_size": 320},
    "kimi_linear": {"linear_num_heads": 4, "linear_head_dim": 16},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"]},
    "mamba2": {"num_heads": 4, "head_dim": 32, "n_groups": 1, "state_size": 16},
    "modernbert-decoder": {"bos_token_id": 256, "cls_token_id": 256, "sep_token_id": 256},
    "zamba": {**HYBRID, "n_mamba_heads": 2},
    "zamba2": {**HYBRID, "n_mamba_heads": 4, "mamba_d_state": 16, "mamba_headdim": 32},
    "zaya": {"num_experts_per_tok": 1},
}  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """came: trained | refused, in one line | failed, with anything else. seconds: of processor time."""

    family: str
    came: str
    line: str
    seconds: float


def main() -> None:
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("families", nargs="*", metavar="FAMILY")
    parser.add_argument("--load-in-4bit", action="store_true")
    parser.add_argument("--json", type=Path, help="append one JSON line a family to this file")
    arguments = parser.parse_args()
    families = arguments.families or list(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)
    counts: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as name:
        tokenizer = write_tokenizer(Path(name) / "tokenizer")
        for family in families:
            found = attempt(family, tokenizer, Path(name) / "run", load_in_4bit=arguments.load_in_4bit)
            counts[found.came] = counts.get(found.came, 0) + 1
            print(f"{family:<28}{found.came:<9}{found.seconds:>6.1f}  {found.line}", flush=True)
            if arguments.json is not None:
                with arguments.json.open("a") as file:
                    file.write(json.dumps(asdict(found)) + "\n")
    print(", ".join(f"{came} {count}" for came, count in sorted(counts.items())))


def attempt(family: str, tokenizer: Path, folder: Path, *, load_in_4bit: bool) -> Outcome:
    from assay.errors import AssayError
    from assay.train.settings import TrainSettings
    from assay.train.stage import train

    settings = TrainSettings(
        load_in_4bit=load_in_4bit, dtype="float32", device="cpu", learning_rate=5e-3, num_train_epochs=1,
        validation=0, samples=0,
    )  # fmt: skip
    started = time.process_time()
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            write_model(family, tokenizer, folder / "model")
            train(records(), settings, folder / "out", str(folder / "model"))
        came, line = "trained", ""
    except AssayError as error:
        came, line = "refused", str(error).replace(f"{folder / 'model'}: ", "")
    except Exception as error:  # noqa: BLE001  whatever it is, the next family is tried
        came, line = "failed", f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return Outcome(family, came, line, time.process_time() - started)


def write_model(family: str, tokenizer: Path, folder: Path) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    keys = {**dict(small(AutoConfig.for_model(family))), **OF_ITS_OWN.get(family, {})}
    config = AutoConfig.for_model(family, **keys)
    with torch.device("meta"):
        size = sum(p.numel() for p in AutoModelForCausalLM.from_config(config).parameters())
    if size > MOST:
        raise RuntimeError(f"no small model of it is known here: {size / 1e6:.0f}M parameters")
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    shutil.copytree(tokenizer, folder, dirs_exist_ok=True)


def small(config: Any) -> Iterator[tuple[str, Any]]:
    """The keys of a config whose meaning is known by their names, made small; those of its parts too."""
    parts = getattr(type(config), "sub_configs", None) or {}
    known = config.to_dict()
    has_experts = any(known.get(name) for name in EXPERTS)
    for key in known:
        value = attribute(config, key)
        if key in parts:
            if hasattr(value, "to_dict"):
                yield key, dict(small(value))
        elif key == "head_dim":
            yield key, 16
        elif isinstance(value, bool) or not (value is None or isinstance(value, int)):
            continue
        elif key in KEY_HEADS:
            yield key, 4 if value in (None, attribute(config, "num_attention_heads")) else min(2, value)
        elif key in ACTIVE and has_experts:
            yield key, 2
        elif key in SIZES and value:
            yield key, SIZES[key]
    yield from ((key, value) for key, value in COMMON.items() if key in known or (key == "vocab_size" and not parts))


def attribute(config: Any, name: str) -> Any:
    """Some values differ from layer to layer, and have none for the model."""
    try:
        return getattr(config, name, None)
    except Exception:  # noqa: BLE001  each family raises its own
        return 1


def write_tokenizer(folder: Path) -> Path:
    from byte_tokenizer import byte_tokenizer

    byte_tokenizer(512).save_pretrained(folder)
    return folder


def records() -> Any:
    from assay.dataset import Dataset
    from assay.records import Message, Record, Source, record_id, row_id

    def one(number: int) -> Record:
        messages = (Message("user", f"thing {number}?"), Message("assistant", ("red", "green", "blue", "grey")[number]))
        place = Source("records.jsonl", number + 1, number)
        return Record(record_id(messages), row_id("records.jsonl", number), messages, place, family=f"f{number}")

    return Dataset.from_records([one(number) for number in range(4)])


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    sys.path.insert(0, str(ROOT))
    main()

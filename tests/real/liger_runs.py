"""Small random models, trained by `assay train`'s own function with Liger's kernels and without, in one process.

`python -m tests.real.liger_runs FOLDER RUNS.json`, where RUNS.json is {name: {"family": ..., "settings": {...}, "head":
...}}; head: TRL's fused head is computed by its Triton kernels beside Liger, as on a GPU. Each run leaves
FOLDER/NAME/liger and FOLDER/NAME/plain, with `said.txt`, or `error.txt` where it was refused.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.real.triton_interpreter import interpret

TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'][0] + message['content'] + '<|im_end|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>a' }}{% endif %}"
)
COMMON = {
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 64, "initializer_range": 0.2,
}  # fmt: skip
EXPERTS = {"num_local_experts": 4, "num_experts_per_tok": 2}
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {"model_type": "llama", "tie_word_embeddings": True, "num_hidden_layers": 2},
    "llama, head apart": {"model_type": "llama", "tie_word_embeddings": False},
    "llama, relu": {"model_type": "llama", "hidden_act": "relu", "tie_word_embeddings": True},
    "mistral": {"model_type": "mistral", "sliding_window": 16},
    "qwen2": {"model_type": "qwen2"},
    "qwen3": {"model_type": "qwen3", "head_dim": 32},
    "gemma": {"model_type": "gemma", "head_dim": 16},
    "gemma2": {"model_type": "gemma2", "head_dim": 16, "sliding_window": 16},
    "gemma3": {"model_type": "gemma3_text", "head_dim": 16, "sliding_window": 16},
    "phi3": {"model_type": "phi3", "partial_rotary_factor": 0.75},
    "granite": {"model_type": "granite"},
    "mixtral": {"model_type": "mixtral", **EXPERTS},
    "gpt2": {"model_type": "gpt2", "n_embd": 64, "n_layer": 1, "n_head": 4, "n_positions": 64},
}
USUAL: dict[str, Any] = {
    "load_in_4bit": False, "dtype": "float32", "device": "cpu", "learning_rate": 3e-3, "num_train_epochs": 2,
    "effective_batch_size": 4, "per_device_train_batch_size": 2, "eval_steps": 2, "samples": 0,
    "validation": 0.25,
}  # fmt: skip
ANSWERS = ("ox", "hen", "asp")


def make_model(folder: Path, family: str, seed: int = 0) -> Path:
    """Random weights, and a tokenizer of bytes."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

    if (folder / "config.json").is_file():
        return folder
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(alphabet)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        eos_token="<|im_end|>",
        pad_token="<|pad|>",
        additional_special_tokens=["<|im_start|>"],
        model_max_length=64,
    )
    tokenizer.chat_template = TEMPLATE
    values = dict(FAMILIES[family])
    kind = values.pop("model_type")
    usual = {} if kind == "gpt2" else COMMON
    config = AutoConfig.for_model(
        kind,
        **{
            **usual, "vocab_size": 320, "eos_token_id": tokenizer.eos_token_id, "bos_token_id": None,
            "pad_token_id": tokenizer.pad_token_id, **values,
        },
    )  # fmt: skip
    torch.manual_seed(seed)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def records(count: int, begin: int = 0, mark: str = "") -> list[dict[str, Any]]:
    """Prompts of several lengths, and answers that follow from them."""
    return [
        {
            "messages": [
                {"role": "user", "content": f"{'x' * (number % 5)}{mark}{number}?"},
                {"role": "assistant", "content": mark + ANSWERS[number % 3]},
            ]
        }
        for number in range(begin, begin + count)
    ]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def one(folder: Path, family: str, settings: dict[str, Any], *, liger: bool) -> None:
    """Trains, or writes why not."""
    from assay.chat import load_target
    from assay.errors import AssayError
    from assay.train.settings import TrainSettings
    from assay.train.stage import train

    said: list[str] = []
    chosen = {**USUAL, **settings, "use_liger_kernel": liger}
    chosen = {name: tuple(value) if isinstance(value, list) else value for name, value in chosen.items()}
    if chosen.get("general_data"):
        chosen["general_data"] = (str(write(folder.parent / "general.jsonl", records(6, 100))),)
    marks = chosen.get("new_tokens", ("",))
    data = write(folder.parent / "data.jsonl", records(8, mark=marks[0]))
    try:
        target = load_target(str(make_model(folder.parent.parent / "models" / family, family)), offline=True)
        train(data, TrainSettings(**chosen), folder, target, say=said.append)
    except AssayError as error:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "error.txt").write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
    (folder / "said.txt").write_text("\n".join(said), encoding="utf-8")


@contextlib.contextmanager
def heads_kernels() -> Iterator[None]:
    """TRL's fused head as it is computed on a GPU."""
    from trl.kernels import chunked_logprob

    original = chunked_logprob._use_triton
    chunked_logprob._use_triton = lambda device: True
    try:
        yield
    finally:
        chunked_logprob._use_triton = original


def main(folder: Path, runs: dict[str, Any]) -> None:
    import time

    for name, run in runs.items():
        for liger in (True, False):
            begun = time.process_time()
            (folder / name).mkdir(parents=True, exist_ok=True)
            with heads_kernels() if liger and run["head"] else contextlib.nullcontext():
                one(folder / name / ("liger" if liger else "plain"), run["family"], run["settings"], liger=liger)
            print(f"{name} {'liger' if liger else 'plain'}: {time.process_time() - begun:.1f} s", flush=True)


if __name__ == "__main__":
    interpret()
    main(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))
